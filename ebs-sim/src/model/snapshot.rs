//! A snapshot. Its data key is its volume's, in the volume's wrapping: a snapshot that CreateSnapshot made is opened
//! under the encryption context of the volume.

use aws_core::arn::Arn;
use aws_core::id::{AccountId, Region};
use aws_core::time::Timestamp;

use super::tags::Tags;
use super::volume::WrappedKey;

/// How many snapshots of one volume may be pending at once; of st1 and sc1, one.
pub const MOST_PENDING: usize = 5;

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// `snap-…`, unique among all accounts and regions of this simulator.
    pub id: String,
    /// Owner.
    pub account: AccountId,
    /// Where it is.
    pub region: Region,
    /// The volume it was taken of, which may be gone. Also the encryption context of its key.
    pub volume_id: String,
    /// That volume's size then, in GiB.
    pub size_gib: u32,
    /// The point in time, on the simulated clock.
    pub started_at: Timestamp,
    /// How far it has come.
    pub state: SnapshotState,
    /// The wrapped data key; `None` for the snapshot of a volume that is not encrypted.
    pub key: Option<WrappedKey>,
    /// All that stands under one data key has one lineage.
    pub lineage: String,
    /// As the caller gave it.
    pub description: String,
    /// Tags.
    pub tags: Tags,
}

/// How far a snapshot has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotState {
    /// Frozen, and being brought to safety.
    Pending {
        /// Whether what was written before the freeze is durable in the volume's file. A pending snapshot that a
        /// restart finds without it is lost: the file may have lost what the snapshot promises.
        settled: bool,
    },
    /// Whole.
    Completed {
        /// On the simulated clock.
        at: Timestamp,
        /// How many chunks it has, shared ones included.
        chunks: u64,
    },
    /// Lost, and why.
    Error {
        /// For the caller.
        message: String,
    },
}

impl Snapshot {
    /// The ledger's name of its data key.
    pub fn key_subject(&self) -> String {
        format!("snapshot/{}", self.id)
    }

    /// Whether it is being made.
    pub fn is_pending(&self) -> bool {
        matches!(self.state, SnapshotState::Pending { .. })
    }

    /// Whether it is whole.
    pub fn is_completed(&self) -> bool {
        matches!(self.state, SnapshotState::Completed { .. })
    }
}

impl SnapshotState {
    /// As EC2 spells it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Completed { .. } => "completed",
            Self::Error { .. } => "error",
        }
    }
}

/// A snapshot's ARN, which names no account; `*` as id stands for one that does not exist yet.
pub fn arn_of(region: &Region, id: &str) -> String {
    Arn::new("ec2", region.as_str(), "", format!("snapshot/{id}")).to_string()
}
