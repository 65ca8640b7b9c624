//! Operations and what they are called elsewhere: the IAM action that allows each, and its kind in the trail.

use crate::access::{Aim, Request, query_pairs};

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
        "PutBucketLifecycleConfiguration" => "PutBucketLifecycle",
        "PutBucketNotificationConfiguration" => "PutBucketNotification",
        "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
        "PutPublicAccessBlock" => "PutBucketPublicAccessBlock",
        "DeletePublicAccessBlock" => "DeleteBucketPublicAccessBlock",
        "GetBucketNotificationConfiguration" => "GetBucketNotification",
        other => other,
    }
}

/// The IAM actions that a request needs, all of them. Each key of DeleteObjects is weighed on its own, so that needs
/// none as a whole.
pub(crate) fn asked(operation: &str, request: Request<'_>) -> Vec<String> {
    let has_version = query_pairs(request.query).iter().any(|(name, _)| name == "versionId");
    let own = iam_action(operation, has_version);
    let mut actions = match operation {
        "DeleteObjects" => Vec::new(),
        "UpdateObjectEncryption" => vec![iam_action("PutObject", false), own],
        "GetObjectAttributes" => vec![iam_action("GetObject", has_version), own],
        _ => vec![own],
    };
    if matches!(operation, "PutObject" | "CopyObject" | "CreateMultipartUpload") {
        let sent = |name: &str| request.headers.contains_key(name);
        let also = [
            ("s3:PutObjectTagging", sent("x-amz-tagging")),
            ("s3:PutObjectAcl", request.headers.get("x-amz-acl").is_some_and(|acl| acl != "private")),
            ("s3:PutObjectRetention", sent("x-amz-object-lock-mode")),
            ("s3:PutObjectLegalHold", sent("x-amz-object-lock-legal-hold")),
        ];
        actions.extend(also.into_iter().filter(|(_, needed)| *needed).map(|(action, _)| action.to_owned()));
    }
    actions
}

/// The IAM action of an operation. Most carry the operation's name; naming a version asks for another right.
pub(crate) fn iam_action(operation: &str, has_version: bool) -> String {
    let action = match operation {
        "GetObject" | "HeadObject" if has_version => "GetObjectVersion",
        "GetObjectAcl" if has_version => "GetObjectVersionAcl",
        "PutObjectAcl" if has_version => "PutObjectVersionAcl",
        "GetObjectAttributes" if has_version => "GetObjectVersionAttributes",
        "GetObjectTagging" if has_version => "GetObjectVersionTagging",
        "PutObjectTagging" if has_version => "PutObjectVersionTagging",
        "DeleteObjectTagging" if has_version => "DeleteObjectVersionTagging",
        "DeleteObject" if has_version => "DeleteObjectVersion",
        "ListBuckets" => "ListAllMyBuckets",
        "HeadBucket" | "ListObjects" | "ListObjectsV2" => "ListBucket",
        "ListObjectVersions" => "ListBucketVersions",
        "ListMultipartUploads" => "ListBucketMultipartUploads",
        "ListParts" => "ListMultipartUploadParts",
        "HeadObject" => "GetObject",
        "CopyObject" | "CreateMultipartUpload" | "UploadPart" | "UploadPartCopy" | "CompleteMultipartUpload" => {
            "PutObject"
        }
        other => of_configuration(other),
    };
    format!("s3:{action}")
}

/// The same for the configurations of a bucket.
fn of_configuration(operation: &str) -> &str {
    match operation {
        "GetBucketEncryption" => "GetEncryptionConfiguration",
        "PutBucketEncryption" | "DeleteBucketEncryption" => "PutEncryptionConfiguration",
        "GetBucketLifecycleConfiguration" => "GetLifecycleConfiguration",
        "PutBucketLifecycleConfiguration" | "DeleteBucketLifecycle" => "PutLifecycleConfiguration",
        "GetBucketCors" => "GetBucketCORS",
        "PutBucketCors" | "DeleteBucketCors" => "PutBucketCORS",
        "DeleteBucketTagging" => "PutBucketTagging",
        "GetBucketReplication" => "GetReplicationConfiguration",
        "GetBucketAccelerateConfiguration" => "GetAccelerateConfiguration",
        "PutBucketAccelerateConfiguration" => "PutAccelerateConfiguration",
        "GetBucketNotificationConfiguration" => "GetBucketNotification",
        "PutBucketNotificationConfiguration" => "PutBucketNotification",
        "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
        "PutPublicAccessBlock" | "DeletePublicAccessBlock" => "PutBucketPublicAccessBlock",
        "DeleteBucketOwnershipControls" => "PutBucketOwnershipControls",
        "GetObjectLockConfiguration" => "GetBucketObjectLockConfiguration",
        "PutObjectLockConfiguration" => "PutBucketObjectLockConfiguration",
        other => other,
    }
}
