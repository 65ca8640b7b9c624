//! A bucket: who owns it, where it stands, and how new objects in it are sealed when the request does not say.

use aws_core::id::{AccountId, Region};
use aws_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A bucket's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bucket {
    /// Globally unique.
    pub(crate) name: String,
    /// The account that made it.
    pub(crate) owner: AccountId,
    /// Where it stands; its KMS keys are there too.
    pub(crate) region: Region,
    /// On the simulated clock.
    pub(crate) created: Timestamp,
    /// How new objects are sealed by default.
    pub(crate) encryption: DefaultEncryption,
}

/// The bucket's default encryption. There is always one: without a setting it is SSE-S3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DefaultEncryption {
    /// Which of S3's algorithms.
    pub(crate) algorithm: Algorithm,
    /// The key as it was written (id, alias or ARN), not validated until it is used.
    pub(crate) key: Option<String>,
    /// `BucketKeyEnabled`.
    pub(crate) bucket_key: bool,
    /// `BlockedEncryptionTypes`; new buckets block SSE-C. Empty after `NONE`.
    pub(crate) blocked: Vec<String>,
    /// Whether somebody set it; a copy onto itself is legal then.
    pub(crate) explicit: bool,
}

/// The algorithms a bucket default can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Algorithm {
    /// SSE-S3.
    Aes256,
    /// SSE-KMS.
    Kms,
    /// DSSE-KMS.
    Dsse,
}

impl Algorithm {
    /// As headers and XML spell it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Aes256 => "AES256",
            Self::Kms => "aws:kms",
            Self::Dsse => "aws:kms:dsse",
        }
    }
}

impl Default for DefaultEncryption {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::Aes256,
            key: None,
            bucket_key: false,
            blocked: vec!["SSE-C".into()],
            explicit: false,
        }
    }
}

/// The ARN of a bucket.
pub(crate) fn bucket_arn(bucket: &str) -> String {
    format!("arn:aws:s3:::{bucket}")
}

/// The ARN of an object.
pub(crate) fn object_arn(bucket: &str, key: &str) -> String {
    format!("arn:aws:s3:::{bucket}/{key}")
}
