//! An object: plain facts, a wrapped data key, and where its sealed pieces stand.
//!
//! ```text
//! Object ── facts      size, ETag, times, headers, pieces: readable without a key
//!        ├─ wrapped    the data key, under a KMS key or S3's own
//!        ├─ proof      AEAD under a key derived from the data key: its plaintext holds the checksums, its
//!        │             associated data are the facts; a changed size, piece or ETag no longer opens
//!        └─ inline     the sealed body itself, when it is small
//! ```

use std::collections::BTreeMap;

use aws_core::time::Timestamp;
use kms_api::shapes::ContextMap;
use serde::{Deserialize, Serialize};

use crate::digest::{ChecksumAlgorithm, ChecksumKind, Checksums};

/// An object's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Object {
    /// What can be said without the data key.
    pub(crate) facts: Facts,
    /// The data key, wrapped.
    pub(crate) wrapped: WrappedKey,
    /// Checksums, sealed, with `facts` as associated data.
    #[serde(with = "serde_bytes")]
    pub(crate) proof: Vec<u8>,
    /// The one sealed piece of a small object.
    #[serde(with = "serde_bytes", default)]
    pub(crate) inline: Option<Vec<u8>>,
}

/// What can be said of an object without its data key. Covered by the proof.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// Identity of this write: a replaced object has another.
    pub(crate) generation: String,
    /// Plaintext bytes.
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    /// On the simulated clock, whole seconds.
    pub(crate) modified: Timestamp,
    /// Headers that come back with the object.
    pub(crate) headers: UserHeaders,
    /// The sealed pieces in order: one, or one per part.
    pub(crate) pieces: Vec<Piece>,
    /// The multipart upload whose parts the pieces are; its id makes a repeated Complete harmless.
    pub(crate) upload: Option<String>,
    /// Which checksum the proof holds.
    pub(crate) checksum: Option<(ChecksumAlgorithm, ChecksumKind)>,
}

/// A run of sealed segments, in a blob of its own or in the row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Piece {
    /// UUID in hex: the blob's id, and part of the key derivation of its segments.
    pub(crate) blob: String,
    /// Plaintext bytes.
    pub(crate) size: u64,
    /// Part number; 0 for a whole object.
    pub(crate) part: u16,
}

/// A data key in its stored form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct WrappedKey {
    /// By whom it can be unwrapped.
    pub(crate) wrapping: Wrapping,
    /// A KMS ciphertext blob, or `envelope::wrap` under the S3-owned key.
    #[serde(with = "serde_bytes")]
    pub(crate) blob: Vec<u8>,
}

/// Under which key a data key is wrapped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Wrapping {
    /// SSE-S3: the key that S3 owns.
    S3Owned,
    /// SSE-KMS.
    Kms {
        /// Key ARN, as KMS answered it.
        key_arn: String,
        /// The whole encryption context, `aws:s3:arn` included.
        context: ContextMap,
    },
}

/// Headers that a client stores with an object and gets back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct UserHeaders {
    /// `Content-Type`; `binary/octet-stream` when none was sent.
    pub(crate) content_type: Option<String>,
    /// `Cache-Control`
    pub(crate) cache_control: Option<String>,
    /// `Content-Disposition`
    pub(crate) content_disposition: Option<String>,
    /// `Content-Encoding`, without `aws-chunked`.
    pub(crate) content_encoding: Option<String>,
    /// `Content-Language`
    pub(crate) content_language: Option<String>,
    /// `Expires`
    pub(crate) expires: Option<Timestamp>,
    /// `x-amz-website-redirect-location`
    pub(crate) website_redirect: Option<String>,
    /// `x-amz-storage-class`, when it is not STANDARD.
    pub(crate) storage_class: Option<String>,
    /// `x-amz-meta-*`, without the prefix.
    pub(crate) metadata: BTreeMap<String, String>,
}

/// What the proof of a row holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    /// Checksums of the plaintext.
    pub(crate) checksums: Checksums,
    /// Checksums of the parts, in the order of the pieces, when the client declared an algorithm.
    pub(crate) parts: Vec<Checksums>,
}

impl Wrapping {
    /// As the ledger names the wrapping key.
    pub(crate) fn by(&self) -> &str {
        match self {
            Self::S3Owned => "s3 owned key",
            Self::Kms { key_arn, .. } => key_arn,
        }
    }

    /// `x-amz-server-side-encryption`
    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Self::S3Owned => "AES256",
            Self::Kms { .. } => "aws:kms",
        }
    }

    /// CloudTrail's `SSEApplied` of a read.
    pub(crate) fn applied(&self) -> &'static str {
        match self {
            Self::S3Owned => "SSE_S3",
            Self::Kms { .. } => "SSE_KMS",
        }
    }

    /// `x-amz-server-side-encryption-aws-kms-key-id`: always the ARN.
    pub(crate) fn key_arn(&self) -> Option<&str> {
        match self {
            Self::S3Owned => None,
            Self::Kms { key_arn, .. } => Some(key_arn),
        }
    }
}

impl Object {
    /// Blobs that die with this row.
    pub(crate) fn blobs(&self) -> Vec<String> {
        if self.inline.is_some() {
            return Vec::new();
        }
        self.facts.pieces.iter().map(|piece| piece.blob.clone()).collect()
    }
}

/// How the ledger names an object's data key.
pub(crate) fn subject(bucket: &str, key: &str) -> String {
    format!("object/{bucket}/{key}")
}
