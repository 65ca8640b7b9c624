//! `DeleteObject`: idempotent; the wrapped data key goes with the row, and with it every way to read the blob.

use s3s::dto::{DeleteObjectInput, DeleteObjectOutput};
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::error::{Outcome, not_implemented};
use crate::model::object::subject;
use crate::ops::check_version;
use crate::store::Guard;

pub(crate) async fn run(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<DeleteObjectInput>,
) -> Outcome<S3Response<DeleteObjectOutput>> {
    let input = request.input;
    check_version(input.version_id.as_deref())?;
    if input.if_match_last_modified_time.is_some() || input.if_match_size.is_some() {
        return Err(not_implemented("x-amz-if-match-size"));
    }
    let guard = Guard::read(input.if_match.as_ref(), None)?;
    sim.delete(&input.bucket, &input.key, guard).await?;
    Ok(S3Response::new(DeleteObjectOutput::default()))
}

impl S3Sim {
    /// Deletes an object if it is there.
    pub(crate) async fn delete(&self, bucket: &str, key: &str, guard: Guard) -> Outcome<()> {
        let gone = self.rows.delete_object(bucket, key, guard).await?;
        self.forget(&subject(bucket, key), gone).await;
        Ok(())
    }
}
