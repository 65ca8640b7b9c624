//! A KMS key: what it is called, what state it is in, who may use it, and its generations of (wrapped) material.

use std::collections::BTreeMap;

use aws_core::time::{Timestamp, epoch_seconds};
use kms_api::error::KmsError;
use kms_api::shapes::KeyMetadata;
use serde_json::{Value, json};

use super::address::KeyAddress;
use super::backing_key::{BackingKey, MaterialId};
use super::key_policy::KeyPolicy;
use super::key_state::{Happening, KeyState, Use};
use super::managed::ManagedService;
use super::rotation::{Rotation, after};

/// The one key spec served so far.
pub const SYMMETRIC_DEFAULT: &str = "SYMMETRIC_DEFAULT";

/// Who manages a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyManager {
    /// The account's own.
    Customer,
    /// AWS, for a service.
    Aws(ManagedService),
}

/// When a key will be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// After this moment the material is destroyed.
    pub date: Timestamp,
    /// The waiting period that was asked for.
    pub window_days: u32,
}

/// A KMS key of spec `SYMMETRIC_DEFAULT` and usage `ENCRYPT_DECRYPT`.
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
    /// Where it is in its life.
    pub state: KeyState,
    /// Set while deletion is pending.
    pub deletion: Option<Deletion>,
    /// Generations of material, oldest first; the last one is current. Never empty.
    pub materials: Vec<BackingKey>,
    /// When material changes.
    pub rotation: Rotation,
    /// Who may use it.
    pub policy: KeyPolicy,
    /// In order of tag keys.
    pub tags: BTreeMap<String, String>,
}

impl Key {
    /// The generation that new ciphertexts are made with.
    pub fn current(&self) -> &BackingKey {
        self.materials.last().expect("a key is made with its first generation and loses none")
    }

    /// The generation of this id, if it is one of this key's.
    pub fn material(&self, id: MaterialId) -> Option<&BackingKey> {
        self.materials.iter().rev().find(|material| material.id == id)
    }

    /// Whether the state lets the key be used so; else AWS's exception.
    pub fn permit(&self, purpose: Use) -> Result<(), KmsError> {
        self.state.permits(purpose).map_err(|refusal| refusal.about(&self.arn))
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

    /// Whether the key's deletion date has passed.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.deletion.is_some_and(|deletion| deletion.date <= now)
    }

    /// Whether time has brought something about that has not been done yet: a rotation or the end.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.is_over(now) || self.rotation.due(self.state == KeyState::Enabled, now).is_some()
    }

    /// `CUSTOMER` or `AWS`.
    pub fn manager_name(&self) -> &'static str {
        match self.manager {
            KeyManager::Customer => "CUSTOMER",
            KeyManager::Aws(_) => "AWS",
        }
    }

    /// `KeyMetadata` as CreateKey and DescribeKey print it.
    pub fn metadata(&self) -> Value {
        let mut metadata = json!({
            "AWSAccountId": self.address.account,
            "KeyId": self.address.id,
            "Arn": self.arn,
            "CreationDate": epoch_seconds(self.created),
            "Enabled": self.state == KeyState::Enabled,
            "Description": self.description,
            "KeyUsage": "ENCRYPT_DECRYPT",
            "KeyState": self.state.name(),
            "Origin": "AWS_KMS",
            "KeyManager": self.manager_name(),
            "CustomerMasterKeySpec": SYMMETRIC_DEFAULT,
            "KeySpec": SYMMETRIC_DEFAULT,
            "EncryptionAlgorithms": [SYMMETRIC_DEFAULT],
            "MultiRegion": false,
            "CurrentKeyMaterialId": self.current().id.to_string(),
        });
        if let Some(deletion) = self.deletion {
            metadata["DeletionDate"] = json!(epoch_seconds(deletion.date));
        }
        metadata
    }

    /// The part of the metadata that storage services look at.
    pub fn summary(&self) -> KeyMetadata {
        KeyMetadata {
            key_id: self.address.id.clone(),
            arn: self.arn.clone(),
            key_state: self.state.name().into(),
            key_manager: self.manager_name().into(),
            key_spec: SYMMETRIC_DEFAULT.into(),
            key_usage: "ENCRYPT_DECRYPT".into(),
        }
    }
}
