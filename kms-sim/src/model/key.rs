//! A KMS key: what it is called, what state it is in, who may use it, and its generations of (wrapped) material.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_core::time::{Timestamp, epoch_seconds};
use kms_api::error::KmsError;
use kms_api::shapes::KeyMetadata;
use serde_json::{Value, json};

use super::address::KeyAddress;
use super::backing_key::{BackingKey, MaterialId, Origin};
use super::key_policy::KeyPolicy;
use super::key_state::{Happening, KeyState, Refusal, Use};
use super::key_store::{Backing, Lodging};
use super::last_usage::LastUsage;
use super::managed::ManagedService;
use super::purpose::{KeySpec, KeyUsage, Purpose};
use super::replica::MultiRegion;
use super::rotation::{Rotation, after};

/// Customer managed keys that an account may have in a region.
pub const KEYS_PER_REGION: usize = 100_000;

/// Whether one more key may be made beside so many.
pub fn check_quota(count: usize) -> Result<(), KmsError> {
    match count < KEYS_PER_REGION {
        true => Ok(()),
        false => Err(KmsError::LimitExceeded(format!(
            "The maximum number of KMS keys in this account and region ({KEYS_PER_REGION}) is reached."
        ))),
    }
}

/// Who manages a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyManager {
    /// The account's own.
    Customer,
    /// AWS, for a service.
    Aws(ManagedService),
}

/// Whose the key material is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrigin {
    /// Made by KMS.
    AwsKms,
    /// Imported.
    External,
    /// In the CloudHSM cluster of a custom key store.
    CloudHsm,
    /// In an external key manager, behind the proxy of a custom key store, over material of KMS's own.
    ExternalKeyStore,
}

impl KeyOrigin {
    /// All of them.
    pub const ALL: &[Self] = &[Self::AwsKms, Self::External, Self::CloudHsm, Self::ExternalKeyStore];

    /// AWS's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::AwsKms => "AWS_KMS",
            Self::External => "EXTERNAL",
            Self::CloudHsm => "AWS_CLOUDHSM",
            Self::ExternalKeyStore => "EXTERNAL_KEY_STORE",
        }
    }

    /// Reads AWS's word.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|origin| origin.name() == name)
    }
}

/// When a key will be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// After this moment the material is destroyed.
    pub date: Timestamp,
    /// The waiting period that was asked for.
    pub window_days: u32,
}

/// A KMS key.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its full name.
    pub address: KeyAddress,
    /// The same as an ARN, spelled out once.
    pub arn: String,
    /// When it was made.
    pub created: Timestamp,
    /// In the words of its owner.
    pub description: String,
    /// Who manages it.
    pub manager: KeyManager,
    /// What it is made of and what it is for.
    pub purpose: Purpose,
    /// Whose its material is.
    pub origin: KeyOrigin,
    /// The custom key store that it lives in; `None` for KMS's own HSMs.
    pub lodging: Option<Lodging>,
    /// Its place among related multi-Region keys; `None` for a key of one region.
    pub multi_region: Option<MultiRegion>,
    /// Where it is in its life.
    pub state: KeyState,
    /// The state to which a transient one gives way.
    pub returns_to: Option<KeyState>,
    /// Set while deletion is pending.
    pub deletion: Option<Deletion>,
    /// The waiting period that begins when the last replica is gone.
    pub replica_wait_days: Option<u32>,
    /// Generations of material, oldest first; the last one is current. Empty only before a first import.
    pub materials: Vec<BackingKey>,
    /// Imported material that the next rotation on demand will make current.
    pub pending: Option<BackingKey>,
    /// When material changes.
    pub rotation: Rotation,
    /// Who may use it.
    pub policy: KeyPolicy,
    /// In order of tag keys.
    pub tags: BTreeMap<String, String>,
    /// Shared by all versions of this key that are shown one after the other.
    pub last_usage: Arc<LastUsage>,
}

impl Key {
    /// The generation that new ciphertexts are made with; a key that waits for its first import has none.
    pub fn current(&self) -> Result<&BackingKey, KmsError> {
        self.materials.last().ok_or_else(|| Refusal::IsPendingImport.about(&self.arn))
    }

    /// The id of the current generation; only symmetric encryption keys have generations.
    pub fn current_generation(&self) -> Option<MaterialId> {
        self.materials.last().filter(|_| self.purpose.is_default()).map(|current| current.id)
    }

    /// Whether no generation of imported material is away.
    pub fn is_complete(&self) -> bool {
        !self.materials.is_empty() && self.materials.iter().all(BackingKey::is_present)
    }

    /// All material, that which waits for rotation included.
    pub fn all_materials(&self) -> impl Iterator<Item = &BackingKey> {
        self.materials.iter().chain(&self.pending)
    }

    /// When the first of the imported material expires.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.all_materials().filter_map(|material| material.valid_to).min()
    }

    /// Lets the bytes of a generation go. One that waits for rotation is forgotten by its primary key altogether; one
    /// that has served keeps its name, and the key is unusable until it is back.
    pub fn lose(&mut self, id: MaterialId) {
        if let Some(pending) = self.pending.take_if(|pending| pending.id == id) {
            self.pending = self.is_replica().then(|| pending.without_bytes());
            return;
        }
        if let Some(material) = self.materials.iter_mut().find(|material| material.id == id) {
            material.remove_bytes();
            self.state = self.state.on(Happening::MaterialGone).unwrap_or(self.state);
        }
    }

    /// Whether this key follows another.
    pub fn is_replica(&self) -> bool {
        self.multi_region == Some(MultiRegion::Replica)
    }

    /// Rotation is decided upon at the primary key, and by schedule only for material that KMS makes.
    pub fn check_rotates_here(&self) -> Result<(), KmsError> {
        if self.is_replica() { self.check_primary() } else { Ok(()) }
    }

    /// The multi-Region primary key among its relatives is the only one that may do this.
    pub fn check_primary(&self) -> Result<(), KmsError> {
        match self.multi_region {
            Some(MultiRegion::Primary) => Ok(()),
            Some(MultiRegion::Replica) | None => {
                Err(KmsError::UnsupportedOperation(Some(format!("{} is not a multi-region primary key.", self.arn))))
            }
        }
    }

    /// The generation of this id, if it is one of this key's.
    pub fn material(&self, id: MaterialId) -> Option<&BackingKey> {
        self.materials.iter().rev().find(|material| material.id == id)
    }

    /// Whether the state lets the key be used so; else AWS's exception.
    pub fn permit(&self, purpose: Use) -> Result<(), KmsError> {
        self.shown_state().permits(purpose).map_err(|refusal| refusal.about(&self.arn))
    }

    /// The state that the world sees: a usable key in a store that is not connected is unavailable.
    pub fn shown_state(&self) -> KeyState {
        let is_cut_off = self.lodging.as_ref().is_some_and(|lodging| !lodging.link.is_up());
        match self.state {
            KeyState::Enabled | KeyState::Disabled if is_cut_off => KeyState::Unavailable,
            state => state,
        }
    }

    /// Whether the key is for this; else AWS's exception, about the operation of this name.
    pub fn check_usage(&self, wanted: KeyUsage, operation: &str) -> Result<(), KmsError> {
        match self.purpose.usage {
            usage if usage == wanted => Ok(()),
            usage => Err(KmsError::InvalidKeyUsage(format!(
                "{} key usage is {} which is not valid for {operation}.",
                self.arn,
                usage.name()
            ))),
        }
    }

    /// Data keys are sealed in blobs, which only symmetric encryption keys make.
    pub fn check_seals_data_keys(&self, operation: &str) -> Result<(), KmsError> {
        self.check_usage(KeyUsage::EncryptDecrypt, operation)?;
        match self.purpose.spec {
            KeySpec::SymmetricDefault => Ok(()),
            KeySpec::Hmac(_) | KeySpec::Pair(_) => {
                Err(KmsError::InvalidKeyUsage("You cannot generate a data key with an asymmetric CMK".into()))
            }
        }
    }

    /// Only symmetric encryption keys rotate.
    pub fn check_rotates(&self) -> Result<(), KmsError> {
        if self.purpose.is_default() { Ok(()) } else { Err(KmsError::UnsupportedOperation(None)) }
    }

    /// Moves along the table of states.
    pub fn happen(&mut self, happening: Happening) -> Result<(), KmsError> {
        self.state = self.state.on(happening).ok_or_else(|| self.state.cannot(happening, &self.arn))?;
        Ok(())
    }

    /// Starts the waiting period.
    pub fn schedule_deletion(&mut self, window_days: u32, now: Timestamp) -> Result<Deletion, KmsError> {
        self.happen(Happening::ScheduleDeletion)?;
        let deletion = Deletion { date: after(now, window_days), window_days };
        self.deletion = Some(deletion);
        Ok(deletion)
    }

    /// Puts off the waiting period until the last replica is gone.
    pub fn schedule_after_replicas(&mut self, window_days: u32) -> Result<(), KmsError> {
        self.happen(Happening::ScheduleAfterReplicas)?;
        self.replica_wait_days = Some(window_days);
        Ok(())
    }

    /// The last replica went at `at`: a waiting period that was put off begins.
    pub fn last_replica_gone(&mut self, at: Timestamp) -> Result<(), KmsError> {
        let Some(window_days) = self.replica_wait_days.take() else { return Ok(()) };
        self.happen(Happening::LastReplicaGone)?;
        self.deletion = Some(Deletion { date: after(at, window_days), window_days });
        Ok(())
    }

    /// Takes the key back from its waiting period.
    pub fn cancel_deletion(&mut self) -> Result<(), KmsError> {
        self.happen(Happening::CancelDeletion)?;
        (self.deletion, self.replica_wait_days) = (None, None);
        if self.origin == KeyOrigin::External && !self.is_complete() {
            self.happen(Happening::MaterialGone)?;
        }
        Ok(())
    }

    /// Whether the key's deletion date has passed.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.deletion.is_some_and(|deletion| deletion.date <= now)
    }

    /// Whether time has brought something about that has not been done yet: the end of a transient state, a rotation
    /// (a replica waits for its primary's), the expiry of material, or the end.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.is_over(now)
            || self.returns_to.is_some()
            || self.next_expiry().is_some_and(|expiry| expiry <= now)
            || self.next_rotation(now).is_some()
    }

    /// The rotation that is due, and its date. Replicas are rotated with their primary.
    pub fn next_rotation(&self, now: Timestamp) -> Option<(Origin, Timestamp)> {
        self.rotation.due(self.state == KeyState::Enabled, now).filter(|_| !self.is_replica())
    }

    /// `CUSTOMER` or `AWS`.
    pub fn manager_name(&self) -> &'static str {
        match self.manager {
            KeyManager::Customer => "CUSTOMER",
            KeyManager::Aws(_) => "AWS",
        }
    }

    /// `KeyMetadata` as CreateKey and DescribeKey print it, but for what only its relatives know
    /// (`KmsSim::metadata`).
    pub fn metadata(&self) -> Value {
        let mut metadata = json!({
            "AWSAccountId": self.address.account,
            "KeyId": self.address.id,
            "Arn": self.arn,
            "CreationDate": epoch_seconds(self.created),
            "Enabled": self.shown_state() == KeyState::Enabled,
            "Description": self.description,
            "KeyUsage": self.purpose.usage.name(),
            "KeyState": self.shown_state().name(),
            "Origin": self.origin.name(),
            "KeyManager": self.manager_name(),
            "CustomerMasterKeySpec": self.purpose.spec.name(),
            "KeySpec": self.purpose.spec.name(),
            "MultiRegion": self.multi_region.is_some(),
        });
        let (member, algorithms) = self.purpose.algorithms();
        metadata[member] = json!(algorithms);
        if let Some(lodging) = &self.lodging {
            add_lodging(&mut metadata, lodging);
        } else if let Some(current) = self.current_generation() {
            metadata["CurrentKeyMaterialId"] = json!(current.to_string());
        }
        if let Some(window_days) = self.replica_wait_days {
            metadata["PendingDeletionWindowInDays"] = json!(window_days);
        }
        if self.origin == KeyOrigin::External && self.is_complete() {
            self.add_expiry(&mut metadata);
        }
        if let Some(deletion) = self.deletion {
            metadata["DeletionDate"] = json!(epoch_seconds(deletion.date));
        }
        metadata
    }

    fn add_expiry(&self, metadata: &mut Value) {
        let expiry = self.materials.iter().filter_map(|material| material.valid_to).min();
        metadata["ExpirationModel"] = json!(expiration_model(expiry));
        if let Some(expiry) = expiry {
            metadata["ValidTo"] = json!(epoch_seconds(expiry));
        }
    }

    /// The part of the metadata that storage services look at.
    pub fn summary(&self) -> KeyMetadata {
        KeyMetadata {
            key_id: self.address.id.clone(),
            arn: self.arn.clone(),
            key_state: self.shown_state().name().into(),
            key_manager: self.manager_name().into(),
            key_spec: self.purpose.spec.name().into(),
            key_usage: self.purpose.usage.name().into(),
        }
    }
}

/// Keys in a custom key store do not rotate, and so show no current material.
fn add_lodging(metadata: &mut Value, lodging: &Lodging) {
    metadata["CustomKeyStoreId"] = json!(lodging.store);
    match &lodging.backing {
        Backing::CloudHsm(cluster) => metadata["CloudHsmClusterId"] = json!(cluster),
        Backing::External(id) => metadata["XksKeyConfiguration"] = json!({"Id": id}),
    }
}

/// AWS's word for whether imported material ends.
pub fn expiration_model(valid_to: Option<Timestamp>) -> &'static str {
    if valid_to.is_some() { "KEY_MATERIAL_EXPIRES" } else { "KEY_MATERIAL_DOES_NOT_EXPIRE" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hundred_thousandth_key_is_the_last() {
        assert_eq!(check_quota(99_999), Ok(()));
        let refused = check_quota(100_000).unwrap_err();
        assert_eq!(refused.code(), "LimitExceededException");
        assert_eq!(
            refused.to_string(),
            "The maximum number of KMS keys in this account and region (100000) is reached."
        );
    }
}
