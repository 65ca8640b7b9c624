//! An object: plain facts, a wrapped data key, and where its sealed pieces stand.
//!
//! ```text
//! Object ── facts      size, ETag, times, headers, pieces: readable without a key
//!        ├─ wrapped    the data key, under a KMS key, a bucket key, a customer's key or S3's own
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
    /// What may change while the object stays.
    #[serde(default)]
    pub(crate) label: Label,
}

/// What may change while an object stays. The proof does not cover it: changing it takes no data key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Label {
    /// Its place among the versions of its key: a later write has a greater one.
    pub(crate) order: u64,
    /// Tags in key order.
    #[serde(default)]
    pub(crate) tags: Tags,
    /// The canned ACL, where ACLs speak and it is not `private`.
    #[serde(default)]
    pub(crate) acl: Option<String>,
    /// Until when nobody may delete this version.
    #[serde(default)]
    pub(crate) retention: Option<Retention>,
    /// Whether a legal hold lies on this version.
    #[serde(default)]
    pub(crate) legal_hold: bool,
}

/// Tags by key.
pub(crate) type Tags = BTreeMap<String, String>;

/// A lock with an end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Retention {
    /// `COMPLIANCE` binds everybody; `GOVERNANCE` may be bypassed.
    pub(crate) compliance: bool,
    /// On the simulated clock.
    pub(crate) until: Timestamp,
}

/// What can be said of an object without its data key. Covered by the proof.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Facts {
    /// Identity of this write: a replaced object has another.
    pub(crate) generation: String,
    /// The version; `None` is the version `null`. Left out then, so that older proofs still hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
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
    /// A KMS ciphertext blob, or `envelope::wrap` under the key that the wrapping names.
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
        /// After a change of encryption KMS opens a key of its own making, and that one opens the data key here:
        /// KMS never sees data keys that S3 made.
        #[serde(with = "serde_bytes", default)]
        carried: Option<Vec<u8>>,
    },
    /// SSE-KMS with a bucket key: the data key is wrapped under the bucket key, the bucket key under the KMS key.
    BucketKey {
        /// Key ARN, as KMS answered it.
        key_arn: String,
        /// The context of the bucket key; `aws:s3:arn` is the bucket's.
        context: ContextMap,
        /// Which of the bucket's keys.
        id: String,
    },
    /// DSSE-KMS: the body is sealed under the data key, and what comes out is sealed again.
    Dsse {
        /// Key ARN, as KMS answered it.
        key_arn: String,
        /// The whole encryption context, `aws:s3:arn` included.
        context: ContextMap,
        /// The outer layer's key, wrapped under the key that S3 owns.
        #[serde(with = "serde_bytes")]
        outer: Vec<u8>,
    },
    /// SSE-C: a key that comes with each request and is not kept.
    Customer {
        /// With which the customer's key is recognised.
        lock: Lock,
        /// The key of the row's proof, wrapped under the key that S3 owns: Complete comes without the customer's.
        #[serde(with = "serde_bytes")]
        row: Vec<u8>,
    },
}

/// What is kept of a customer's key: enough to tell it from another, not enough to find it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lock {
    /// 32 random bytes, anew for each object.
    #[serde(with = "serde_bytes")]
    pub(crate) salt: Vec<u8>,
    /// 32 bytes derived from key and salt.
    #[serde(with = "serde_bytes")]
    pub(crate) commitment: Vec<u8>,
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
    pub(crate) fn by(&self, bucket: &str) -> String {
        match self {
            Self::S3Owned => "s3 owned key".into(),
            Self::Kms { key_arn, .. } | Self::Dsse { key_arn, .. } => key_arn.clone(),
            Self::BucketKey { .. } => bucket_key_subject(bucket),
            Self::Customer { .. } => "customer key".into(),
        }
    }

    /// `x-amz-server-side-encryption`; SSE-C has headers of its own.
    pub(crate) fn algorithm(&self) -> Option<&'static str> {
        match self {
            Self::S3Owned => Some("AES256"),
            Self::Kms { .. } | Self::BucketKey { .. } => Some("aws:kms"),
            Self::Dsse { .. } => Some("aws:kms:dsse"),
            Self::Customer { .. } => None,
        }
    }

    /// CloudTrail's `SSEApplied` of a read.
    pub(crate) fn applied(&self) -> &'static str {
        match self {
            Self::S3Owned => "SSE_S3",
            Self::Kms { .. } | Self::BucketKey { .. } => "SSE_KMS",
            Self::Dsse { .. } => "DSSE_KMS",
            Self::Customer { .. } => "SSE_C",
        }
    }

    /// `x-amz-server-side-encryption-aws-kms-key-id`: always the ARN.
    pub(crate) fn key_arn(&self) -> Option<&str> {
        match self {
            Self::Kms { key_arn, .. } | Self::BucketKey { key_arn, .. } | Self::Dsse { key_arn, .. } => Some(key_arn),
            Self::S3Owned | Self::Customer { .. } => None,
        }
    }

    /// The encryption context that KMS is given.
    pub(crate) fn context(&self) -> Option<&ContextMap> {
        match self {
            Self::Kms { context, .. } | Self::BucketKey { context, .. } | Self::Dsse { context, .. } => Some(context),
            Self::S3Owned | Self::Customer { .. } => None,
        }
    }

    /// `x-amz-server-side-encryption-bucket-key-enabled`
    pub(crate) fn has_bucket_key(&self) -> bool {
        matches!(self, Self::BucketKey { .. })
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

/// How the ledger names a stored data key: each version has its own.
pub(crate) fn version_subject(bucket: &str, key: &str, version: Option<&str>) -> String {
    let version = version.map_or(String::new(), |id| format!("?versionId={id}"));
    subject(bucket, key) + &version
}

/// How the ledger names a bucket's bucket keys.
pub(crate) fn bucket_key_subject(bucket: &str) -> String {
    format!("bucket-key/{bucket}")
}
