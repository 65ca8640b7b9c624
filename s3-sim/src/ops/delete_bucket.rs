//! `DeleteBucket`: only an empty one; unfinished uploads die with it.

use aws_core::event::Place;
use s3s::dto::{DeleteBucketInput, DeleteBucketOutput};
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::error::{Outcome, fault};
use crate::model::object::{bucket_key_subject, subject};

pub(crate) async fn run(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<DeleteBucketInput>,
) -> Outcome<S3Response<DeleteBucketOutput>> {
    let name = request.input.bucket;
    let Some(uploads) = sim.rows.delete_bucket(&name).await? else {
        let message = "The bucket you tried to delete is not empty";
        return Err(fault("BucketNotEmpty", 409, message).with("BucketName", name));
    };
    sim.keys.bucket_keys.forget(&name);
    sim.world.custodian().dropped(&bucket_key_subject(&name), Place::S3Metadata);
    for (upload, parts) in uploads {
        sim.world.custodian().dropped(&subject(&name, &upload.key), Place::S3Metadata);
        sim.shelf.doom(parts.into_iter().map(|part| part.piece.blob).collect()).await;
    }
    Ok(S3Response::new(DeleteBucketOutput::default()))
}
