//! `DeleteBucket`: only an empty one; unfinished uploads die with it.

use s3s::dto::{DeleteBucketInput, DeleteBucketOutput};
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::error::{Outcome, fault};

pub(crate) async fn run(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<DeleteBucketInput>,
) -> Outcome<S3Response<DeleteBucketOutput>> {
    let name = request.input.bucket;
    let Some(parts) = sim.rows.delete_bucket(&name).await? else {
        let message = "The bucket you tried to delete is not empty";
        return Err(fault("BucketNotEmpty", 409, message).with("BucketName", name));
    };
    sim.shelf.doom(parts.into_iter().map(|part| part.piece.blob).collect()).await;
    Ok(S3Response::new(DeleteBucketOutput::default()))
}
