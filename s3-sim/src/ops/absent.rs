//! Configurations that clients ask for after they have made a bucket, and that a plain bucket does not have. Each
//! answers with AWS's own word for absence; setting one is answered with NotImplemented until its room is built.

use s3s::dto::*;
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::error::{Outcome, fault};
use crate::ops::owner;

/// Answers 404 with AWS's code and sentence, once the bucket is known to exist.
macro_rules! absent {
    ($($name:ident: $input:ident => $output:ident, $code:literal, $message:literal;)*) => {
        $(pub(crate) async fn $name(
            sim: &S3Sim,
            _call: &Call,
            request: S3Request<$input>,
        ) -> Outcome<S3Response<$output>> {
            let bucket = sim.rows.bucket(&request.input.bucket)?;
            Err(fault($code, 404, $message).with("BucketName", bucket.name))
        })*
    };
}

/// Answers with a value, once the bucket is known to exist.
macro_rules! plain {
    ($($name:ident: $input:ident => $output:expr, $shape:ident;)*) => {
        $(pub(crate) async fn $name(
            sim: &S3Sim,
            _call: &Call,
            request: S3Request<$input>,
        ) -> Outcome<S3Response<$shape>> {
            sim.rows.bucket(&request.input.bucket)?;
            Ok(S3Response::new($output))
        })*
    };
}

absent! {
    tagging: GetBucketTaggingInput => GetBucketTaggingOutput, "NoSuchTagSet", "The TagSet does not exist";
    policy: GetBucketPolicyInput => GetBucketPolicyOutput, "NoSuchBucketPolicy", "The bucket policy does not exist";
    policy_status: GetBucketPolicyStatusInput => GetBucketPolicyStatusOutput,
        "NoSuchBucketPolicy", "The bucket policy does not exist";
    cors: GetBucketCorsInput => GetBucketCorsOutput,
        "NoSuchCORSConfiguration", "The CORS configuration does not exist";
    lifecycle: GetBucketLifecycleConfigurationInput => GetBucketLifecycleConfigurationOutput,
        "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist";
    replication: GetBucketReplicationInput => GetBucketReplicationOutput,
        "ReplicationConfigurationNotFoundError", "The replication configuration was not found";
    website: GetBucketWebsiteInput => GetBucketWebsiteOutput,
        "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration";
    object_lock: GetObjectLockConfigurationInput => GetObjectLockConfigurationOutput,
        "ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket";
}

plain! {
    versioning: GetBucketVersioningInput => GetBucketVersioningOutput::default(), GetBucketVersioningOutput;
    logging: GetBucketLoggingInput => GetBucketLoggingOutput::default(), GetBucketLoggingOutput;
    notification: GetBucketNotificationConfigurationInput => GetBucketNotificationConfigurationOutput::default(),
        GetBucketNotificationConfigurationOutput;
    accelerate: GetBucketAccelerateConfigurationInput => GetBucketAccelerateConfigurationOutput::default(),
        GetBucketAccelerateConfigurationOutput;
    request_payment: GetBucketRequestPaymentInput => GetBucketRequestPaymentOutput {
        payer: Some(Payer::from_static(Payer::BUCKET_OWNER)),
    }, GetBucketRequestPaymentOutput;
    ownership: GetBucketOwnershipControlsInput => GetBucketOwnershipControlsOutput {
        ownership_controls: Some(enforced()),
    }, GetBucketOwnershipControlsOutput;
    public_access_block: GetPublicAccessBlockInput => GetPublicAccessBlockOutput {
        public_access_block_configuration: Some(all_blocked()),
    }, GetPublicAccessBlockOutput;
}

/// `GetBucketAcl`: the owner, in full control; nobody else can be named.
pub(crate) async fn bucket_acl(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<GetBucketAclInput>,
) -> Outcome<S3Response<GetBucketAclOutput>> {
    let bucket = sim.rows.bucket(&request.input.bucket)?;
    let owner = owner(&bucket.owner);
    Ok(S3Response::new(GetBucketAclOutput { grants: Some(full_control(&owner)), owner: Some(owner) }))
}

/// `GetObjectAcl`: the same, for an object that exists.
pub(crate) async fn object_acl(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<GetObjectAclInput>,
) -> Outcome<S3Response<GetObjectAclOutput>> {
    let found = sim.find(call, &request.input.bucket, &request.input.key)?;
    let owner = owner(&found.bucket.owner);
    Ok(S3Response::new(GetObjectAclOutput {
        grants: Some(full_control(&owner)),
        owner: Some(owner),
        ..GetObjectAclOutput::default()
    }))
}

/// `GetObjectTagging`: an existing object has an empty set.
pub(crate) async fn object_tagging(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<GetObjectTaggingInput>,
) -> Outcome<S3Response<GetObjectTaggingOutput>> {
    sim.find(call, &request.input.bucket, &request.input.key)?;
    Ok(S3Response::new(GetObjectTaggingOutput { tag_set: Vec::new(), version_id: None }))
}

fn full_control(owner: &Owner) -> Vec<Grant> {
    let grantee = Grantee {
        display_name: None,
        email_address: None,
        id: owner.id.clone(),
        type_: Type::from_static(Type::CANONICAL_USER),
        uri: None,
    };
    vec![Grant { grantee: Some(grantee), permission: Some(Permission::from_static(Permission::FULL_CONTROL)) }]
}

/// What a bucket made since April 2023 has.
fn enforced() -> OwnershipControls {
    let object_ownership = ObjectOwnership::from_static(ObjectOwnership::BUCKET_OWNER_ENFORCED);
    OwnershipControls { rules: vec![OwnershipControlsRule { object_ownership }] }
}

fn all_blocked() -> PublicAccessBlockConfiguration {
    PublicAccessBlockConfiguration {
        block_public_acls: Some(true),
        block_public_policy: Some(true),
        ignore_public_acls: Some(true),
        restrict_public_buckets: Some(true),
    }
}
