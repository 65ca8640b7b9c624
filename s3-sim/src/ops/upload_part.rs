//! `UploadPart`: KMS opens the upload's data key for this caller; the part gets a salt of its own.

use s3s::dto::{UploadPartInput, UploadPartOutput};
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::body::incoming;
use crate::call::Call;
use crate::digest::Promise;
use crate::error::Outcome;
use crate::headers::{etag, put_checksum};
use crate::ops::SseAnswer;
use crate::sse;
use crate::uploading::{Uploading, part_number};
use crate::writing::{promised_length, trailers_of};

pub(crate) async fn run(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<UploadPartInput>,
) -> Outcome<S3Response<UploadPartOutput>> {
    let S3Request { input, headers, extensions, .. } = request;
    sse::refuse_sse_headers(&headers)?;
    let number = part_number(input.part_number)?;
    let bucket = sim.rows.bucket(&input.bucket)?;
    let upload = sim.rows.upload(&bucket.name, &input.key, &input.upload_id)?;
    let promise = Promise::of(&headers)?.for_upload(&upload)?;
    let shown = promise.declared;
    let length = Some(promised_length(&headers)?);
    let uploading = Uploading { sim, call, bucket: &bucket, upload: &upload, number, promise, length };
    let (part, checksum) = uploading.run(&mut incoming(input.body), trailers_of(&extensions)).await?;
    call.additional("bytesTransferredIn", part.piece.size);
    let sse = SseAnswer::from(&upload.wrapped.wrapping);
    let mut output = UploadPartOutput {
        e_tag: Some(etag(&part.etag)),
        server_side_encryption: sse.algorithm,
        ssekms_key_id: sse.key_id,
        ..UploadPartOutput::default()
    };
    put_checksum!(output, &shown.then_some(checksum));
    Ok(S3Response::new(output))
}

impl Promise {
    /// Every part of an upload carries the upload's checksum.
    fn for_upload(self, upload: &crate::model::multipart::Upload) -> Outcome<Self> {
        let (algorithm, _) = upload.checksum;
        if self.declared && upload.checksum_declared && self.algorithm != algorithm {
            let message = format!(
                "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
                algorithm.as_str().to_ascii_lowercase(),
                self.algorithm.as_str().to_ascii_lowercase()
            );
            return Err(crate::error::invalid_request(message));
        }
        Ok(self.or_algorithm(algorithm))
    }
}
