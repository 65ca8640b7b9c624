//! The algorithms of signing and encrypting, under AWS's names; which keys they fit, and what lengths they take.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::asymmetric::error::AsymmetricError;
use crate::asymmetric::spec::{Family, KeyPairSpec, UnknownName};

/// AWS's `SigningAlgorithmSpec`, without SM2DSA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SigningAlgorithm {
    /// RSASSA-PSS, salt as long as the digest, MGF1 over the same hash (RFC 8017 §8.1).
    RsaPss(Hash),
    /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2).
    RsaPkcs1(Hash),
    /// ECDSA; signatures are DER (FIPS 186-5 §6).
    Ecdsa(Hash),
    /// ML-DSA in its hedged form, empty context (FIPS 204).
    MlDsaShake256,
    /// PureEdDSA over edwards25519 (RFC 8032).
    Ed25519Sha512,
    /// Ed25519ph with an empty context (RFC 8032): the message is hashed first.
    Ed25519PhSha512,
}

/// The hash of a signing algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// Length of a digest.
    pub fn len_bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The digest of a message.
    pub fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

const SIGNING: &[(SigningAlgorithm, &str)] = &[
    (SigningAlgorithm::RsaPss(Hash::Sha256), "RSASSA_PSS_SHA_256"),
    (SigningAlgorithm::RsaPss(Hash::Sha384), "RSASSA_PSS_SHA_384"),
    (SigningAlgorithm::RsaPss(Hash::Sha512), "RSASSA_PSS_SHA_512"),
    (SigningAlgorithm::RsaPkcs1(Hash::Sha256), "RSASSA_PKCS1_V1_5_SHA_256"),
    (SigningAlgorithm::RsaPkcs1(Hash::Sha384), "RSASSA_PKCS1_V1_5_SHA_384"),
    (SigningAlgorithm::RsaPkcs1(Hash::Sha512), "RSASSA_PKCS1_V1_5_SHA_512"),
    (SigningAlgorithm::Ecdsa(Hash::Sha256), "ECDSA_SHA_256"),
    (SigningAlgorithm::Ecdsa(Hash::Sha384), "ECDSA_SHA_384"),
    (SigningAlgorithm::Ecdsa(Hash::Sha512), "ECDSA_SHA_512"),
    (SigningAlgorithm::MlDsaShake256, "ML_DSA_SHAKE_256"),
    (SigningAlgorithm::Ed25519Sha512, "ED25519_SHA_512"),
    (SigningAlgorithm::Ed25519PhSha512, "ED25519_PH_SHA_512"),
];

impl SigningAlgorithm {
    /// All of them, in AWS's order.
    pub fn all() -> impl Iterator<Item = Self> {
        SIGNING.iter().map(|(algorithm, _)| *algorithm)
    }

    /// AWS's name: `RSASSA_PSS_SHA_256`, …
    pub fn name(self) -> &'static str {
        let found = SIGNING.iter().find(|(algorithm, _)| *algorithm == self);
        found.map(|(_, name)| *name).expect("every algorithm stands in the table")
    }

    /// Whether keys of this spec sign with it. RSA keys take all six of theirs; a curve takes the hash of its own strength.
    pub fn fits(self, spec: KeyPairSpec) -> bool {
        match self {
            Self::RsaPss(_) | Self::RsaPkcs1(_) => spec.family() == Family::Rsa,
            Self::Ecdsa(Hash::Sha256) => matches!(spec, KeyPairSpec::EccNistP256 | KeyPairSpec::EccSecgP256k1),
            Self::Ecdsa(Hash::Sha384) => spec == KeyPairSpec::EccNistP384,
            Self::Ecdsa(Hash::Sha512) => spec == KeyPairSpec::EccNistP521,
            Self::MlDsaShake256 => spec.family() == Family::MlDsa,
            Self::Ed25519Sha512 | Self::Ed25519PhSha512 => spec.family() == Family::Edwards,
        }
    }

    /// Whether it takes this kind of message, and of this length. A raw message may be of any length here; the
    /// 4096 bytes of AWS are a bound of its wire.
    pub fn takes(self, message: Message<'_>) -> Result<(), AsymmetricError> {
        let wanted = match (self, message) {
            (Self::Ed25519PhSha512, Message::Raw(_)) => return Err(AsymmetricError::MessageType),
            (_, Message::Raw(_)) => return Ok(()),
            (Self::RsaPss(hash) | Self::RsaPkcs1(hash) | Self::Ecdsa(hash), Message::Digest(_)) => hash.len_bytes(),
            (Self::Ed25519PhSha512, Message::Digest(_)) => Hash::Sha512.len_bytes(),
            (Self::MlDsaShake256, Message::ExternalMu(_)) => 64,
            (_, Message::Digest(_) | Message::ExternalMu(_)) => return Err(AsymmetricError::MessageType),
        };
        if message.bytes().len() == wanted { Ok(()) } else { Err(AsymmetricError::DigestLength) }
    }
}

/// What is signed: AWS's `MessageType` with the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// The message itself.
    Raw(&'a [u8]),
    /// Its digest under the algorithm's hash.
    Digest(&'a [u8]),
    /// The representative µ of FIPS 204 §6.2, 64 bytes, computed by the caller.
    ExternalMu(&'a [u8]),
}

impl<'a> Message<'a> {
    /// The bytes, whatever they are.
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Self::Raw(bytes) | Self::Digest(bytes) | Self::ExternalMu(bytes) => bytes,
        }
    }

    /// The digest that RSA and ECDSA sign.
    pub(super) fn digest(self, hash: Hash) -> Vec<u8> {
        match self {
            Self::Raw(message) => hash.digest(message),
            Self::Digest(digest) | Self::ExternalMu(digest) => digest.to_vec(),
        }
    }
}

/// AWS's asymmetric `EncryptionAlgorithmSpec`, without SM2PKE: RSAES-OAEP with MGF1 over the same hash, empty label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EncryptionAlgorithm {
    /// OAEP with SHA-1. What is broken in SHA-1, collisions, OAEP does not rest on.
    RsaesOaepSha1,
    /// OAEP with SHA-256.
    RsaesOaepSha256,
}

impl EncryptionAlgorithm {
    /// Both of them, in AWS's order.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::RsaesOaepSha1, Self::RsaesOaepSha256].into_iter()
    }

    /// AWS's name: `RSAES_OAEP_SHA_1`, `RSAES_OAEP_SHA_256`.
    pub fn name(self) -> &'static str {
        match self {
            Self::RsaesOaepSha1 => "RSAES_OAEP_SHA_1",
            Self::RsaesOaepSha256 => "RSAES_OAEP_SHA_256",
        }
    }

    /// The longest plaintext, in bytes: modulus − 2·hash − 2 (RFC 8017 §7.1.1). `None` when the spec is not RSA.
    pub fn longest_plaintext(self, spec: KeyPairSpec) -> Option<usize> {
        let hash = match self {
            Self::RsaesOaepSha1 => 20,
            Self::RsaesOaepSha256 => 32,
        };
        spec.modulus_bytes().map(|modulus| modulus - 2 * hash - 2)
    }
}

impl fmt::Display for SigningAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SigningAlgorithm {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::all().find(|algorithm| algorithm.name() == name).ok_or(UnknownName)
    }
}

impl fmt::Display for EncryptionAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for EncryptionAlgorithm {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::all().find(|algorithm| algorithm.name() == name).ok_or(UnknownName)
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn every_algorithm_reads_its_own_name() {
        for algorithm in SigningAlgorithm::all() {
            assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
        }
        for algorithm in EncryptionAlgorithm::all() {
            assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
        }
        assert_eq!("SM2DSA".parse::<SigningAlgorithm>(), Err(UnknownName));
        assert_eq!("SYMMETRIC_DEFAULT".parse::<EncryptionAlgorithm>(), Err(UnknownName));
    }

    #[test]
    fn each_key_takes_the_algorithms_that_aws_lists_for_it() {
        let line = |spec: KeyPairSpec| {
            let names: Vec<_> = spec.signing_algorithms().map(SigningAlgorithm::name).collect();
            format!("{spec}: {}\n", names.join(" "))
        };
        expect![[r#"
            RSA_2048: RSASSA_PSS_SHA_256 RSASSA_PSS_SHA_384 RSASSA_PSS_SHA_512 RSASSA_PKCS1_V1_5_SHA_256 RSASSA_PKCS1_V1_5_SHA_384 RSASSA_PKCS1_V1_5_SHA_512
            RSA_3072: RSASSA_PSS_SHA_256 RSASSA_PSS_SHA_384 RSASSA_PSS_SHA_512 RSASSA_PKCS1_V1_5_SHA_256 RSASSA_PKCS1_V1_5_SHA_384 RSASSA_PKCS1_V1_5_SHA_512
            RSA_4096: RSASSA_PSS_SHA_256 RSASSA_PSS_SHA_384 RSASSA_PSS_SHA_512 RSASSA_PKCS1_V1_5_SHA_256 RSASSA_PKCS1_V1_5_SHA_384 RSASSA_PKCS1_V1_5_SHA_512
            ECC_NIST_P256: ECDSA_SHA_256
            ECC_NIST_P384: ECDSA_SHA_384
            ECC_NIST_P521: ECDSA_SHA_512
            ECC_SECG_P256K1: ECDSA_SHA_256
            ECC_NIST_EDWARDS25519: ED25519_SHA_512 ED25519_PH_SHA_512
            ML_DSA_44: ML_DSA_SHAKE_256
            ML_DSA_65: ML_DSA_SHAKE_256
            ML_DSA_87: ML_DSA_SHAKE_256
            ML_KEM_512: 
            ML_KEM_768: 
            ML_KEM_1024: 
        "#]]
        .assert_eq(&KeyPairSpec::all().map(line).collect::<String>());
    }

    #[test]
    fn rsa_takes_as_much_as_aws_says() {
        let limits = |algorithm: EncryptionAlgorithm| {
            let of = |spec| algorithm.longest_plaintext(spec);
            [KeyPairSpec::Rsa2048, KeyPairSpec::Rsa3072, KeyPairSpec::Rsa4096, KeyPairSpec::EccNistP256].map(of)
        };
        assert_eq!(limits(EncryptionAlgorithm::RsaesOaepSha1), [Some(214), Some(342), Some(470), None]);
        assert_eq!(limits(EncryptionAlgorithm::RsaesOaepSha256), [Some(190), Some(318), Some(446), None]);
    }

    #[test]
    fn an_algorithm_takes_its_own_kinds_of_message_only() {
        let takes = |name: &str, message| name.parse::<SigningAlgorithm>().unwrap().takes(message);
        let (short, long) = (&[0; 32][..], &[0; 64][..]);
        assert_eq!(takes("ECDSA_SHA_256", Message::Digest(short)), Ok(()));
        assert_eq!(takes("ECDSA_SHA_256", Message::Digest(long)), Err(AsymmetricError::DigestLength));
        assert_eq!(takes("RSASSA_PSS_SHA_512", Message::Digest(short)), Err(AsymmetricError::DigestLength));
        assert_eq!(takes("RSASSA_PSS_SHA_512", Message::ExternalMu(long)), Err(AsymmetricError::MessageType));
        assert_eq!(takes("ED25519_SHA_512", Message::Raw(b"")), Ok(()));
        assert_eq!(takes("ED25519_SHA_512", Message::Digest(long)), Err(AsymmetricError::MessageType));
        assert_eq!(takes("ED25519_PH_SHA_512", Message::Raw(long)), Err(AsymmetricError::MessageType));
        assert_eq!(takes("ED25519_PH_SHA_512", Message::Digest(short)), Err(AsymmetricError::DigestLength));
        assert_eq!(takes("ED25519_PH_SHA_512", Message::Digest(long)), Ok(()));
        assert_eq!(takes("ML_DSA_SHAKE_256", Message::ExternalMu(long)), Ok(()));
        assert_eq!(takes("ML_DSA_SHAKE_256", Message::ExternalMu(short)), Err(AsymmetricError::DigestLength));
        assert_eq!(takes("ML_DSA_SHAKE_256", Message::Digest(long)), Err(AsymmetricError::MessageType));
    }
}
