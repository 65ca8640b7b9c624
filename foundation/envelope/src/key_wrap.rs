//! How key material travels into KMS: wrapped under an RSA key, directly or through an AES key.
//!
//! ```text
//! RSAES_OAEP_SHA_*         OAEP(material)                                     symmetric, HMAC and ECC material
//! RSA_AES_KEY_WRAP_SHA_*   OAEP(fresh AES-256 key) ‖ AES-KWP(material)        any material, also RSA private keys
//! ```
//!
//! AES-KWP is RFC 5649 (NIST SP 800-38F §6.3). Deliberately absent: RSAES_PKCS1_V1_5, which AWS has refused since
//! October 2023, and SM2PKE.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded};
use zeroize::Zeroizing;

use crate::asymmetric::{AsymmetricError, EncryptionAlgorithm, KeyPair, PublicKey, UnknownName};
use crate::entropy::Entropy;
use crate::secret::Secret;

/// Length of the AES key between, in bytes: AWS documents AES-256 and no other.
const AES_KEY_BYTES: usize = 32;

/// AWS's wrapping algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WrappingAlgorithm {
    /// The material itself is encrypted to the RSA key.
    RsaesOaep(EncryptionAlgorithm),
    /// An AES key is encrypted to the RSA key, and the material wrapped under the AES key.
    RsaAesKeyWrap(EncryptionAlgorithm),
}

const NAMES: &[(WrappingAlgorithm, &str)] = &[
    (WrappingAlgorithm::RsaesOaep(EncryptionAlgorithm::RsaesOaepSha1), "RSAES_OAEP_SHA_1"),
    (WrappingAlgorithm::RsaesOaep(EncryptionAlgorithm::RsaesOaepSha256), "RSAES_OAEP_SHA_256"),
    (WrappingAlgorithm::RsaAesKeyWrap(EncryptionAlgorithm::RsaesOaepSha1), "RSA_AES_KEY_WRAP_SHA_1"),
    (WrappingAlgorithm::RsaAesKeyWrap(EncryptionAlgorithm::RsaesOaepSha256), "RSA_AES_KEY_WRAP_SHA_256"),
];

impl WrappingAlgorithm {
    /// All of them, in AWS's order.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(algorithm, _)| *algorithm)
    }

    /// AWS's name: `RSAES_OAEP_SHA_256`, …
    pub fn name(self) -> &'static str {
        let found = NAMES.iter().find(|(algorithm, _)| *algorithm == self);
        found.map(|(_, name)| *name).expect("every algorithm stands in the table")
    }
}

/// Opens material that was wrapped to `pair`.
///
/// # Errors
/// `Ciphertext` for whatever does not open, without a word about where it failed; `Incompatible` when the pair is not RSA.
pub fn unwrap(pair: &KeyPair, how: WrappingAlgorithm, wrapped: &[u8]) -> Result<Secret, AsymmetricError> {
    match how {
        WrappingAlgorithm::RsaesOaep(oaep) => pair.decrypt(oaep, wrapped),
        WrappingAlgorithm::RsaAesKeyWrap(oaep) => {
            let modulus = pair.spec().modulus_bytes().ok_or(AsymmetricError::Incompatible)?;
            let (key, material) = wrapped.split_at_checked(modulus).ok_or(AsymmetricError::Ciphertext)?;
            unwrap_padded(&pair.decrypt(oaep, key)?, material)
        }
    }
}

/// Wraps material to the holder of the private key: the other side of an import.
///
/// # Errors
/// `TooLong` when OAEP alone cannot take it; `Incompatible` when the key is not RSA.
pub fn wrap(
    public: &PublicKey,
    how: WrappingAlgorithm,
    material: &Secret,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, AsymmetricError> {
    match how {
        WrappingAlgorithm::RsaesOaep(oaep) => public.encrypt(oaep, material.expose()),
        WrappingAlgorithm::RsaAesKeyWrap(oaep) => {
            let key = Secret::filled(AES_KEY_BYTES, |out| entropy.fill(out));
            let wrapped_key = public.encrypt(oaep, key.expose())?;
            Ok([wrapped_key, wrap_padded(&key, material)?].concat())
        }
    }
}

/// AES-KWP: `material` (at least one byte) under a 256-bit key.
///
/// # Errors
/// `Incompatible` when the key has another length; `Library` when there is nothing to wrap.
pub fn wrap_padded(key: &Secret, material: &Secret) -> Result<Vec<u8>, AsymmetricError> {
    // RFC 5649 §4.1: at most 7 bytes of padding, and the 8 bytes that carry the length.
    let mut room = vec![0; material.len() + 15];
    let written =
        kek(key)?.wrap_with_padding(material.expose(), &mut room).map_err(|_| AsymmetricError::Library)?.len();
    room.truncate(written);
    Ok(room)
}

/// Opens what [`wrap_padded`] made.
///
/// # Errors
/// `Ciphertext` when the key has another length, or is another, or a byte was changed.
pub fn unwrap_padded(key: &Secret, wrapped: &[u8]) -> Result<Secret, AsymmetricError> {
    let kek = kek(key).map_err(|_| AsymmetricError::Ciphertext)?;
    let mut room = Zeroizing::new(vec![0; wrapped.len()]);
    let material = kek.unwrap_with_padding(wrapped, &mut room);
    material.map(|material| Secret::copied(material)).map_err(|_| AsymmetricError::Ciphertext)
}

fn kek(key: &Secret) -> Result<AesKek, AsymmetricError> {
    AesKek::new(&AES_256, key.expose()).map_err(|_| AsymmetricError::Incompatible)
}

impl fmt::Display for WrappingAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for WrappingAlgorithm {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::all().find(|algorithm| algorithm.name() == name).ok_or(UnknownName)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::asymmetric::KeyPairSpec;
    use crate::entropy::SeededEntropy;

    fn hex(text: &str) -> Secret {
        Secret::new(hex::decode(text).unwrap())
    }

    /// Wycheproof, aes_kwp_test.json, tests 173, 178, 179 and 185: paddings of 5, 0, 7 and 1 bytes.
    #[test]
    fn key_wrapping_agrees_with_known_vectors() {
        let key = hex("1abf4b7fa2bb62a78f09ddab04625dcacdd9e551d1a69b6b162baa53d2700093");
        for (material, wrapped) in [
            ("f713b9", "b2a77d9b837e87cdb7391e1df7cdaf14"),
            ("e43f5e4e123a03c4", "3a6746052a1744cfe7e2f36dafc4042d"),
            ("1723eb9d000916996a", "db7e73da22219e1baac0f4e955c3db2b900b5d3078f94b59"),
            ("72aaee126a822184806c7d22eed66b", "de497acf18a177a3a9b3d8da46d74dfa58dcc537a3a95323"),
        ] {
            assert_eq!(hex::encode(wrap_padded(&key, &hex(material)).unwrap()), wrapped);
            assert_eq!(hex::encode(unwrap_padded(&key, hex(wrapped).expose()).unwrap().expose()), material);
        }
    }

    /// Wycheproof, aes_kwp_test.json, tests 186, 190, 194, 202 and 210: integrity value, length or padding made wrong.
    #[test]
    fn a_wrong_padding_is_noticed() {
        let key = hex("4f710eb6b5e28703becfc3dc52fa8bc1dd44a4a6d38a84b4f94e89ac32d987e7");
        for wrapped in [
            "98428fb83dc207033c1585e0242e699be98e0001f1ee15ba",
            "7cc6af073f8d21e26713222ba609c91b69fc5faee9870eb7",
            "f795cf444efd94bd6a561d8cb0703ee0e979c073aa66fdaa",
            "7fd3ad3aee0545da1ed3a54d5a198a2c76cf8290c011c042",
            "8b011408049eab81cc185796b9636982c1ad28e940e5c35ab1219434c23e8c59",
        ] {
            assert_eq!(unwrap_padded(&key, hex(wrapped).expose()).unwrap_err(), AsymmetricError::Ciphertext);
        }
    }

    #[test]
    fn only_an_aes_256_key_wraps() {
        let material = Secret::copied(b"material");
        for len in [0, 16, 24, 31, 33] {
            let key = Secret::copied(&vec![1; len]);
            assert_eq!(wrap_padded(&key, &material).unwrap_err(), AsymmetricError::Incompatible);
            assert_eq!(unwrap_padded(&key, &[0; 16]).unwrap_err(), AsymmetricError::Ciphertext);
        }
        assert_eq!(wrap_padded(&hex(&"01".repeat(32)), &Secret::copied(b"")).unwrap_err(), AsymmetricError::Library);
    }

    #[test]
    fn material_wrapped_to_a_key_comes_out_of_it_under_the_same_algorithm_only() {
        let entropy = SeededEntropy::new(3);
        let pair = KeyPair::generate(KeyPairSpec::Rsa2048, &entropy).unwrap();
        let material = Secret::copied(&[0x5e; 32]);
        for how in WrappingAlgorithm::all() {
            assert_eq!(how.to_string().parse(), Ok(how));
            let wrapped = wrap(pair.public_key(), how, &material, &entropy).unwrap();
            for other in WrappingAlgorithm::all() {
                let opened = unwrap(&pair, other, &wrapped);
                match opened {
                    Ok(opened) => assert!(other == how && opened.expose() == material.expose(), "{how} as {other}"),
                    Err(error) => assert!(other != how && error == AsymmetricError::Ciphertext, "{how} as {other}"),
                }
            }
            for short in [0, 1, 255] {
                assert_eq!(unwrap(&pair, how, &wrapped[..short]).unwrap_err(), AsymmetricError::Ciphertext);
            }
        }
        assert_eq!("RSAES_PKCS1_V1_5".parse::<WrappingAlgorithm>(), Err(UnknownName));
    }

    #[test]
    fn an_rsa_private_key_is_too_long_for_oaep_and_travels_through_an_aes_key() {
        let entropy = SeededEntropy::new(3);
        let pair = KeyPair::generate(KeyPairSpec::Rsa2048, &entropy).unwrap();
        let (oaep, through_aes) = (EncryptionAlgorithm::RsaesOaepSha256, EncryptionAlgorithm::RsaesOaepSha1);
        let direct = wrap(pair.public_key(), WrappingAlgorithm::RsaesOaep(oaep), pair.private_key(), &entropy);
        assert_eq!(direct, Err(AsymmetricError::TooLong { longest: 190 }));
        let how = WrappingAlgorithm::RsaAesKeyWrap(through_aes);
        let wrapped = wrap(pair.public_key(), how, pair.private_key(), &entropy).unwrap();
        assert_eq!(unwrap(&pair, how, &wrapped).unwrap().expose(), pair.private_key().expose());
    }

    proptest! {
        #[test]
        fn a_wrapped_material_with_any_bit_bent_does_not_open(
            material in proptest::collection::vec(any::<u8>(), 1..80),
            bit in any::<proptest::sample::Index>(),
        ) {
            let key = Secret::copied(&[7; 32]);
            let mut wrapped = wrap_padded(&key, &Secret::copied(&material)).unwrap();
            let opened = unwrap_padded(&key, &wrapped).unwrap();
            prop_assert_eq!(opened.expose(), &material[..]);
            let bit = bit.index(8 * wrapped.len());
            wrapped[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(unwrap_padded(&key, &wrapped).is_err());
        }
    }
}
