//! `GetBucketLocation`: the oldest region is told as an empty constraint.

use s3s::dto::{BucketLocationConstraint, GetBucketLocationInput, GetBucketLocationOutput};
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::error::Outcome;

pub(crate) async fn run(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<GetBucketLocationInput>,
) -> Outcome<S3Response<GetBucketLocationOutput>> {
    let bucket = sim.rows.bucket(&request.input.bucket)?;
    let named = (bucket.region.as_str() != "us-east-1").then(|| bucket.region.to_string());
    Ok(S3Response::new(GetBucketLocationOutput { location_constraint: named.map(BucketLocationConstraint::from) }))
}
