//! A volume. What it knows of its data key is the wrapped form only: a detached volume has no field that could hold
//! a plaintext key; an attached one's stands in a `LiveDevice`, outside the model.

use aws_core::arn::Arn;
use aws_core::id::{AccountId, Region};
use aws_core::time::Timestamp;

use super::attachment::Attachment;
use super::modification::Modification;
use super::tags::Tags;
use super::volume_type::Performance;

/// Bytes of a GiB.
pub const GIB: u64 = 1 << 30;

/// A volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// `vol-…`, unique among all accounts and regions of this simulator.
    pub id: String,
    /// Owner.
    pub account: AccountId,
    /// Where it is.
    pub region: Region,
    /// `us-east-1a`, …
    pub zone: String,
    /// Size in GiB.
    pub size_gib: u32,
    /// Type, IOPS, throughput.
    pub performance: Performance,
    /// On the simulated clock.
    pub created_at: Timestamp,
    /// The wrapped data key; `None` for a volume that is not encrypted.
    pub key: Option<WrappedKey>,
    /// Where it is attached.
    pub attachment: Option<Attachment>,
    /// All that stands under one data key has one lineage.
    pub lineage: String,
    /// The snapshot it was made from, which may be gone.
    pub snapshot_id: Option<String>,
    /// What was changed about it, oldest first.
    pub modifications: Vec<Modification>,
    /// Tags.
    pub tags: Tags,
}

/// A volume's data key as its metadata keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// KMS's ciphertext blob.
    pub blob: Vec<u8>,
    /// ARN of the KMS key.
    pub kms_key_arn: String,
}

/// What Describe calls the volume's state. The transient ones are over by the next read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolumeState {
    /// Said once, in the answer to CreateVolume.
    Creating,
    /// Attached to nothing.
    Available,
    /// Attached.
    InUse,
}

impl Volume {
    /// The state that Describe shows.
    pub fn state(&self) -> VolumeState {
        match self.attachment {
            Some(_) => VolumeState::InUse,
            None => VolumeState::Available,
        }
    }

    /// Size in bytes.
    pub fn size_bytes(&self) -> u64 {
        u64::from(self.size_gib) * GIB
    }

    /// The ledger's name of its data key.
    pub fn key_subject(&self) -> String {
        format!("volume/{}", self.id)
    }
}

impl VolumeState {
    /// As EC2 spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Available => "available",
            Self::InUse => "in-use",
        }
    }
}

/// A volume's ARN; `*` as id stands for one that does not exist yet.
pub fn arn_of(account: &AccountId, region: &Region, id: &str) -> String {
    Arn::new("ec2", region.as_str(), account.as_str(), format!("volume/{id}")).to_string()
}
