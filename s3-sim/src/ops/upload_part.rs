//! `UploadPart`: KMS opens the upload's data key for this caller; the part gets a salt of its own.

use s3s::dto::{UploadPartInput, UploadPartOutput};
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::body::incoming;
use crate::call::Call;
use crate::customer;
use crate::digest::Promise;
use crate::error::Outcome;
use crate::headers::{etag, put_checksum};
use crate::keys::Owner;
use crate::ops::put_sse;
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
    sse::refuse_blocked(call, Owner { bucket: &bucket, key: &input.key }, &headers)?;
    let customer = customer::OBJECT.for_part(&headers, &upload.wrapped.wrapping)?;
    let customer_md5 = customer.as_ref().map(|customer| customer.md5.clone());
    let promise = Promise::of(&headers)?.for_upload(&upload)?;
    let shown = promise.declared;
    let length = Some(promised_length(&headers)?);
    let uploading = Uploading { sim, call, bucket: &bucket, upload: &upload, number, customer, promise, length };
    let (part, checksum) = uploading.run(&mut incoming(input.body), trailers_of(&extensions)).await?;
    call.additional("bytesTransferredIn", part.piece.size);
    let mut output = UploadPartOutput { e_tag: Some(etag(&part.etag)), ..UploadPartOutput::default() };
    put_sse!(output, &upload.wrapped.wrapping, customer_md5);
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
