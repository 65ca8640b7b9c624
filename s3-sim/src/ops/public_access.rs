//! The public access block and the ownership controls of a bucket.

use s3s::dto::*;
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::error::{Outcome, fault, malformed_xml};
use crate::model::bucket::{Ownership, PublicAccessBlock};
use crate::store::documents::Kind;

pub(crate) async fn get(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<GetPublicAccessBlockInput>,
) -> Outcome<S3Response<GetPublicAccessBlockOutput>> {
    let bucket = sim.rows.bucket(&request.input.bucket)?;
    let block = bucket.settings.public_access.ok_or_else(|| {
        fault("NoSuchPublicAccessBlockConfiguration", 404, "The public access block configuration was not found")
            .with("BucketName", &bucket.name)
    })?;
    let public_access_block_configuration = Some(PublicAccessBlockConfiguration {
        block_public_acls: Some(block.block_acls),
        ignore_public_acls: Some(block.ignore_acls),
        block_public_policy: Some(block.block_policy),
        restrict_public_buckets: Some(block.restrict),
    });
    Ok(S3Response::new(GetPublicAccessBlockOutput { public_access_block_configuration }))
}

pub(crate) async fn put(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<PutPublicAccessBlockInput>,
) -> Outcome<S3Response<PutPublicAccessBlockOutput>> {
    let PutPublicAccessBlockInput { bucket, public_access_block_configuration: asked, .. } = request.input;
    let block = PublicAccessBlock {
        block_acls: asked.block_public_acls.unwrap_or(false),
        ignore_acls: asked.ignore_public_acls.unwrap_or(false),
        block_policy: asked.block_public_policy.unwrap_or(false),
        restrict: asked.restrict_public_buckets.unwrap_or(false),
    };
    sim.rows.change_bucket(&bucket, move |bucket| bucket.settings.public_access = Some(block)).await?;
    Ok(S3Response::new(PutPublicAccessBlockOutput::default()))
}

pub(crate) async fn delete(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<DeletePublicAccessBlockInput>,
) -> Outcome<S3Response<DeletePublicAccessBlockOutput>> {
    sim.rows.change_bucket(&request.input.bucket, |bucket| bucket.settings.public_access = None).await?;
    Ok(S3Response::with_status(DeletePublicAccessBlockOutput::default(), http::StatusCode::NO_CONTENT))
}

pub(crate) async fn get_ownership(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<GetBucketOwnershipControlsInput>,
) -> Outcome<S3Response<GetBucketOwnershipControlsOutput>> {
    let bucket = sim.rows.bucket(&request.input.bucket)?;
    let ownership = bucket.settings.ownership.ok_or_else(|| {
        fault("OwnershipControlsNotFoundError", 404, "The bucket ownership controls were not found")
            .with("BucketName", &bucket.name)
    })?;
    let object_ownership = ObjectOwnership::from_static(ownership.as_str());
    let controls = OwnershipControls { rules: vec![OwnershipControlsRule { object_ownership }] };
    Ok(S3Response::new(GetBucketOwnershipControlsOutput { ownership_controls: Some(controls) }))
}

pub(crate) async fn put_ownership(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<PutBucketOwnershipControlsInput>,
) -> Outcome<S3Response<PutBucketOwnershipControlsOutput>> {
    let PutBucketOwnershipControlsInput { bucket, ownership_controls, .. } = request.input;
    let [rule] = ownership_controls.rules.as_slice() else { return Err(malformed_xml()) };
    let ownership = Ownership::parse(rule.object_ownership.as_str()).ok_or_else(malformed_xml)?;
    let acl: Option<String> = sim.rows.document(&bucket, Kind::Acl)?;
    if ownership == Ownership::Enforced && acl.is_some() {
        let message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
        return Err(fault("InvalidBucketAclWithObjectOwnership", 400, message));
    }
    sim.rows.change_bucket(&bucket, move |bucket| bucket.settings.ownership = Some(ownership)).await?;
    Ok(S3Response::new(PutBucketOwnershipControlsOutput::default()))
}

pub(crate) async fn delete_ownership(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<DeleteBucketOwnershipControlsInput>,
) -> Outcome<S3Response<DeleteBucketOwnershipControlsOutput>> {
    sim.rows.change_bucket(&request.input.bucket, |bucket| bucket.settings.ownership = None).await?;
    Ok(S3Response::with_status(DeleteBucketOwnershipControlsOutput::default(), http::StatusCode::NO_CONTENT))
}
