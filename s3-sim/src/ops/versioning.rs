//! `PutBucketVersioning`, `GetBucketVersioning`.

use s3s::dto::*;
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::error::{Outcome, fault, malformed_xml, not_implemented};
use crate::model::bucket::Versioning;

pub(crate) async fn get(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<GetBucketVersioningInput>,
) -> Outcome<S3Response<GetBucketVersioningOutput>> {
    let bucket = sim.rows.bucket(&request.input.bucket)?;
    let status = match bucket.settings.versioning {
        Versioning::Never => None,
        Versioning::Enabled => Some(BucketVersioningStatus::from_static(BucketVersioningStatus::ENABLED)),
        Versioning::Suspended => Some(BucketVersioningStatus::from_static(BucketVersioningStatus::SUSPENDED)),
    };
    Ok(S3Response::new(GetBucketVersioningOutput { status, ..GetBucketVersioningOutput::default() }))
}

pub(crate) async fn put(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<PutBucketVersioningInput>,
) -> Outcome<S3Response<PutBucketVersioningOutput>> {
    let PutBucketVersioningInput { bucket, versioning_configuration: asked, .. } = request.input;
    let standing = sim.rows.bucket(&bucket)?;
    if asked.mfa_delete.as_ref().is_some_and(|mfa| mfa.as_str() == "Enabled") {
        return Err(not_implemented("MfaDelete"));
    }
    let versioning = match asked.status.as_ref().map(|status| status.as_str()) {
        Some("Enabled") => Versioning::Enabled,
        Some("Suspended") => Versioning::Suspended,
        Some(_) | None => return Err(malformed_xml()),
    };
    if standing.settings.object_lock && versioning == Versioning::Suspended {
        let message =
            "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.";
        return Err(fault("InvalidBucketState", 409, message));
    }
    sim.rows.change_bucket(&bucket, move |bucket| bucket.settings.versioning = versioning).await?;
    Ok(S3Response::new(PutBucketVersioningOutput::default()))
}
