//! The CloudHSM clusters of customers: each a small domain of its own, with a root key that KMS's HSMs never see.
//!
//! There is no CloudHSM API here. A cluster comes into being, with two HSMs, when a custom key store first names it; it
//! then keeps the trust anchor and the password of `kmsuser` that were named with it. Its keepers can take its HSMs
//! away and give them back (a cluster restores itself from its own backup), and change the password.
//!
//! What a cluster keeps when it is switched off lies in the store under a key that stands for the customer's hardware:
//! derived from the root that KMS was started with, but not the domain key, so that wiped HSMs of KMS do not take the
//! clusters with them.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use aws_core::time::Timestamp;
use envelope::derive::labelled_key;
use envelope::entropy::Entropy;
use envelope::secret::Secret;
use envelope::wrap;
use serde::{Deserialize, Serialize};

use super::module::{Closed, Module};

/// HSMs of a new cluster: as many as KMS demands.
pub const CLUSTER_HSMS: u32 = 2;

/// A cluster as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterRecord {
    /// `ACCOUNT/REGION/cluster-…`
    pub name: String,
    /// Its root key, wrapped.
    #[serde(with = "serde_bytes")]
    pub root: Vec<u8>,
    /// How many HSMs are active.
    pub hsms: u32,
    /// Digest of the password of `kmsuser`.
    pub password: [u8; 32],
    /// Digest of its certificate.
    pub anchor: [u8; 32],
}

/// A cluster, as its keepers see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterView {
    /// `ACCOUNT/REGION/cluster-…`
    pub cluster: String,
    /// How many HSMs are active.
    pub hsms: u32,
}

/// All clusters.
pub(super) struct Clusters {
    hardware: Secret,
    entropy: Arc<dyn Entropy>,
    known: RwLock<BTreeMap<String, (ClusterRecord, Module)>>,
}

impl Clusters {
    /// The clusters as they were left. `root` is the root that KMS is started with.
    pub(super) fn new(root: &Secret, records: Vec<ClusterRecord>, entropy: Arc<dyn Entropy>) -> Self {
        let hardware = labelled_key(root, b"sse-sim cloudhsm hardware", b"");
        let clusters = Self { hardware, entropy, known: RwLock::default() };
        records.into_iter().for_each(|record| clusters.adopt(record));
        clusters
    }

    /// What is kept of a password or certificate.
    pub(super) fn digest(&self, text: &str) -> [u8; 32] {
        let digest = labelled_key(&self.hardware, b"sse-sim cloudhsm digest", text.as_bytes());
        *digest.array().expect("the derivation gives 32 bytes")
    }

    /// A cluster that nobody has named before.
    pub(super) fn found(&self, name: &str, anchor: [u8; 32], password: [u8; 32]) -> ClusterRecord {
        let root = Secret::filled(32, |out| self.entropy.fill(out));
        let root = wrap::wrap(&self.hardware, name.as_bytes(), root.expose(), &*self.entropy);
        ClusterRecord { name: name.into(), root, hsms: CLUSTER_HSMS, password, anchor }
    }

    /// Takes a record for true: it is durable.
    pub(super) fn adopt(&self, record: ClusterRecord) {
        let root = wrap::unwrap(&self.hardware, record.name.as_bytes(), &record.root);
        let module = match root {
            Ok(root) if record.hsms > 0 => Module::loaded(Arc::new(root)),
            Ok(_) | Err(_) => Module::wiped(Timestamp::UNIX_EPOCH),
        };
        self.known.write().expect("no holder of the clusters panics").insert(record.name.clone(), (record, module));
    }

    /// The record of a cluster.
    pub(super) fn record(&self, name: &str) -> Option<ClusterRecord> {
        self.known.read().expect("no holder of the clusters panics").get(name).map(|(record, _)| record.clone())
    }

    /// Lets a cluster do something.
    pub(super) fn serve<T>(&self, name: &str, job: impl FnOnce(&Module) -> Result<T, Closed>) -> Result<T, Closed> {
        match self.known.read().expect("no holder of the clusters panics").get(name) {
            Some((_, module)) => job(module),
            None => Err(Closed::Wiped),
        }
    }

    pub(super) fn view(&self) -> Vec<ClusterView> {
        let known = self.known.read().expect("no holder of the clusters panics");
        known.values().map(|(record, _)| ClusterView { cluster: record.name.clone(), hsms: record.hsms }).collect()
    }
}
