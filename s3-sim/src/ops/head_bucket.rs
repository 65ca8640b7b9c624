//! `HeadBucket`: whether it is there, and where.

use s3s::dto::{HeadBucketInput, HeadBucketOutput};
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::error::Outcome;

pub(crate) async fn run(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<HeadBucketInput>,
) -> Outcome<S3Response<HeadBucketOutput>> {
    let bucket = sim.rows.bucket(&request.input.bucket)?;
    Ok(S3Response::new(HeadBucketOutput {
        access_point_alias: Some(false),
        bucket_region: Some(bucket.region.to_string()),
        ..HeadBucketOutput::default()
    }))
}
