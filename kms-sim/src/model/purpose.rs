//! What a key is made of and what it is for. Both are settled at its birth and never change.
//!
//! ```text
//! SYMMETRIC_DEFAULT            ENCRYPT_DECRYPT          HMAC_*     GENERATE_VERIFY_MAC
//! RSA_*        ENCRYPT_DECRYPT or SIGN_VERIFY           ML_DSA_*   SIGN_VERIFY
//! ECC_NIST_P*  SIGN_VERIFY or KEY_AGREEMENT             ML_KEM_*   ENCAPSULATE_DECAPSULATE
//! other ECC_*  SIGN_VERIFY
//! ```
//!
//! Deliberately absent: SM2, which AWS offers in its China Regions only.

use std::fmt;

use envelope::asymmetric::{EncryptionAlgorithm, Family, KeyPairSpec, SigningAlgorithm};
use envelope::mac::MacAlgorithm;
use kms_api::error::KmsError;

/// The spec of keys that seal blobs, and the name of their algorithm.
pub const SYMMETRIC_DEFAULT: &str = "SYMMETRIC_DEFAULT";

/// AWS's `KeySpec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySpec {
    /// AES-256 in blobs of AWS's layout.
    SymmetricDefault,
    /// An HMAC key; each has one algorithm.
    Hmac(MacAlgorithm),
    /// A key pair.
    Pair(KeyPairSpec),
}

impl KeySpec {
    /// AWS's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::SymmetricDefault => SYMMETRIC_DEFAULT,
            Self::Hmac(algorithm) => algorithm.key_spec(),
            Self::Pair(spec) => spec.name(),
        }
    }

    /// Reads AWS's name.
    pub fn parse(name: &str) -> Option<Self> {
        let hmac = || MacAlgorithm::of_key_spec(name).map(Self::Hmac);
        let pair = || name.parse().ok().map(Self::Pair);
        if name == SYMMETRIC_DEFAULT { Some(Self::SymmetricDefault) } else { hmac().or_else(pair) }
    }

    /// What keys of this spec can be for; all but symmetric encryption keys must be told.
    fn usages(self) -> &'static [KeyUsage] {
        use KeyUsage::{EncapsulateDecapsulate, EncryptDecrypt, GenerateVerifyMac, KeyAgreement, SignVerify};
        match self {
            Self::SymmetricDefault => &[EncryptDecrypt],
            Self::Hmac(_) => &[GenerateVerifyMac],
            Self::Pair(spec) if spec.agrees() => &[SignVerify, KeyAgreement],
            Self::Pair(spec) => match spec.family() {
                Family::Rsa => &[EncryptDecrypt, SignVerify],
                Family::Ecc | Family::Edwards | Family::MlDsa => &[SignVerify],
                Family::MlKem => &[EncapsulateDecapsulate],
            },
        }
    }
}

impl fmt::Display for KeySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// AWS's `KeyUsage`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUsage {
    /// Seals and opens.
    EncryptDecrypt,
    /// Signs.
    SignVerify,
    /// Makes MACs.
    GenerateVerifyMac,
    /// Agrees on secrets by ECDH.
    KeyAgreement,
    /// Agrees on secrets by ML-KEM.
    EncapsulateDecapsulate,
}

impl KeyUsage {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::SignVerify,
        Self::EncryptDecrypt,
        Self::GenerateVerifyMac,
        Self::KeyAgreement,
        Self::EncapsulateDecapsulate,
    ];

    /// AWS's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::EncryptDecrypt => "ENCRYPT_DECRYPT",
            Self::SignVerify => "SIGN_VERIFY",
            Self::GenerateVerifyMac => "GENERATE_VERIFY_MAC",
            Self::KeyAgreement => "KEY_AGREEMENT",
            Self::EncapsulateDecapsulate => "ENCAPSULATE_DECAPSULATE",
        }
    }

    /// Reads AWS's name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|usage| usage.name() == name)
    }
}

/// A spec, and one of the usages that fit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// What the key is made of.
    pub spec: KeySpec,
    /// What it is for.
    pub usage: KeyUsage,
}

impl Purpose {
    /// Symmetric encryption.
    pub const DEFAULT: Self = Self { spec: KeySpec::SymmetricDefault, usage: KeyUsage::EncryptDecrypt };

    /// A spec with a usage, if they go together.
    ///
    /// # Errors
    /// ValidationException, in AWS's words.
    pub fn of(spec: KeySpec, usage: Option<KeyUsage>) -> Result<Self, KmsError> {
        let usage = usage.or((spec == KeySpec::SymmetricDefault).then_some(KeyUsage::EncryptDecrypt));
        let usage = usage.ok_or_else(|| {
            KmsError::Validation(
                "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.".into(),
            )
        })?;
        match spec.usages().contains(&usage) {
            true => Ok(Self { spec, usage }),
            false => {
                Err(KmsError::Validation(format!("KeyUsage {} is not compatible with KeySpec {spec}", usage.name())))
            }
        }
    }

    /// Whether this is symmetric encryption.
    pub fn is_default(self) -> bool {
        self == Self::DEFAULT
    }

    /// Whether it is a pair of keys.
    pub fn is_asymmetric(self) -> bool {
        matches!(self.spec, KeySpec::Pair(_))
    }

    /// The member of the metadata that lists what a key can do, and its list, in order of names as AWS has it.
    pub fn algorithms(self) -> (&'static str, Vec<&'static str>) {
        let mut names = self.algorithm_names();
        names.sort_unstable();
        let member = match self.usage {
            KeyUsage::EncryptDecrypt => "EncryptionAlgorithms",
            KeyUsage::SignVerify => "SigningAlgorithms",
            KeyUsage::GenerateVerifyMac => "MacAlgorithms",
            KeyUsage::KeyAgreement => "KeyAgreementAlgorithms",
            KeyUsage::EncapsulateDecapsulate => "EncapsulationAlgorithms",
        };
        (member, names)
    }

    fn algorithm_names(self) -> Vec<&'static str> {
        match (self.usage, self.spec) {
            (KeyUsage::KeyAgreement, _) => vec!["ECDH"],
            (KeyUsage::EncapsulateDecapsulate, _) => vec!["ML_KEM"],
            (KeyUsage::SignVerify, KeySpec::Pair(spec)) => {
                spec.signing_algorithms().map(SigningAlgorithm::name).collect()
            }
            (_, KeySpec::Pair(_)) => EncryptionAlgorithm::all().map(EncryptionAlgorithm::name).collect(),
            (_, KeySpec::Hmac(algorithm)) => vec![algorithm.name()],
            (_, KeySpec::SymmetricDefault) => vec![SYMMETRIC_DEFAULT],
        }
    }

    /// The algorithm that was asked for is not one of this key's.
    pub fn incompatible(self, algorithm: &str) -> KmsError {
        KmsError::InvalidKeyUsage(format!("Algorithm {algorithm} is incompatible with key spec {}.", self.spec))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn all_specs() -> impl Iterator<Item = KeySpec> {
        let hmac = MacAlgorithm::all().map(KeySpec::Hmac);
        std::iter::once(KeySpec::SymmetricDefault).chain(hmac).chain(KeyPairSpec::all().map(KeySpec::Pair))
    }

    #[test]
    fn names_are_read_back() {
        assert_eq!(all_specs().count(), 19);
        assert!(all_specs().all(|spec| KeySpec::parse(spec.name()) == Some(spec)));
        assert!(KeyUsage::ALL.iter().all(|usage| KeyUsage::parse(usage.name()) == Some(*usage)));
        assert_eq!((KeySpec::parse("SM2"), KeyUsage::parse("")), (None, None));
    }

    #[test]
    fn what_goes_together_on_one_page() {
        let line = |purpose: Purpose| {
            let (member, names) = purpose.algorithms();
            format!("{} {}: {member} {}\n", purpose.spec, purpose.usage.name(), names.join(" "))
        };
        let purposes =
            all_specs().flat_map(|spec| KeyUsage::ALL.iter().map(move |usage| Purpose::of(spec, Some(*usage))));
        let page: String = purposes.filter_map(Result::ok).map(line).collect();
        expect![[r#""#]].assert_eq(&page);
    }

    #[test]
    fn a_usage_must_be_told_and_must_fit() {
        let of = |spec: &str, usage: Option<&str>| {
            let usage = usage.and_then(KeyUsage::parse);
            Purpose::of(KeySpec::parse(spec).unwrap(), usage).map_or_else(|e| e.to_string(), |_| "fits".into())
        };
        assert_eq!(of("SYMMETRIC_DEFAULT", None), "fits");
        assert_eq!(
            of("HMAC_256", None),
            "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys."
        );
        assert_eq!(
            of("RSA_2048", Some("KEY_AGREEMENT")),
            "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048"
        );
        assert_eq!(
            of("ECC_SECG_P256K1", Some("KEY_AGREEMENT")),
            "KeyUsage KEY_AGREEMENT is not compatible with KeySpec ECC_SECG_P256K1"
        );
    }
}
