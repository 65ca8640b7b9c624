//! A multipart upload: one data key for all its parts, each part sealed with a salt of its own.
//!
//! Complete copies no byte: the pieces of the parts become the pieces of the object.

use aws_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::{ChecksumAlgorithm, ChecksumKind};
use crate::model::object::{Label, Piece, UserHeaders, WrappedKey};

/// Smallest part that is not the last, in bytes.
pub(crate) const SMALLEST_PART_BYTES: u64 = 5 << 20;

/// Largest part, and largest body of a single PUT, in bytes.
pub(crate) const LARGEST_BODY_BYTES: u64 = 5 << 30;

/// Part numbers run from 1 to this.
pub(crate) const LAST_PART: u16 = 10_000;

/// An upload's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Upload {
    /// Opaque to the client.
    pub(crate) id: String,
    /// Of the object to be.
    pub(crate) key: String,
    /// On the simulated clock.
    pub(crate) initiated: Timestamp,
    /// ARN of whoever started it.
    pub(crate) initiator: String,
    /// Headers of the object to be.
    pub(crate) headers: UserHeaders,
    /// Tags, ACL and locks of the object to be.
    #[serde(default)]
    pub(crate) label: Label,
    /// The data key of all parts.
    pub(crate) wrapped: WrappedKey,
    /// Which checksum the object will carry.
    pub(crate) checksum: (ChecksumAlgorithm, ChecksumKind),
    /// Whether the client chose that algorithm, and thus sees it with every part.
    pub(crate) checksum_declared: bool,
}

/// A part's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// Blob, size and number.
    pub(crate) piece: Piece,
    /// Without quotes.
    pub(crate) etag: String,
    /// On the simulated clock.
    pub(crate) modified: Timestamp,
    /// Checksums, sealed under the upload's data key, with the other members as associated data.
    #[serde(with = "serde_bytes")]
    pub(crate) proof: Vec<u8>,
}
