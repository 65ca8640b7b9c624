//! HMAC keys: SHA-224, 256, 384 and 512 (FIPS 198-1), under AWS's names and with AWS's key lengths.

use std::fmt;
use std::str::FromStr;

use hmac::{EagerHash, Hmac, KeyInit, Mac};
use sha2::{Sha224, Sha256, Sha384, Sha512};

use crate::asymmetric::UnknownName;
use crate::entropy::Entropy;
use crate::scrub::scrubbed;
use crate::secret::Secret;

/// AWS's `MacAlgorithmSpec`. Each has a key spec of its own, whose keys are as long as its MACs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MacAlgorithm {
    /// `HMAC_SHA_224`, for keys of spec `HMAC_224`.
    HmacSha224,
    /// `HMAC_SHA_256`, for keys of spec `HMAC_256`.
    HmacSha256,
    /// `HMAC_SHA_384`, for keys of spec `HMAC_384`.
    HmacSha384,
    /// `HMAC_SHA_512`, for keys of spec `HMAC_512`.
    HmacSha512,
}

/// The MAC is not one of this message under this key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the MAC does not verify")]
pub struct WrongMac;

/// Algorithm, its name, the spec of its keys, and the length of key and MAC in bytes.
const TABLE: &[(MacAlgorithm, &str, &str, usize)] = &[
    (MacAlgorithm::HmacSha224, "HMAC_SHA_224", "HMAC_224", 28),
    (MacAlgorithm::HmacSha256, "HMAC_SHA_256", "HMAC_256", 32),
    (MacAlgorithm::HmacSha384, "HMAC_SHA_384", "HMAC_384", 48),
    (MacAlgorithm::HmacSha512, "HMAC_SHA_512", "HMAC_512", 64),
];

impl MacAlgorithm {
    /// All of them, in AWS's order.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    /// The algorithm of keys of this spec (`HMAC_256`), or `None` when it is no spec of HMAC keys.
    pub fn of_key_spec(spec: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.2 == spec).map(|row| row.0)
    }

    /// AWS's name: `HMAC_SHA_256`, …
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// The spec of its keys: `HMAC_256`, …
    pub fn key_spec(self) -> &'static str {
        self.row().2
    }

    /// Length of a key, and of a MAC, in bytes.
    pub fn len_bytes(self) -> usize {
        self.row().3
    }

    /// A new key.
    pub fn new_key(self, entropy: &dyn Entropy) -> Secret {
        Secret::filled(self.len_bytes(), |out| entropy.fill(out))
    }

    /// The MAC of a message of any length.
    pub fn generate(self, key: &Secret, message: &[u8]) -> Vec<u8> {
        scrubbed(|| match self {
            Self::HmacSha224 => keyed::<Sha224>(key, message).finalize().into_bytes().to_vec(),
            Self::HmacSha256 => keyed::<Sha256>(key, message).finalize().into_bytes().to_vec(),
            Self::HmacSha384 => keyed::<Sha384>(key, message).finalize().into_bytes().to_vec(),
            Self::HmacSha512 => keyed::<Sha512>(key, message).finalize().into_bytes().to_vec(),
        })
    }

    /// Whether `mac` is the whole MAC of `message`, in time that depends on neither.
    pub fn verify(self, key: &Secret, message: &[u8], mac: &[u8]) -> Result<(), WrongMac> {
        let verified = scrubbed(|| match self {
            Self::HmacSha224 => keyed::<Sha224>(key, message).verify_slice(mac),
            Self::HmacSha256 => keyed::<Sha256>(key, message).verify_slice(mac),
            Self::HmacSha384 => keyed::<Sha384>(key, message).verify_slice(mac),
            Self::HmacSha512 => keyed::<Sha512>(key, message).verify_slice(mac),
        });
        verified.map_err(|_| WrongMac)
    }

    fn row(self) -> &'static (Self, &'static str, &'static str, usize) {
        TABLE.iter().find(|row| row.0 == self).expect("every algorithm stands in the table")
    }
}

fn keyed<D: EagerHash>(key: &Secret, message: &[u8]) -> Hmac<D> {
    let mac = Hmac::<D>::new_from_slice(key.expose()).expect("HMAC takes keys of any length");
    mac.chain_update(message)
}

impl fmt::Display for MacAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for MacAlgorithm {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::all().find(|algorithm| algorithm.name() == name).ok_or(UnknownName)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::entropy::SeededEntropy;

    /// RFC 4231, test cases 1, 2 and 6 (a key longer than a block).
    #[test]
    fn the_macs_agree_with_the_rfc() {
        for (key, message, macs) in [
            (
                vec![0x0b; 20],
                &b"Hi There"[..],
                [
                    "896fb1128abbdf196832107cd49df33f47b4b1169912ba4f53684b22",
                    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
                    "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
                    "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
                ],
            ),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?",
                [
                    "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44",
                    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
                    "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
                    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
                ],
            ),
            (
                vec![0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                [
                    "95e9a0db962095adaebe9b2d6f0dbce2d499f112f2d2b7273fa6870e",
                    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
                    "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
                    "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
                ],
            ),
        ] {
            for (algorithm, mac) in MacAlgorithm::all().zip(macs) {
                assert_eq!(hex::encode(algorithm.generate(&Secret::copied(&key), message)), mac, "{algorithm}");
            }
        }
    }

    #[test]
    fn names_specs_and_lengths_are_those_of_aws() {
        for (spec, name, len) in [
            ("HMAC_224", "HMAC_SHA_224", 28),
            ("HMAC_256", "HMAC_SHA_256", 32),
            ("HMAC_384", "HMAC_SHA_384", 48),
            ("HMAC_512", "HMAC_SHA_512", 64),
        ] {
            let algorithm: MacAlgorithm = name.parse().unwrap();
            assert_eq!(MacAlgorithm::of_key_spec(spec), Some(algorithm));
            assert_eq!((algorithm.name(), algorithm.key_spec()), (name, spec));
            let key = algorithm.new_key(&SeededEntropy::new(1));
            assert_eq!((key.len(), algorithm.generate(&key, b"").len()), (len, len));
        }
        assert_eq!("HMAC_256".parse::<MacAlgorithm>(), Err(UnknownName));
        assert_eq!(MacAlgorithm::of_key_spec("HMAC_SHA_256"), None);
    }

    proptest! {
        #[test]
        fn only_the_whole_mac_of_just_this_message_verifies(
            message in proptest::collection::vec(any::<u8>(), 0..100),
            bit in any::<proptest::sample::Index>(),
            which in any::<proptest::sample::Index>(),
        ) {
            let algorithm = MacAlgorithm::all().nth(which.index(4)).unwrap();
            let key = algorithm.new_key(&SeededEntropy::new(1));
            let mac = algorithm.generate(&key, &message);
            prop_assert_eq!(algorithm.verify(&key, &message, &mac), Ok(()));
            let mut bent = mac.clone();
            let bit = bit.index(8 * mac.len());
            bent[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(algorithm.verify(&key, &message, &bent), Err(WrongMac));
            prop_assert_eq!(algorithm.verify(&key, &message, &mac[..mac.len() - 1]), Err(WrongMac));
            prop_assert_eq!(algorithm.verify(&key, &[&message[..], b"x"].concat(), &mac), Err(WrongMac));
        }
    }
}
