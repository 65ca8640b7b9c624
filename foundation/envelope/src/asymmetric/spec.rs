//! The kinds of key pairs, under AWS's names.

use std::fmt;
use std::str::FromStr;

use crate::asymmetric::algorithm::SigningAlgorithm;

/// What a pair is made of: AWS's `KeySpec` and `KeyPairSpec`, without the symmetric ones.
///
/// Deliberately absent: SM2, which AWS offers in its China Regions only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyPairSpec {
    /// RSA with a modulus of 2048 bits.
    Rsa2048,
    /// RSA with a modulus of 3072 bits.
    Rsa3072,
    /// RSA with a modulus of 4096 bits.
    Rsa4096,
    /// secp256r1.
    EccNistP256,
    /// secp384r1.
    EccNistP384,
    /// secp521r1.
    EccNistP521,
    /// secp256k1.
    EccSecgP256k1,
    /// Ed25519.
    EccNistEdwards25519,
    /// ML-DSA-44 of FIPS 204.
    MlDsa44,
    /// ML-DSA-65 of FIPS 204.
    MlDsa65,
    /// ML-DSA-87 of FIPS 204.
    MlDsa87,
    /// ML-KEM-512 of FIPS 203.
    MlKem512,
    /// ML-KEM-768 of FIPS 203.
    MlKem768,
    /// ML-KEM-1024 of FIPS 203.
    MlKem1024,
}

/// The families that share one module of mathematics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Signs, or encrypts.
    Rsa,
    /// Curves in Weierstrass form: they sign, and those of NIST agree.
    Ecc,
    /// Signs.
    Edwards,
    /// Signs.
    MlDsa,
    /// Encapsulates.
    MlKem,
}

/// AWS's name beside each spec; the order is that of the enum.
const NAMES: &[(KeyPairSpec, &str)] = &[
    (KeyPairSpec::Rsa2048, "RSA_2048"),
    (KeyPairSpec::Rsa3072, "RSA_3072"),
    (KeyPairSpec::Rsa4096, "RSA_4096"),
    (KeyPairSpec::EccNistP256, "ECC_NIST_P256"),
    (KeyPairSpec::EccNistP384, "ECC_NIST_P384"),
    (KeyPairSpec::EccNistP521, "ECC_NIST_P521"),
    (KeyPairSpec::EccSecgP256k1, "ECC_SECG_P256K1"),
    (KeyPairSpec::EccNistEdwards25519, "ECC_NIST_EDWARDS25519"),
    (KeyPairSpec::MlDsa44, "ML_DSA_44"),
    (KeyPairSpec::MlDsa65, "ML_DSA_65"),
    (KeyPairSpec::MlDsa87, "ML_DSA_87"),
    (KeyPairSpec::MlKem512, "ML_KEM_512"),
    (KeyPairSpec::MlKem768, "ML_KEM_768"),
    (KeyPairSpec::MlKem1024, "ML_KEM_1024"),
];

impl KeyPairSpec {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES.iter().map(|(spec, _)| *spec)
    }

    /// AWS's name: `RSA_2048`, `ECC_NIST_P256`, …
    pub fn name(self) -> &'static str {
        let found = NAMES.iter().find(|(spec, _)| *spec == self);
        found.map(|(_, name)| *name).expect("every spec stands in the table")
    }

    /// The family it belongs to.
    pub fn family(self) -> Family {
        match self {
            Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096 => Family::Rsa,
            Self::EccNistP256 | Self::EccNistP384 | Self::EccNistP521 | Self::EccSecgP256k1 => Family::Ecc,
            Self::EccNistEdwards25519 => Family::Edwards,
            Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87 => Family::MlDsa,
            Self::MlKem512 | Self::MlKem768 | Self::MlKem1024 => Family::MlKem,
        }
    }

    /// Bytes of an RSA modulus, and so of its signatures and ciphertexts; `None` for other families.
    pub fn modulus_bytes(self) -> Option<usize> {
        match self {
            Self::Rsa2048 => Some(256),
            Self::Rsa3072 => Some(384),
            Self::Rsa4096 => Some(512),
            _ => None,
        }
    }

    /// Whether two such pairs can agree on a secret by ECDH: the curves of NIST. secp256k1 is for signing only.
    pub fn agrees(self) -> bool {
        matches!(self, Self::EccNistP256 | Self::EccNistP384 | Self::EccNistP521)
    }

    /// The signing algorithms that fit, in AWS's order.
    pub fn signing_algorithms(self) -> impl Iterator<Item = SigningAlgorithm> {
        SigningAlgorithm::all().filter(move |algorithm| algorithm.fits(self))
    }
}

impl fmt::Display for KeyPairSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that stands in no table here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown name")]
pub struct UnknownName;

impl FromStr for KeyPairSpec {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        NAMES.iter().find(|(_, own)| *own == name).map(|(spec, _)| *spec).ok_or(UnknownName)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spec_reads_its_own_name() {
        assert_eq!(NAMES.len(), 14);
        for spec in KeyPairSpec::all() {
            assert_eq!(spec.to_string().parse(), Ok(spec));
        }
        assert_eq!("SYMMETRIC_DEFAULT".parse::<KeyPairSpec>(), Err(UnknownName));
        assert_eq!("rsa_2048".parse::<KeyPairSpec>(), Err(UnknownName));
    }
}
