//! Operations and what they are called elsewhere: the IAM action that allows each, and its kind in the trail.

use crate::access::Aim;

/// How the trail files an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trait {
    /// Changes nothing.
    pub(crate) read_only: bool,
    /// Bucket configuration is management; everything about objects, listings included, is data.
    pub(crate) management: bool,
}

/// The kind of an operation.
pub(crate) fn of(operation: &str, aim: Aim<'_>) -> Trait {
    let read_only = ["Get", "List", "Head"].iter().any(|verb| operation.starts_with(verb));
    let about_objects = matches!(operation, "ListObjects" | "ListObjectsV2" | "ListObjectVersions" | "DeleteObjects");
    let management = !about_objects && !matches!(aim, Aim::Object(..));
    Trait { read_only, management }
}

/// The operation's name in the trail.
pub(crate) fn trail_name(operation: &str) -> &str {
    match operation {
        "ListObjectsV2" => "ListObjects",
        "GetBucketLifecycleConfiguration" => "GetBucketLifecycle",
        "GetBucketNotificationConfiguration" => "GetBucketNotification",
        other => other,
    }
}

/// The IAM action that allows an operation. Most carry the operation's name.
pub(crate) fn iam_action(operation: &str) -> String {
    let action = match operation {
        "ListBuckets" => "ListAllMyBuckets",
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => "ListBucket",
        "ListObjectVersions" => "ListBucketVersions",
        "ListMultipartUploads" => "ListBucketMultipartUploads",
        "ListParts" => "ListMultipartUploadParts",
        "HeadObject" => "GetObject",
        "CopyObject" | "CreateMultipartUpload" | "UploadPart" | "UploadPartCopy" | "CompleteMultipartUpload" => {
            "PutObject"
        }
        "DeleteObjects" => "DeleteObject",
        "GetBucketEncryption" => "GetEncryptionConfiguration",
        "PutBucketEncryption" | "DeleteBucketEncryption" => "PutEncryptionConfiguration",
        "GetBucketLifecycleConfiguration" => "GetLifecycleConfiguration",
        "PutBucketLifecycleConfiguration" | "DeleteBucketLifecycle" => "PutLifecycleConfiguration",
        "GetBucketCors" => "GetBucketCORS",
        "PutBucketCors" | "DeleteBucketCors" => "PutBucketCORS",
        "GetBucketReplication" => "GetReplicationConfiguration",
        "GetBucketAccelerateConfiguration" => "GetAccelerateConfiguration",
        "GetBucketNotificationConfiguration" => "GetBucketNotification",
        "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
        "GetObjectLockConfiguration" => "GetBucketObjectLockConfiguration",
        other => other,
    };
    format!("s3:{action}")
}
