//! What key pairs and HMAC keys do inside the wall. Private keys are wrapped like backing keys, parsed for one use, and
//! wiped by the library that used them.
//!
//! ```text
//!   Authorized<Sign>, message ──▶│ unwrap private key ─▶ sign            Authorized<Verify> ──▶ the public key, outside
//!   signature                 ◀──│                                       would do, but AWS asks its HSM, and so do we
//! ```
//!
//! RSA and ML-DSA take milliseconds, new RSA keys seconds: callers let others go on meanwhile (`ops::shared::aside`).

use std::sync::Arc;

use aws_core::time::Timestamp;
use envelope::asymmetric::{
    AsymmetricError, Encapsulated, EncryptionAlgorithm, KeyPair, KeyPairSpec, Message, PublicKey, SigningAlgorithm,
};
use envelope::blob;
use envelope::context::EncryptionContext;
use envelope::mac::MacAlgorithm;
use envelope::secret::Secret;
use kms_api::error::KmsError;

use super::Boundary;
use crate::authorize::Authorized;
use crate::authorize::action::{
    Decapsulate, DeriveSharedSecret, Encapsulate, GenerateDataKeyPair, GenerateDataKeyPairWithoutPlaintext,
    GenerateMac, Sign, Verify, VerifyMac,
};
use crate::model::address::KeyAddress;
use crate::model::backing_key::{BackingKey, MaterialId, Origin};
use crate::model::key::Key;
use crate::model::purpose::KeySpec;

/// A new key pair for a caller.
#[derive(Debug)]
pub struct DataKeyPair {
    /// PKCS#8, DER.
    pub private: Secret,
    /// The same in a blob.
    pub sealed: Vec<u8>,
    /// SubjectPublicKeyInfo, DER.
    pub public: Vec<u8>,
}

impl Boundary {
    /// The first material of a key of this spec. It leaves only wrapped; of a pair, the public key leaves as it is.
    pub fn first_material(&self, key: &KeyAddress, spec: KeySpec, since: Timestamp) -> Result<BackingKey, KmsError> {
        let id = || MaterialId(self.entropy.array());
        match spec {
            KeySpec::SymmetricDefault => self.new_material(key, since, Origin::Creation),
            KeySpec::Hmac(mac) => self.wrapped(key, id(), &mac.new_key(&*self.entropy), since, Origin::Creation),
            KeySpec::Pair(spec) => self.keep_pair(key, id(), self.new_pair(spec)?, since),
        }
    }

    /// Wraps the private half of a pair.
    pub(super) fn keep_pair(
        &self,
        key: &KeyAddress,
        id: MaterialId,
        pair: KeyPair,
        since: Timestamp,
    ) -> Result<BackingKey, KmsError> {
        let (private, public) = pair.into_parts();
        let wrapped = self.wrapped(key, id, &private, since, Origin::Creation)?;
        Ok(BackingKey { public: Some(public.spki().to_vec()), ..wrapped })
    }

    /// Signs a message, or its digest.
    pub fn sign(
        &self,
        key: &Authorized<Sign>,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
    ) -> Result<Vec<u8>, KmsError> {
        let signed = self.pair(key)?.sign(algorithm, message, &*self.entropy);
        signed.map_err(|error| refused(key, algorithm.name(), error))
    }

    /// Whether a signature is one of this message by this key.
    pub fn verify(
        &self,
        key: &Authorized<Verify>,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<(), KmsError> {
        self.root()?;
        let verified = public_key(key)?.verify(algorithm, message, signature);
        verified.map_err(|error| refused(key, algorithm.name(), error))
    }

    /// The MAC of a message.
    pub fn generate_mac(
        &self,
        key: &Authorized<GenerateMac>,
        algorithm: MacAlgorithm,
        message: &[u8],
    ) -> Result<Vec<u8>, KmsError> {
        Ok(algorithm.generate(&*self.current(key)?, message))
    }

    /// Whether a MAC is the one of this message under this key.
    pub fn verify_mac(
        &self,
        key: &Authorized<VerifyMac>,
        algorithm: MacAlgorithm,
        message: &[u8],
        mac: &[u8],
    ) -> Result<(), KmsError> {
        algorithm.verify(&*self.current(key)?, message, mac).map_err(|_| KmsError::KmsInvalidMac)
    }

    /// The secret that this key shares with the holder of a public key, by ECDH.
    pub fn agree(&self, key: &Authorized<DeriveSharedSecret>, peer: &[u8]) -> Result<Secret, KmsError> {
        self.pair(key)?.agree(peer).map_err(|error| refused(key, "ECDH", error))
    }

    /// A new secret, and its form for the holder of this key.
    pub fn encapsulate(&self, key: &Authorized<Encapsulate>) -> Result<Encapsulated, KmsError> {
        self.root()?;
        public_key(key)?.encapsulate(&*self.entropy).map_err(|error| refused(key, "ML_KEM", error))
    }

    /// The secret in what was encapsulated to this key; of anything else of that length, a secret that nobody has.
    pub fn decapsulate(&self, key: &Authorized<Decapsulate>, ciphertext: &[u8]) -> Result<Secret, KmsError> {
        self.pair(key)?.decapsulate(ciphertext).map_err(|error| refused(key, "ML_KEM", error))
    }

    /// A new pair, its private half in plaintext and sealed.
    pub fn generate_pair(
        &self,
        key: &Authorized<GenerateDataKeyPair>,
        context: &EncryptionContext,
        spec: KeyPairSpec,
    ) -> Result<DataKeyPair, KmsError> {
        self.sealed_pair(key, context, spec)
    }

    /// A new pair, its private half sealed; nobody sees it in plaintext.
    pub fn generate_sealed_pair(
        &self,
        key: &Authorized<GenerateDataKeyPairWithoutPlaintext>,
        context: &EncryptionContext,
        spec: KeyPairSpec,
    ) -> Result<(Vec<u8>, Vec<u8>), KmsError> {
        self.sealed_pair(key, context, spec).map(|pair| (pair.sealed, pair.public))
    }

    fn sealed_pair(&self, key: &Key, context: &EncryptionContext, spec: KeyPairSpec) -> Result<DataKeyPair, KmsError> {
        let (private, public) = self.new_pair(spec)?.into_parts();
        let sealed = self.seal(key, blob::Origin::DataKey, context, &private)?;
        Ok(DataKeyPair { private, sealed, public: public.spki().to_vec() })
    }

    /// Encrypts to a key pair.
    pub(super) fn seal_to(
        &self,
        key: &Key,
        algorithm: EncryptionAlgorithm,
        plaintext: &Secret,
    ) -> Result<Vec<u8>, KmsError> {
        self.root()?;
        let sealed = public_key(key)?.encrypt(algorithm, plaintext.expose());
        sealed.map_err(|error| refused(key, algorithm.name(), error))
    }

    /// Opens what was encrypted to a key pair, here or anywhere.
    pub(super) fn unseal_with(
        &self,
        key: &Key,
        algorithm: EncryptionAlgorithm,
        ciphertext: &[u8],
    ) -> Result<Secret, KmsError> {
        let opened = self.pair(key)?.decrypt(algorithm, ciphertext);
        opened.map_err(|error| refused(key, algorithm.name(), error))
    }

    fn new_pair(&self, spec: KeyPairSpec) -> Result<KeyPair, KmsError> {
        KeyPair::generate(spec, &*self.entropy).map_err(|error| KmsError::KmsInternal(error.to_string()))
    }

    fn current(&self, key: &Key) -> Result<Arc<Secret>, KmsError> {
        self.backing(&key.address, key.current()?)
    }

    /// The pair, for one use. Its private half is copied out of what the HSM keeps open, and wiped with the pair.
    fn pair(&self, key: &Key) -> Result<KeyPair, KmsError> {
        let private = Secret::copied(self.current(key)?.expose());
        Ok(KeyPair::from_parts(private, public_key(key)?))
    }
}

fn public_key(key: &Key) -> Result<PublicKey, KmsError> {
    match (key.purpose.spec, &key.current()?.public) {
        (KeySpec::Pair(spec), Some(public)) => Ok(PublicKey::trusted(spec, public.clone())),
        (_, _) => Err(KmsError::KmsInternal(format!("{} has no public key.", key.arn))),
    }
}

/// More than fits under this key.
pub(super) fn too_long(key: &Key, algorithm: &str, longest: usize) -> KmsError {
    KmsError::Validation(format!(
        "Algorithm {algorithm} and key spec {} cannot encrypt data larger than {longest} bytes.",
        key.purpose.spec
    ))
}

/// What the library refused, as AWS's exception.
fn refused(key: &Key, algorithm: &str, error: AsymmetricError) -> KmsError {
    match error {
        AsymmetricError::Incompatible => key.purpose.incompatible(algorithm),
        AsymmetricError::MessageType => {
            KmsError::Validation(format!("The message type is incompatible with algorithm {algorithm}."))
        }
        AsymmetricError::DigestLength => {
            KmsError::Validation(format!("Digest is invalid length for algorithm {algorithm}."))
        }
        AsymmetricError::TooLong { longest } => too_long(key, algorithm, longest),
        // A peer's public key that is none: AWS sends no message.
        AsymmetricError::PublicKey => KmsError::Validation(String::new()),
        AsymmetricError::Signature => KmsError::KmsInvalidSignature,
        AsymmetricError::Ciphertext => KmsError::InvalidCiphertext,
        AsymmetricError::PrivateKey | AsymmetricError::Library => KmsError::KmsInternal(error.to_string()),
    }
}
