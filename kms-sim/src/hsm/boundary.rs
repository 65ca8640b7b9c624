//! The wall around the key material: backing keys are plaintext on this side only.
//!
//! ```text
//!   outside                    │ inside
//!   Authorized<Op>, context ──▶│ unwrap backing key under the root ─▶ one-time key ─▶ seal or open
//!   blob, or data key       ◀──│ (kept open in the HSM that did it, wiped when it leaves)
//! ```
//!
//! Each door demands the proof that `authorize` has decided, so that forgetting to ask does not compile. There is no
//! door that gives out a backing key, and none that takes a key by name.

pub mod asymmetric;
pub mod import;

use std::fmt;
use std::sync::Arc;

use aws_core::time::Timestamp;
use envelope::asymmetric::EncryptionAlgorithm;
use envelope::blob::{self, CiphertextBlob};
use envelope::context::EncryptionContext;
use envelope::entropy::Entropy;
use envelope::secret::Secret;
use envelope::wrap;
use kms_api::error::KmsError;
use sha2::{Digest, Sha256};

use super::custom_store::{ClusterRecord, ClusterView, Clusters};
use super::fleet::{Fleet, HsmView, Scars};
use super::module::{Closed, Module};
use super::twice::TwiceSealed;
use crate::authorize::action::{
    Decrypt, Encrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext, GenerateRandom, ReEncryptFrom, ReEncryptTo,
};
use crate::authorize::{Authorized, Permitted};
use crate::error::Broken;
use crate::model::address::KeyAddress;
use crate::model::backing_key::{BackingKey, MaterialId, Origin};
use crate::model::key::Key;
use crate::model::key_state::Refusal;
use crate::model::key_store::{Backing, Lodging};
use crate::model::purpose::KeySpec;

const BACKING_KEY_BYTES: usize = 32;

/// How something is sealed, beside the key.
#[derive(Clone, Debug)]
pub enum Cipher {
    /// In a blob, under symmetric material, with an encryption context.
    Symmetric(EncryptionContext),
    /// To a key pair: raw, with neither header nor context.
    Oaep(EncryptionAlgorithm),
}

impl Cipher {
    /// The encryption context; what is sealed to a key pair has none.
    pub fn context(&self) -> EncryptionContext {
        match self {
            Self::Symmetric(context) => context.clone(),
            Self::Oaep(_) => EncryptionContext::default(),
        }
    }

    /// What is sealed to a key pair must be shorter than its modulus, by what the padding takes.
    pub fn check_length(&self, key: &Key, len: usize) -> Result<(), KmsError> {
        let (Self::Oaep(algorithm), KeySpec::Pair(spec)) = (self, key.purpose.spec) else { return Ok(()) };
        match algorithm.longest_plaintext(spec) {
            Some(longest) if len > longest => Err(asymmetric::too_long(key, algorithm.name(), longest)),
            Some(_) | None => Ok(()),
        }
    }
}

/// What comes to be opened.
#[derive(Clone, Debug)]
pub enum Sealed {
    /// A blob of ours, which names its material.
    Blob(CiphertextBlob),
    /// A blob of ours that an external key manager sealed once more.
    Twice(TwiceSealed),
    /// Anything else: nobody knows before it opens.
    Raw(Vec<u8>),
}

/// How the HSMs were left when the process before this one ended.
#[derive(Debug, Default)]
pub struct Left {
    /// Of KMS's own.
    pub scars: Option<Scars>,
    /// Of customers.
    pub clusters: Vec<ClusterRecord>,
}

/// The HSM, seen from outside.
pub struct Boundary {
    fleet: Fleet,
    clusters: Clusters,
    entropy: Arc<dyn Entropy>,
}

impl Boundary {
    /// Starts the HSMs under a root key of 32 bytes, as they were left.
    pub fn new(root: Secret, left: Left, entropy: Arc<dyn Entropy>) -> Result<Self, Broken> {
        if root.len() != BACKING_KEY_BYTES {
            return Err(Broken::RootKey(root.len()));
        }
        let clusters = Clusters::new(&root, left.clusters, entropy.clone());
        Ok(Self { fleet: Fleet::new(root, left.scars), clusters, entropy })
    }

    /// Somebody tampers with an HSM: whether it was still holding its key, or `None` where there is no such HSM.
    pub fn tamper(&self, number: u32, now: Timestamp) -> Option<bool> {
        self.fleet.tamper(number, now)
    }

    /// Gives wiped HSMs the domain key of a backup again: their numbers, or `None` if it is another domain's.
    pub fn restore(&self, backup: Secret) -> Option<Vec<u32>> {
        self.fleet.restore(backup)
    }

    /// What of the HSMs' fate outlives the process.
    pub fn scars(&self) -> Scars {
        self.fleet.scars()
    }

    /// The HSMs, one by one.
    pub fn hsms(&self) -> Vec<HsmView> {
        self.fleet.view()
    }

    /// Whether any HSM still holds the domain key.
    pub fn is_available(&self) -> bool {
        self.root().is_ok()
    }

    /// The CloudHSM clusters, one by one.
    pub fn clusters(&self) -> Vec<ClusterView> {
        self.clusters.view()
    }

    /// What is kept of a cluster: `ACCOUNT/REGION/cluster-…`.
    pub fn cluster(&self, name: &str) -> Option<ClusterRecord> {
        self.clusters.record(name)
    }

    /// A cluster that nobody has named before; it is one once it was adopted.
    pub fn found_cluster(&self, name: &str, anchor: [u8; 32], password: [u8; 32]) -> ClusterRecord {
        self.clusters.found(name, anchor, password)
    }

    /// Takes a cluster's record, which is durable, for true.
    pub fn adopt_cluster(&self, record: ClusterRecord) {
        self.clusters.adopt(record);
    }

    /// What is kept of a cluster's password or certificate.
    pub fn cluster_digest(&self, text: &str) -> [u8; 32] {
        self.clusters.digest(text)
    }

    /// Material of a key that lives in a cluster. It leaves only wrapped under the cluster's own root.
    pub fn cluster_material(&self, cluster: &str, key: &KeyAddress, since: Timestamp) -> Result<BackingKey, KmsError> {
        let id = MaterialId(self.entropy.array());
        let bytes = Secret::filled(BACKING_KEY_BYTES, |out| self.entropy.fill(out));
        let root = self.clusters.serve(cluster, Module::root).map_err(|_| no_cluster_hsm())?;
        let wrapped = Some(wrap::wrap(&root, &binding(key, id), bytes.expose(), &*self.entropy));
        let origin = Origin::Creation;
        Ok(BackingKey { id, wrapped, public: None, since, origin, description: None, valid_to: None })
    }

    /// Seals a secret that KMS must be able to say again: a proxy's credential.
    pub fn seal_secret(&self, name: &str, secret: &[u8]) -> Result<Vec<u8>, KmsError> {
        Ok(wrap::wrap(&*self.root()?, &secret_binding(name), secret, &*self.entropy))
    }

    /// Opens such a secret.
    pub fn open_secret(&self, name: &str, sealed: &[u8]) -> Result<Secret, KmsError> {
        let root = self.fleet.serve(Module::root).map_err(closed)?;
        wrap::unwrap(&root, &secret_binding(name), sealed).map_err(|_| closed(Closed::Foreign))
    }

    /// A new generation of key material for a key. It leaves only wrapped.
    pub fn new_material(&self, key: &KeyAddress, since: Timestamp, origin: Origin) -> Result<BackingKey, KmsError> {
        let bytes = Secret::filled(BACKING_KEY_BYTES, |out| self.entropy.fill(out));
        self.wrapped(key, MaterialId(self.entropy.array()), &bytes, since, origin)
    }

    /// Takes in 32 bytes of material that a test brings along. Its id is derived, not drawn, so that blobs made in
    /// one run of a test open in the next.
    pub fn take_in(&self, key: &KeyAddress, bytes: &Secret, since: Timestamp) -> Result<BackingKey, KmsError> {
        self.wrapped(key, named(key, bytes.expose()), bytes, since, Origin::Creation)
    }

    fn wrapped(
        &self,
        key: &KeyAddress,
        id: MaterialId,
        bytes: &Secret,
        since: Timestamp,
        origin: Origin,
    ) -> Result<BackingKey, KmsError> {
        let wrapped = wrap::wrap(&*self.root()?, &binding(key, id), bytes.expose(), &*self.entropy);
        Ok(BackingKey { id, wrapped: Some(wrapped), public: None, since, origin, description: None, valid_to: None })
    }

    fn root(&self) -> Result<Arc<Secret>, KmsError> {
        self.fleet.serve(Module::root).map_err(|_| no_hsm())
    }

    /// Seals what a caller brings.
    pub fn encrypt(&self, key: &Authorized<Encrypt>, cipher: &Cipher, plaintext: &Secret) -> Result<Vec<u8>, KmsError> {
        self.seal_by(key, cipher, plaintext)
    }

    /// A new data key of `len` bytes, in plaintext and sealed.
    pub fn generate(
        &self,
        key: &Authorized<GenerateDataKey>,
        context: &EncryptionContext,
        len: usize,
    ) -> Result<(Secret, Vec<u8>), KmsError> {
        let data_key = Secret::filled(len, |out| self.entropy.fill(out));
        let sealed = self.seal(key, blob::Origin::DataKey, context, &data_key)?;
        Ok((data_key, sealed))
    }

    /// A new data key of `len` bytes, sealed; nobody sees it in plaintext.
    pub fn generate_sealed(
        &self,
        key: &Authorized<GenerateDataKeyWithoutPlaintext>,
        context: &EncryptionContext,
        len: usize,
    ) -> Result<Vec<u8>, KmsError> {
        let data_key = Secret::filled(len, |out| self.entropy.fill(out));
        self.seal(key, blob::Origin::DataKey, context, &data_key)
    }

    /// Opens what was sealed. Tampering and another context are one error, as in AWS.
    pub fn decrypt(&self, key: &Authorized<Decrypt>, cipher: &Cipher, sealed: &Sealed) -> Result<Secret, KmsError> {
        self.unseal_by(key, cipher, sealed)
    }

    /// Opens under one key and seals under another; the plaintext stays inside.
    pub fn re_encrypt(
        &self,
        from: (&Authorized<ReEncryptFrom>, &Cipher),
        to: (&Authorized<ReEncryptTo>, &Cipher),
        sealed: &Sealed,
    ) -> Result<Vec<u8>, KmsError> {
        let plaintext = self.unseal_by(from.0, from.1, sealed)?;
        self.seal_by(to.0, to.1, &plaintext)
    }

    /// Random bytes for a caller.
    pub fn random(&self, _permitted: &Permitted<GenerateRandom>, len: usize) -> Result<Secret, KmsError> {
        self.root()?;
        Ok(Secret::filled(len, |out| self.entropy.fill(out)))
    }

    /// The same from a CloudHSM cluster, `ACCOUNT/REGION/cluster-…`.
    pub fn random_of(
        &self,
        _permitted: &Permitted<GenerateRandom>,
        cluster: &str,
        len: usize,
    ) -> Result<Secret, KmsError> {
        self.clusters.serve(cluster, Module::root).map_err(|_| no_cluster_hsm())?;
        Ok(Secret::filled(len, |out| self.entropy.fill(out)))
    }

    /// Seals the body of a grant token: opaque and unforgeable outside, readable here after a restart.
    pub fn seal_token(&self, body: &[u8]) -> Result<Vec<u8>, KmsError> {
        Ok(wrap::wrap(&*self.root()?, TOKEN_BINDING, body, &*self.entropy))
    }

    /// Opens a grant token; `None` is none of ours.
    pub fn open_token(&self, token: &[u8]) -> Result<Option<Vec<u8>>, KmsError> {
        let opened = wrap::unwrap(&*self.root()?, TOKEN_BINDING, token);
        Ok(opened.ok().map(|body| body.expose().to_vec()))
    }

    /// Wipes what is kept open of material that is no more.
    pub fn forget(&self, material: MaterialId) {
        self.fleet.each().for_each(|module| module.forget(material));
    }

    fn seal_by(&self, key: &Key, cipher: &Cipher, plaintext: &Secret) -> Result<Vec<u8>, KmsError> {
        match cipher {
            Cipher::Symmetric(context) => self.seal(key, blob::Origin::Encrypt, context, plaintext),
            Cipher::Oaep(algorithm) => self.seal_to(key, *algorithm, plaintext),
        }
    }

    fn unseal_by(&self, key: &Key, cipher: &Cipher, sealed: &Sealed) -> Result<Secret, KmsError> {
        match (cipher, sealed) {
            (Cipher::Symmetric(context), Sealed::Blob(blob)) => self.unseal(key, blob, context),
            (Cipher::Oaep(algorithm), Sealed::Raw(bytes)) => self.unseal_with(key, *algorithm, bytes),
            (Cipher::Symmetric(_), Sealed::Raw(_) | Sealed::Twice(_))
            | (Cipher::Oaep(_), Sealed::Blob(_) | Sealed::Twice(_)) => Err(KmsError::InvalidCiphertext),
        }
    }

    fn seal(
        &self,
        key: &Key,
        origin: blob::Origin,
        context: &EncryptionContext,
        plaintext: &Secret,
    ) -> Result<Vec<u8>, KmsError> {
        let current = key.current()?;
        let backing = self.backing(key, current)?;
        Ok(blob::seal_blob(&backing, current.id.0, origin, context, plaintext.expose(), &*self.entropy))
    }

    fn unseal(&self, key: &Key, sealed: &CiphertextBlob, context: &EncryptionContext) -> Result<Secret, KmsError> {
        let material = key.material(MaterialId(sealed.material_id)).ok_or(KmsError::IncorrectKey)?;
        let backing = self.backing(key, material)?;
        sealed.open(&backing, context).map_err(|_| KmsError::InvalidCiphertext)
    }

    fn backing(&self, key: &Key, material: &BackingKey) -> Result<Arc<Secret>, KmsError> {
        // Before the cache: a relative of this key in another region may have the same material open.
        let wrapped = material.wrapped.as_ref().ok_or_else(|| Refusal::IsPendingImport.about(&key.arn))?;
        let binding = binding(&key.address, material.id);
        if let Some(Lodging { backing: Backing::CloudHsm(cluster), .. }) = &key.lodging {
            let KeyAddress { account, region, .. } = &key.address;
            let name = format!("{account}/{region}/{cluster}");
            let opened = self.clusters.serve(&name, |module| module.backing(material.id, &binding, wrapped));
            return opened.map_err(|refusal| if refusal == Closed::Wiped { no_cluster_hsm() } else { closed(refusal) });
        }
        self.fleet.serve(|module| module.backing(material.id, &binding, wrapped)).map_err(closed)
    }
}

impl fmt::Debug for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Boundary(its inside withheld)")
    }
}

fn closed(closed: Closed) -> KmsError {
    match closed {
        Closed::Wiped => KmsError::KeyUnavailable(
            "The request was rejected because the specified KMS key was not available. You can retry the request."
                .into(),
        ),
        Closed::Foreign => {
            KmsError::KmsInternal("The key material cannot be unwrapped under this HSM's root key.".into())
        }
    }
}

/// What needs an HSM but no key finds none.
fn no_hsm() -> KmsError {
    KmsError::KmsInternal("No hardware security module is available. You can retry the request.".into())
}

/// A connected key store whose cluster was starved.
fn no_cluster_hsm() -> KmsError {
    KmsError::KmsInvalidState("The CloudHSM cluster of the custom key store has no active HSM.".into())
}

/// Ties a sealed secret to what it is for.
fn secret_binding(name: &str) -> Vec<u8> {
    format!("sse-sim secret {name}").into_bytes()
}

const TOKEN_BINDING: &[u8] = b"sse-sim grant token";

/// The name of material that comes from outside: the same bytes in the same key have the same.
fn named(key: &KeyAddress, bytes: &[u8]) -> MaterialId {
    let digest = Sha256::new().chain_update(b"sse-sim material id").chain_update(&key.id).chain_update(bytes);
    MaterialId(digest.finalize().into())
}

/// Ties a wrapped backing key to its key and generation: a row copied to another key does not unwrap.
fn binding(key: &KeyAddress, material: MaterialId) -> Vec<u8> {
    format!("sse-sim backing key {} {material}", key.id).into_bytes()
}
