//! The public half of a pair: it verifies, encrypts and encapsulates, and needs no HSM for it.

use std::fmt;

use crate::asymmetric::algorithm::{EncryptionAlgorithm, Message, SigningAlgorithm};
use crate::asymmetric::error::AsymmetricError;
use crate::asymmetric::kem::{self, Encapsulated};
use crate::asymmetric::spec::{Family, KeyPairSpec};
use crate::asymmetric::{ecc, ed25519, ml_dsa, rsa};
use crate::entropy::Entropy;

/// A public key as SubjectPublicKeyInfo DER (RFC 5280), with its spec.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    spec: KeyPairSpec,
    spki: Vec<u8>,
}

impl PublicKey {
    /// Takes bytes for what they are said to be: those of a derived or a stored key. A lie is noticed at use.
    pub fn trusted(spec: KeyPairSpec, spki: Vec<u8>) -> Self {
        Self { spec, spki }
    }

    /// What the pair is made of.
    pub fn spec(&self) -> KeyPairSpec {
        self.spec
    }

    /// SubjectPublicKeyInfo, DER.
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// Whether `signature` is one of `message` by this key.
    ///
    /// # Errors
    /// `Signature` when it is not; else as [`KeyPair::sign`](crate::asymmetric::KeyPair::sign).
    pub fn verify(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<(), AsymmetricError> {
        if !algorithm.fits(self.spec) {
            return Err(AsymmetricError::Incompatible);
        }
        algorithm.takes(message)?;
        match self.spec.family() {
            Family::Rsa => rsa::verify(&self.spki, algorithm, message, signature),
            Family::Ecc => ecc::verify(self.spec, &self.spki, message, signature),
            Family::Edwards => ed25519::verify(&self.spki, algorithm, message, signature),
            Family::MlDsa => ml_dsa::verify(self.spec, &self.spki, message, signature),
            Family::MlKem => Err(AsymmetricError::Incompatible),
        }
    }

    /// Encrypts to the holder of the private key; the ciphertext is as long as the modulus.
    ///
    /// # Errors
    /// `Incompatible` when the spec is not RSA; `TooLong` with the bound.
    pub fn encrypt(&self, algorithm: EncryptionAlgorithm, plaintext: &[u8]) -> Result<Vec<u8>, AsymmetricError> {
        match self.spec.family() {
            Family::Rsa => rsa::encrypt(&self.spki, algorithm, plaintext),
            Family::Ecc | Family::Edwards | Family::MlDsa | Family::MlKem => Err(AsymmetricError::Incompatible),
        }
    }

    /// A new secret, and its form for the holder of the private key.
    ///
    /// # Errors
    /// `Incompatible` when the spec is not ML-KEM.
    pub fn encapsulate(&self, entropy: &dyn Entropy) -> Result<Encapsulated, AsymmetricError> {
        kem::encapsulate(self.spec, &self.spki, entropy)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {} bytes)", self.spec, self.spki.len())
    }
}
