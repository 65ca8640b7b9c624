//! The stored shapes. States and types are stored by their AWS names, so that a row reads without this program.

use aws_core::id::{AccountId, Region};
use aws_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::attachment::{Attachment, AttachmentState, KeyGrant};
use crate::model::defaults::EncryptionDefaults;
use crate::model::instance::{Instance, InstanceState, StateReason};
use crate::model::modification::Modification;
use crate::model::tags::Tags;
use crate::model::volume::{Volume, WrappedKey};
use crate::model::volume_type::{Performance, VolumeType};

#[derive(Serialize, Deserialize)]
pub(super) struct VolumeRow {
    account: AccountId,
    region: Region,
    zone: String,
    size_gib: u32,
    kind: String,
    iops: Option<u32>,
    throughput: Option<u32>,
    created_at: Timestamp,
    key: Option<KeyRow>,
    attachment: Option<AttachmentRow>,
    tags: Tags,
    // What volumes of earlier versions do not have.
    #[serde(default)]
    lineage: Option<String>,
    #[serde(default)]
    snapshot_id: Option<String>,
    #[serde(default)]
    modifications: Vec<ModificationRow>,
}

#[derive(Serialize, Deserialize)]
struct ModificationRow {
    at: Timestamp,
    original: SizeRow,
    target: SizeRow,
}

#[derive(Serialize, Deserialize)]
struct SizeRow {
    size_gib: u32,
    kind: String,
    iops: Option<u32>,
    throughput: Option<u32>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct KeyRow {
    #[serde(with = "serde_bytes")]
    blob: Vec<u8>,
    kms_key_arn: String,
}

#[derive(Serialize, Deserialize)]
struct AttachmentRow {
    instance_id: String,
    device: String,
    attached_at: Timestamp,
    delete_on_termination: bool,
    busy: bool,
    grant: Option<GrantRow>,
}

#[derive(Serialize, Deserialize)]
struct GrantRow {
    id: String,
    kms_key_arn: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct InstanceRow {
    reservation_id: String,
    launch_index: u32,
    account: AccountId,
    region: Region,
    zone: String,
    image_id: String,
    instance_type: String,
    key_name: Option<String>,
    root_device: String,
    launched_at: Timestamp,
    state: String,
    terminated_at: Option<Timestamp>,
    reason: Option<(String, String)>,
    tags: Tags,
}

#[derive(Serialize, Deserialize)]
pub(super) struct DefaultsRow {
    by_default: bool,
    kms_key: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct TokenRow {
    /// What the first request asked for.
    pub(super) fingerprint: String,
    /// What it made.
    pub(super) ids: Vec<String>,
}

impl VolumeRow {
    pub(super) fn of(volume: &Volume) -> Self {
        Self {
            account: volume.account.clone(),
            region: volume.region.clone(),
            zone: volume.zone.clone(),
            size_gib: volume.size_gib,
            kind: volume.performance.kind.name().into(),
            iops: volume.performance.iops,
            throughput: volume.performance.throughput,
            created_at: volume.created_at,
            key: volume.key.as_ref().map(KeyRow::of),
            attachment: volume.attachment.as_ref().map(AttachmentRow::of),
            tags: volume.tags.clone(),
            lineage: Some(volume.lineage.clone()),
            snapshot_id: volume.snapshot_id.clone(),
            modifications: volume.modifications.iter().map(ModificationRow::of).collect(),
        }
    }

    pub(super) fn into_model(self, id: String) -> Volume {
        Volume {
            lineage: self.lineage.unwrap_or_else(|| id.clone()),
            snapshot_id: self.snapshot_id,
            modifications: self.modifications.into_iter().map(ModificationRow::into_model).collect(),
            id,
            account: self.account,
            region: self.region,
            zone: self.zone,
            size_gib: self.size_gib,
            performance: performance(&self.kind, self.iops, self.throughput),
            created_at: self.created_at,
            key: self.key.map(KeyRow::into_model),
            attachment: self.attachment.map(AttachmentRow::into_model),
            tags: self.tags,
        }
    }
}

impl KeyRow {
    pub(super) fn of(key: &WrappedKey) -> Self {
        Self { blob: key.blob.clone(), kms_key_arn: key.kms_key_arn.clone() }
    }

    pub(super) fn into_model(self) -> WrappedKey {
        WrappedKey { blob: self.blob, kms_key_arn: self.kms_key_arn }
    }
}

impl ModificationRow {
    fn of(modification: &Modification) -> Self {
        let row = |(size_gib, performance): (u32, Performance)| SizeRow {
            size_gib,
            kind: performance.kind.name().into(),
            iops: performance.iops,
            throughput: performance.throughput,
        };
        Self { at: modification.at, original: row(modification.original), target: row(modification.target) }
    }

    fn into_model(self) -> Modification {
        let model = |row: SizeRow| (row.size_gib, performance(&row.kind, row.iops, row.throughput));
        Modification { at: self.at, original: model(self.original), target: model(self.target) }
    }
}

/// A type that a later version wrote is shown as the API's default; the data is the same for all.
fn performance(kind: &str, iops: Option<u32>, throughput: Option<u32>) -> Performance {
    Performance { kind: VolumeType::parse(kind).unwrap_or_default(), iops, throughput }
}

impl AttachmentRow {
    fn of(attachment: &Attachment) -> Self {
        let grant = attachment.grant.as_ref();
        Self {
            instance_id: attachment.instance_id.clone(),
            device: attachment.device.clone(),
            attached_at: attachment.attached_at,
            delete_on_termination: attachment.delete_on_termination,
            busy: attachment.state == AttachmentState::Busy,
            grant: grant.map(|grant| GrantRow { id: grant.id.clone(), kms_key_arn: grant.kms_key_arn.clone() }),
        }
    }

    fn into_model(self) -> Attachment {
        Attachment {
            instance_id: self.instance_id,
            device: self.device,
            attached_at: self.attached_at,
            delete_on_termination: self.delete_on_termination,
            state: if self.busy { AttachmentState::Busy } else { AttachmentState::Attached },
            grant: self.grant.map(|row| KeyGrant { id: row.id, kms_key_arn: row.kms_key_arn }),
        }
    }
}

impl InstanceRow {
    pub(super) fn of(instance: &Instance) -> Self {
        let Instance { reservation_id, launch_index, account, region, zone, image_id, instance_type, .. } =
            instance.clone();
        Self {
            reservation_id,
            launch_index,
            account,
            region,
            zone,
            image_id,
            instance_type,
            key_name: instance.key_name.clone(),
            root_device: instance.root_device.clone(),
            launched_at: instance.launched_at,
            state: instance.state.code_and_name().1.into(),
            terminated_at: instance.terminated_at,
            reason: instance.reason.clone().map(|reason| (reason.code, reason.message)),
            tags: instance.tags.clone(),
        }
    }

    pub(super) fn into_model(self, id: String) -> Instance {
        Instance {
            id,
            reservation_id: self.reservation_id,
            launch_index: self.launch_index,
            account: self.account,
            region: self.region,
            zone: self.zone,
            image_id: self.image_id,
            instance_type: self.instance_type,
            key_name: self.key_name,
            root_device: self.root_device,
            launched_at: self.launched_at,
            state: lasting_state(&self.state),
            terminated_at: self.terminated_at,
            reason: self.reason.map(|(code, message)| StateReason { code, message }),
            tags: self.tags,
        }
    }
}

impl DefaultsRow {
    pub(super) fn of(defaults: &EncryptionDefaults) -> Self {
        Self { by_default: defaults.by_default, kms_key: defaults.kms_key.clone() }
    }

    pub(super) fn into_model(self) -> EncryptionDefaults {
        EncryptionDefaults { by_default: self.by_default, kms_key: self.kms_key }
    }
}

/// Only lasting states are stored.
fn lasting_state(name: &str) -> InstanceState {
    match name {
        "stopped" | "stopping" => InstanceState::Stopped,
        "terminated" | "shutting-down" => InstanceState::Terminated,
        _ => InstanceState::Running,
    }
}
