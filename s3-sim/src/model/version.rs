//! Versions: their ids, the markers that stand for deleted keys, and the order in which they came.
//!
//! ```text
//! version id   base64url( order, 8 bytes ‖ random, 16 bytes )       32 characters, opaque to the client
//! ```
//! The order is a count that never goes back, near the microseconds of the simulated clock; the id of a version thus
//! leads to its row. The version `null` has no id: it is what an unversioned write leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_core::time::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use envelope::entropy::Entropy;
use serde::{Deserialize, Serialize};

use crate::error::{Outcome, invalid_argument};
use crate::model::bucket::{Bucket, Versioning};
use crate::model::object::Object;

/// A delete marker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marker {
    /// `None` is the version `null`.
    pub(crate) version: Option<String>,
    /// Its place among the versions of its key.
    pub(crate) order: u64,
    /// On the simulated clock.
    pub(crate) modified: Timestamp,
}

/// One version of a key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Version {
    /// With a body.
    Object(Box<Object>),
    /// Without.
    Marker(Marker),
}

impl Version {
    /// Its place among the versions of its key.
    pub(crate) fn order(&self) -> u64 {
        match self {
            Self::Object(object) => object.label.order,
            Self::Marker(marker) => marker.order,
        }
    }

    /// The object, if it is one.
    pub(crate) fn into_object(self) -> Option<Box<Object>> {
        match self {
            Self::Object(object) => Some(object),
            Self::Marker(_) => None,
        }
    }

    /// As the client names it.
    pub(crate) fn id(&self) -> String {
        let id = match self {
            Self::Object(object) => &object.facts.version,
            Self::Marker(marker) => &marker.version,
        };
        id.clone().unwrap_or_else(|| "null".into())
    }
}

/// A version that a client named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum VersionId {
    /// `null`
    Null,
    /// One of ours.
    Named {
        /// As written.
        id: String,
        /// What it says of its row.
        order: u64,
    },
}

impl VersionId {
    /// Reads a `versionId`; 400 for what never was one.
    pub(crate) fn parse(text: &str) -> Outcome<Self> {
        if text == "null" {
            return Ok(Self::Null);
        }
        let bytes: Option<[u8; 24]> = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        let order = bytes.and_then(|bytes| bytes[..8].try_into().ok()).map(u64::from_be_bytes);
        let order = order.ok_or_else(|| invalid_argument("versionId", text, "Invalid version id specified"))?;
        Ok(Self::Named { id: text.to_owned(), order })
    }

    /// Whether a stored version is this one.
    pub(crate) fn is(&self, version: Option<&str>) -> bool {
        match self {
            Self::Null => version.is_none(),
            Self::Named { id, .. } => version == Some(id),
        }
    }

    /// Where its row is; `None` for `null`, which may be anywhere.
    pub(crate) fn order(&self) -> Option<u64> {
        match self {
            Self::Null => None,
            Self::Named { order, .. } => Some(*order),
        }
    }

    /// As the client wrote it.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Null => "null",
            Self::Named { id, .. } => id,
        }
    }
}

/// What a write gets before it commits: its place, and its id where the bucket is versioned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Its place among the versions of its key.
    pub(crate) order: u64,
    /// `None` is the version `null`.
    pub(crate) version: Option<String>,
}

/// Hands out stamps. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stamps(Arc<AtomicU64>);

impl Stamps {
    /// Never goes back behind what is stored.
    pub(crate) fn start_after(&self, order: u64) {
        self.0.fetch_max(order, Ordering::Relaxed);
    }

    /// The stamp of the next write into `bucket`.
    pub(crate) fn next(&self, bucket: &Bucket, now: Timestamp, entropy: &dyn Entropy) -> Stamp {
        let micros = u64::try_from(now.as_microsecond()).unwrap_or(0);
        let step = |last: u64| Some(last.saturating_add(1).max(micros));
        let last = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).unwrap_or_else(|last| last);
        let order = last.saturating_add(1).max(micros);
        let version = (bucket.settings.versioning == Versioning::Enabled).then(|| {
            let mut bytes = [0; 24];
            bytes[..8].copy_from_slice(&order.to_be_bytes());
            entropy.fill(&mut bytes[8..]);
            URL_SAFE_NO_PAD.encode(bytes)
        });
        Stamp { order, version }
    }
}

/// `x-amz-version-id`: buckets that never had versions tell none.
pub(crate) fn told_version(bucket: &Bucket, version: Option<&str>) -> Option<String> {
    (bucket.settings.versioning != Versioning::Never).then(|| version.unwrap_or("null").to_owned())
}
