//! A key pair: the private key behind the secret's one door, the public key beside it.

use crate::asymmetric::algorithm::{EncryptionAlgorithm, Message, SigningAlgorithm};
use crate::asymmetric::error::AsymmetricError;
use crate::asymmetric::public::PublicKey;
use crate::asymmetric::spec::{Family, KeyPairSpec};
use crate::asymmetric::{ecc, ed25519, kem, ml_dsa, rsa};
use crate::entropy::Entropy;
use crate::secret::Secret;

/// A private key with its public key. `Debug` shows the public half and the length of the other.
#[derive(Debug)]
pub struct KeyPair {
    private: Secret,
    public: PublicKey,
}

impl KeyPair {
    /// A new pair. RSA takes long, up to seconds for 4096 bits: keep it off threads that serve others.
    ///
    /// # Errors
    /// [`AsymmetricError::Library`] only.
    pub fn generate(spec: KeyPairSpec, entropy: &dyn Entropy) -> Result<Self, AsymmetricError> {
        let private = match spec.family() {
            Family::Rsa => rsa::generate(spec),
            Family::Ecc => ecc::generate(spec, entropy),
            Family::Edwards => Ok(ed25519::generate(entropy)),
            Family::MlDsa => ml_dsa::generate(spec, entropy),
            Family::MlKem => kem::generate(spec, entropy),
        }?;
        Self::from_pkcs8(spec, private.expose())
    }

    /// A pair out of somebody's PKCS#8 DER (RFC 5958; ML keys as seeds). The public key is derived, and the private
    /// key is written anew in one form, so that two encodings of one key become the same bytes.
    ///
    /// # Errors
    /// [`AsymmetricError::PrivateKey`] when it is not a sound private key of just this spec.
    pub fn from_pkcs8(spec: KeyPairSpec, pkcs8: &[u8]) -> Result<Self, AsymmetricError> {
        let (private, spki) = match spec.family() {
            Family::Rsa => rsa::import(spec, pkcs8),
            Family::Ecc => ecc::import(spec, pkcs8),
            Family::Edwards => ed25519::import(pkcs8),
            Family::MlDsa => ml_dsa::import(spec, pkcs8),
            Family::MlKem => kem::import(spec, pkcs8),
        }?;
        Ok(Self { private, public: PublicKey::trusted(spec, spki) })
    }

    /// A pair out of its stored halves, which belong together because [`Self::into_parts`] gave them.
    pub fn from_parts(private: Secret, public: PublicKey) -> Self {
        Self { private, public }
    }

    /// The halves, to be stored apart: the private one wrapped.
    pub fn into_parts(self) -> (Secret, PublicKey) {
        (self.private, self.public)
    }

    /// What it is made of.
    pub fn spec(&self) -> KeyPairSpec {
        self.public.spec()
    }

    /// PKCS#8 DER.
    pub fn private_key(&self) -> &Secret {
        &self.private
    }

    /// The half that may leave.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs. RSA gives as many bytes as its modulus has, ECDSA DER, Ed25519 64 bytes, ML-DSA 2420, 3309 or 4627.
    ///
    /// # Errors
    /// `Incompatible` when the algorithm is not one of this spec's; `MessageType` and `DigestLength` as
    /// [`SigningAlgorithm::takes`] says.
    pub fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, AsymmetricError> {
        let spec = self.spec();
        if !algorithm.fits(spec) {
            return Err(AsymmetricError::Incompatible);
        }
        algorithm.takes(message)?;
        match spec.family() {
            Family::Rsa => rsa::sign(spec, &self.private, algorithm, message),
            Family::Ecc => ecc::sign(spec, &self.private, message),
            Family::Edwards => ed25519::sign(&self.private, algorithm, message),
            Family::MlDsa => ml_dsa::sign(spec, &self.private, message, entropy),
            Family::MlKem => Err(AsymmetricError::Incompatible),
        }
    }

    /// Opens what [`PublicKey::encrypt`] made.
    ///
    /// # Errors
    /// `Incompatible` when the spec is not RSA; `Ciphertext` for whatever does not open, without a word about why.
    pub fn decrypt(&self, algorithm: EncryptionAlgorithm, ciphertext: &[u8]) -> Result<Secret, AsymmetricError> {
        match self.spec().family() {
            Family::Rsa => rsa::decrypt(self.spec(), &self.private, algorithm, ciphertext),
            Family::Ecc | Family::Edwards | Family::MlDsa | Family::MlKem => Err(AsymmetricError::Incompatible),
        }
    }

    /// The secret that this key and a peer's public key (SubjectPublicKeyInfo) share by ECDH: the x-coordinate, raw.
    ///
    /// # Errors
    /// `Incompatible` when the spec does not agree; `PublicKey` when the peer's is not a point on the same curve.
    pub fn agree(&self, peer_spki: &[u8]) -> Result<Secret, AsymmetricError> {
        ecc::agree(self.spec(), &self.private, peer_spki)
    }

    /// The 32-byte secret in a ciphertext of [`PublicKey::encapsulate`]; for any other of that length, a secret that
    /// nobody else has.
    ///
    /// # Errors
    /// `Incompatible` when the spec is not ML-KEM; `Ciphertext` when the length is not this spec's.
    pub fn decapsulate(&self, ciphertext: &[u8]) -> Result<Secret, AsymmetricError> {
        kem::decapsulate(self.spec(), &self.private, ciphertext)
    }
}
