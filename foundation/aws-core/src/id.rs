//! Identifiers as AWS spells them. Randomness comes from the caller, as bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

text_newtype!(
    /// A 12-digit AWS account id.
    AccountId
);
text_newtype!(
    /// A region name such as `us-east-1`.
    Region
);

impl AccountId {
    /// The account that unknown access keys act in.
    pub fn default_account() -> Self {
        Self("000000000000".into())
    }

    /// Accepts exactly twelve ASCII digits.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())).then(|| Self(text.into()))
    }
}

impl Region {
    /// The region of a request that names none.
    pub fn default_region() -> Self {
        Self("us-east-1".into())
    }

    /// Accepts lower-case letters, digits and hyphens, 1 to 32 of them.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=32).contains(&text.len());
        let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        (fits && plain).then(|| Self(text.into()))
    }
}

/// A version-4 UUID in lower case, from 16 random bytes. Used for request ids, event ids and key ids.
pub fn uuid(mut random: [u8; 16]) -> String {
    random[6] = (random[6] & 0x0f) | 0x40;
    random[8] = (random[8] & 0x3f) | 0x80;
    let h = hex::encode(random);
    format!("{}-{}-{}-{}-{}", &h[..8], &h[8..12], &h[12..16], &h[16..20], &h[20..])
}

/// An EC2-style id: a prefix and 17 hex digits, e.g. `vol-0123456789abcdef0`.
pub fn ec2_id(prefix: &str, random: [u8; 9]) -> String {
    let digits = hex::encode(random);
    format!("{prefix}-0{}", &digits[..16])
}

/// An IAM unique id: a four-letter prefix and 17 characters of base 32, e.g. `AIDA…`, `AKIA…`.
pub fn iam_id(prefix: &str, random: [u8; 17]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let tail = random.iter().map(|b| char::from(ALPHABET[usize::from(b & 31)]));
    prefix.chars().chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_shapes_of_aws() {
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(ec2_id("vol", [0xab; 9]), "vol-0abababababababab");
        assert_eq!(iam_id("AKIA", [0; 17]), "AKIAAAAAAAAAAAAAAAAAA");
        assert!(AccountId::parse("12345678901").is_none());
        assert!(AccountId::parse("12345678901x").is_none());
        assert!(Region::parse("us-east-1").is_some());
        assert!(Region::parse("../etc").is_none());
    }
}
