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
    /// What else every request must know of the bucket.
    #[serde(default)]
    pub(crate) settings: Settings,
}

/// The settings that requests look at. Longer configurations stand in rows of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// Whether a write replaces or adds.
    pub(crate) versioning: Versioning,
    /// `None` after DeleteBucketOwnershipControls.
    pub(crate) ownership: Option<Ownership>,
    /// `None` after DeletePublicAccessBlock.
    pub(crate) public_access: Option<PublicAccessBlock>,
    /// Whether versions can be locked. Never taken back.
    pub(crate) object_lock: bool,
}

/// Whether old versions of an object are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Versioning {
    /// Nobody ever asked for it.
    Never,
    /// Every write adds a version.
    Enabled,
    /// Writes replace the version `null`; the others stay.
    Suspended,
}

/// Whether ACLs speak, and who owns what strangers put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ownership {
    /// `BucketOwnerEnforced`: ACLs are off.
    Enforced,
    /// `BucketOwnerPreferred`
    Preferred,
    /// `ObjectWriter`
    Writer,
}

/// The four locks against the public.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PublicAccessBlock {
    /// Setting a public ACL is refused.
    pub(crate) block_acls: bool,
    /// Public ACLs do not speak.
    pub(crate) ignore_acls: bool,
    /// Setting a public policy is refused.
    pub(crate) block_policy: bool,
    /// A public policy speaks to the owner's account only.
    pub(crate) restrict: bool,
}

impl Settings {
    /// The locks as they act: none set is all open.
    pub(crate) fn public_access(&self) -> PublicAccessBlock {
        self.public_access.unwrap_or_default()
    }

    /// Whether ACLs speak. Without a setting they do, as they did when buckets had none.
    pub(crate) fn has_acls(&self) -> bool {
        self.ownership != Some(Ownership::Enforced)
    }
}

/// What a bucket made since April 2023 has.
impl Default for Settings {
    fn default() -> Self {
        let shut = PublicAccessBlock { block_acls: true, ignore_acls: true, block_policy: true, restrict: true };
        Self {
            versioning: Versioning::Never,
            ownership: Some(Ownership::Enforced),
            public_access: Some(shut),
            object_lock: false,
        }
    }
}

impl Ownership {
    const ALL: [Self; 3] = [Self::Enforced, Self::Preferred, Self::Writer];

    /// As XML spells it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Enforced => "BucketOwnerEnforced",
            Self::Preferred => "BucketOwnerPreferred",
            Self::Writer => "ObjectWriter",
        }
    }

    /// The reverse.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ownership| ownership.as_str() == name)
    }
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
