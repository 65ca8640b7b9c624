//! Tags of buckets and of objects.

use s3s::dto::*;
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::error::{Outcome, fault};
use crate::label::{MOST_OBJECT_TAGS, checked_tags, tag_set};
use crate::model::object::Tags;
use crate::model::version::{VersionId, told_version};
use crate::store::documents::Kind;

const MOST_BUCKET_TAGS: usize = 50;

pub(crate) async fn get_bucket(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<GetBucketTaggingInput>,
) -> Outcome<S3Response<GetBucketTaggingOutput>> {
    let bucket = sim.rows.bucket(&request.input.bucket)?;
    let tags: Option<Tags> = sim.rows.document(&bucket.name, Kind::Tagging)?;
    let tags =
        tags.ok_or_else(|| fault("NoSuchTagSet", 404, "The TagSet does not exist").with("BucketName", &bucket.name))?;
    Ok(S3Response::new(GetBucketTaggingOutput { tag_set: tag_set(&tags) }))
}

pub(crate) async fn put_bucket(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<PutBucketTaggingInput>,
) -> Outcome<S3Response<PutBucketTaggingOutput>> {
    let PutBucketTaggingInput { bucket, tagging, .. } = request.input;
    sim.rows.bucket(&bucket)?;
    let tags = checked_tags(tagging.tag_set, MOST_BUCKET_TAGS)?;
    sim.rows.put_document(&bucket, Kind::Tagging, &tags).await?;
    Ok(S3Response::with_status(PutBucketTaggingOutput::default(), http::StatusCode::NO_CONTENT))
}

pub(crate) async fn delete_bucket(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<DeleteBucketTaggingInput>,
) -> Outcome<S3Response<DeleteBucketTaggingOutput>> {
    sim.rows.drop_document(&request.input.bucket, Kind::Tagging).await?;
    Ok(S3Response::with_status(DeleteBucketTaggingOutput::default(), http::StatusCode::NO_CONTENT))
}

pub(crate) async fn get_object(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<GetObjectTaggingInput>,
) -> Outcome<S3Response<GetObjectTaggingOutput>> {
    let GetObjectTaggingInput { bucket, key, version_id, .. } = request.input;
    let found = sim.find_version(call, &bucket, &key, version_id.as_deref())?;
    Ok(S3Response::new(GetObjectTaggingOutput {
        tag_set: tag_set(&found.object.label.tags),
        version_id: told_version(&found.bucket, found.object.facts.version.as_deref()),
    }))
}

pub(crate) async fn put_object(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<PutObjectTaggingInput>,
) -> Outcome<S3Response<PutObjectTaggingOutput>> {
    let PutObjectTaggingInput { bucket, key, version_id, tagging, .. } = request.input;
    let tags = checked_tags(tagging.tag_set, MOST_OBJECT_TAGS)?;
    let version_id = sim.retag(call, &bucket, &key, version_id.as_deref(), tags).await?;
    Ok(S3Response::new(PutObjectTaggingOutput { version_id }))
}

pub(crate) async fn delete_object(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<DeleteObjectTaggingInput>,
) -> Outcome<S3Response<DeleteObjectTaggingOutput>> {
    let DeleteObjectTaggingInput { bucket, key, version_id, .. } = request.input;
    let version_id = sim.retag(call, &bucket, &key, version_id.as_deref(), Tags::new()).await?;
    Ok(S3Response::with_status(DeleteObjectTaggingOutput { version_id }, http::StatusCode::NO_CONTENT))
}

impl S3Sim {
    async fn retag(
        &self,
        call: &Call,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        tags: Tags,
    ) -> Outcome<Option<String>> {
        let found = self.find_version(call, bucket, key, version)?;
        let id = version.map(VersionId::parse).transpose()?;
        self.rows
            .relabel(bucket, key, id, move |label| {
                label.tags = tags;
                Ok(())
            })
            .await?;
        Ok(told_version(&found.bucket, found.object.facts.version.as_deref()))
    }
}
