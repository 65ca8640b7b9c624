//! What the keepers of the HSMs do: look at them, tamper with one, bring the backup.
//!
//! None of it is an AWS call. The trail is told as of a thing that the service does by itself; the ledger sees the
//! domain key leave an HSM and come back, and with the last one all keys of KMS's own.

use aws_core::event::{Event, Form, Place, ServiceEvent};
use aws_core::id::{AccountId, Region};
use envelope::secret::Secret;
use kms_api::error::KmsError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::KmsSim;
use crate::hsm::custom_store::ClusterView;
use crate::hsm::fleet::HsmView;
use crate::model::backing_key::BackingKey;
use crate::model::key::{Key, KeyOrigin};
use crate::store;

/// The HSMs of KMS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HsmStatus {
    /// Whether any of them can serve.
    pub available: bool,
    /// One by one.
    pub hsms: Vec<HsmView>,
    /// The CloudHSM clusters of customers.
    pub clusters: Vec<ClusterView>,
}

/// What the keepers of a CloudHSM cluster change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterChange {
    /// How many HSMs are active.
    pub hsms: Option<u32>,
    /// The password of `kmsuser`.
    pub kmsuser_password: Option<String>,
}

/// Why the keepers' wish is not granted.
#[derive(Debug, thiserror::Error)]
pub enum HsmRefusal {
    /// The fleet is smaller.
    #[error("there is no HSM {0}; see the list of HSMs")]
    NoSuchHsm(u32),
    /// No custom key store ever named the cluster.
    #[error("there is no cluster {0}; see the list of clusters")]
    NoSuchCluster(String),
    /// The backup's key is not the one that these HSMs held.
    #[error("the backup holds the domain key of another fleet; nothing that these HSMs wrapped would open under it")]
    AnotherDomain,
    /// The state could not be kept.
    #[error("what happened to the HSMs could not be kept: {0}")]
    NotKept(#[from] KmsError),
}

impl KmsSim {
    /// How the HSMs are.
    pub fn hsm_status(&self) -> HsmStatus {
        HsmStatus { available: self.hsm.is_available(), hsms: self.hsm.hsms(), clusters: self.hsm.clusters() }
    }

    /// Tampers with HSM `number`, counted from 1: it wipes itself. Done twice, it changes nothing more.
    pub async fn hsm_tamper(&self, number: u32) -> Result<HsmStatus, HsmRefusal> {
        let kms = self.handle();
        let tampering = tokio::spawn(async move { kms.tamper(number).await });
        tampering.await.unwrap_or_else(|_| Err(interrupted()))
    }

    /// Gives all wiped HSMs the domain key again, from a `backup` of it (32 bytes).
    pub async fn hsm_restore(&self, backup: Secret) -> Result<HsmStatus, HsmRefusal> {
        let kms = self.handle();
        let restoring = tokio::spawn(async move { kms.restore(backup).await });
        restoring.await.unwrap_or_else(|_| Err(interrupted()))
    }

    /// Changes how many HSMs a CloudHSM cluster (`ACCOUNT/REGION/cluster-…`) has, and the password of its `kmsuser`. A
    /// cluster without HSMs starves: its keys cannot be used until it gets one again.
    pub async fn hsm_cluster(&self, name: &str, change: ClusterChange) -> Result<HsmStatus, HsmRefusal> {
        let (kms, name) = (self.handle(), name.to_owned());
        let changing = tokio::spawn(async move { kms.change_cluster(&name, change).await });
        changing.await.unwrap_or_else(|_| Err(interrupted()))
    }

    async fn change_cluster(&self, name: &str, change: ClusterChange) -> Result<HsmStatus, HsmRefusal> {
        let _turn = self.turns.take(&[name]).await;
        let mut record = self.hsm.cluster(name).ok_or_else(|| HsmRefusal::NoSuchCluster(name.into()))?;
        record.hsms = change.hsms.unwrap_or(record.hsms);
        if let Some(password) = &change.kmsuser_password {
            record.password = self.hsm.cluster_digest(password);
        }
        store::key_stores::keep_cluster(&self.store, record.clone()).await?;
        self.hsm.adopt_cluster(record);
        Ok(self.hsm_status())
    }

    async fn tamper(&self, number: u32) -> Result<HsmStatus, HsmRefusal> {
        let _turn = self.turns.take(&[TURN]).await;
        // The wiping comes first: it does not wait for anybody's disk.
        if self.hsm.tamper(number, self.world.now()).ok_or(HsmRefusal::NoSuchHsm(number))? {
            self.world.custodian().dropped(&domain_key(number), Place::Hsm);
            self.tell_keepers("WipeHsm", json!({"hsm": number, "cause": "tampering detected"}));
            if !self.hsm.is_available() {
                self.each_subject(|kms, subject| kms.world.custodian().dropped(subject, Place::Hsm));
            }
        }
        store::fleet::keep(&self.store, self.hsm.scars()).await?;
        Ok(self.hsm_status())
    }

    async fn restore(&self, backup: Secret) -> Result<HsmStatus, HsmRefusal> {
        let _turn = self.turns.take(&[TURN]).await;
        let was_available = self.hsm.is_available();
        for number in self.hsm.restore(backup).ok_or(HsmRefusal::AnotherDomain)? {
            self.world.custodian().placed(&domain_key(number), Place::Hsm, Form::Plaintext);
            self.tell_keepers("RestoreHsm", json!({"hsm": number, "from": "backup"}));
        }
        if !was_available {
            self.each_subject(|kms, subject| kms.world.custodian().placed(subject, Place::Hsm, Form::Plaintext));
        }
        store::fleet::keep(&self.store, self.hsm.scars()).await?;
        Ok(self.hsm_status())
    }

    /// Tells the ledger which HSMs hold the domain key.
    pub(crate) fn announce_hsms(&self) {
        let active = self.hsm.hsms().into_iter().filter(|hsm| hsm.wiped_since.is_none());
        active.for_each(|hsm| self.world.custodian().placed(&domain_key(hsm.number), Place::Hsm, Form::Plaintext));
    }

    /// All keys whose material is in the HSMs, as the ledger calls them.
    fn each_subject(&self, tell: impl Fn(&Self, &str)) {
        let keys = self.registry.all_keys();
        let is_here = |key: &Key| key.origin != KeyOrigin::CloudHsm && key.all_materials().any(BackingKey::is_present);
        let held = keys.iter().filter(|key| is_here(key));
        held.for_each(|key| tell(self, &key.address.subject()));
    }

    /// The fleet belongs to no account and serves all regions; its events are filed under the first of both.
    fn tell_keepers(&self, name: &str, details: Value) {
        self.world.sink.emit(Event::Service(Box::new(ServiceEvent {
            ordinal: self.world.sink.next_ordinal(),
            event_id: self.world.uuid(),
            time: self.world.now(),
            source: "kms.amazonaws.com".into(),
            name: name.into(),
            account: AccountId::default_account(),
            region: Region::default_region(),
            resources: Vec::new(),
            details,
        })));
    }
}

const TURN: &str = "the HSMs of KMS";

/// The ledger's name of the copy of the domain key in one HSM.
fn domain_key(number: u32) -> String {
    format!("domain-key/hsm-{number}")
}

fn interrupted() -> HsmRefusal {
    KmsError::KmsInternal("The operation was interrupted.".into()).into()
}
