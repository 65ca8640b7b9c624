//! `AbortMultipartUpload`: the parts and their data key are gone.

use aws_core::event::Place;
use s3s::dto::{AbortMultipartUploadInput, AbortMultipartUploadOutput};
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::error::Outcome;
use crate::model::object::subject;

pub(crate) async fn run(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<AbortMultipartUploadInput>,
) -> Outcome<S3Response<AbortMultipartUploadOutput>> {
    let input = request.input;
    sim.rows.bucket(&input.bucket)?;
    let upload = sim.rows.upload(&input.bucket, &input.key, &input.upload_id)?;
    let parts = sim.rows.abort_upload(&input.bucket, &upload.id).await?;
    sim.world.custodian().dropped(&subject(&input.bucket, &input.key), Place::S3Metadata);
    sim.shelf.doom(parts.into_iter().map(|part| part.piece.blob).collect()).await;
    Ok(S3Response::new(AbortMultipartUploadOutput::default()))
}
