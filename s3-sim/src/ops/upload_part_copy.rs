//! `UploadPartCopy`: a part whose body is a range of another object.

use s3s::dto::{CopyPartResult, Range, UploadPartCopyInput, UploadPartCopyOutput};
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::customer;
use crate::digest::Promise;
use crate::error::{Outcome, invalid_argument};
use crate::headers::{etag, put_checksum, wire_time};
use crate::keys::Owner;
use crate::model::object::Facts;
use crate::open::{self, Reader};
use crate::ops::copy_object::{ask_source, source};
use crate::ops::put_sse;
use crate::reading::{Found, If};
use crate::sse;
use crate::uploading::{Uploading, part_number};

pub(crate) async fn run(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<UploadPartCopyInput>,
) -> Outcome<S3Response<UploadPartCopyOutput>> {
    let S3Request { input, headers, .. } = request;
    sse::refuse_sse_headers(&headers)?;
    let number = part_number(input.part_number)?;
    let bucket = sim.rows.bucket(&input.bucket)?;
    let upload = sim.rows.upload(&bucket.name, &input.key, &input.upload_id)?;
    sse::refuse_blocked(call, Owner { bucket: &bucket, key: &input.key }, &headers)?;
    let customer = customer::OBJECT.for_part(&headers, &upload.wrapped.wrapping)?;
    let customer_md5 = customer.as_ref().map(|customer| customer.md5.clone());
    let (from_bucket, from_key, from_version) = source(&input.copy_source)?;
    ask_source(sim, call, &input.copy_source)?;
    let expected = input.expected_source_bucket_owner.as_deref();
    let Found { bucket: from, object, pin } =
        sim.find_version(call, from_bucket, from_key, from_version)?.owned_by(expected)?;
    let source_key = customer::COPY_SOURCE.for_reading(&headers, &object.wrapped.wrapping)?;
    conditions(&input).check_copy_source(&object.facts)?;
    let range = source_range(input.copy_source_range.as_deref(), &object.facts)?;
    let from = Owner { bucket: &from, key: from_key };
    let (keys, _) = sim.unlock(call, from, &object, source_key.as_ref()).await?;
    let reader = Reader::new(&sim.shelf, keys, pin, object, range);
    let mut body = Box::pin(open::stream(reader).await?);
    let promise = Promise::none(upload.checksum.0);
    let uploading = Uploading { sim, call, bucket: &bucket, upload: &upload, number, customer, promise, length: None };
    let (part, checksum) = uploading.run(&mut body, || None).await?;
    let mut result = CopyPartResult {
        e_tag: Some(etag(&part.etag)),
        last_modified: Some(wire_time(part.modified)),
        ..CopyPartResult::default()
    };
    put_checksum!(result, &upload.checksum_declared.then_some(checksum));
    let mut output = UploadPartCopyOutput { copy_part_result: Some(result), ..UploadPartCopyOutput::default() };
    put_sse!(output, &upload.wrapped.wrapping, customer_md5);
    Ok(S3Response::new(output))
}

fn conditions(input: &UploadPartCopyInput) -> If {
    If {
        matches: input.copy_source_if_match.clone(),
        none_match: input.copy_source_if_none_match.clone(),
        modified_since: input.copy_source_if_modified_since.clone(),
        unmodified_since: input.copy_source_if_unmodified_since.clone(),
    }
}

/// `bytes=first-last`, both given and inside the source.
fn source_range(header: Option<&str>, facts: &Facts) -> Outcome<std::ops::Range<u64>> {
    let Some(header) = header else { return Ok(0..facts.size) };
    match Range::parse(header) {
        Ok(Range::Int { first, last: Some(last) }) if last < facts.size => Ok(first..last + 1),
        Ok(Range::Int { last: Some(_), .. }) => {
            let message = format!("Range specified is not valid for source object of size: {}", facts.size);
            Err(invalid_argument("x-amz-copy-source-range", header, message))
        }
        Ok(Range::Int { last: None, .. } | Range::Suffix { .. }) | Err(_) => {
            let message = "The x-amz-copy-source-range value must be of the form bytes=first-last where first and \
                           last are the zero-based offsets of the first and last bytes to copy";
            Err(invalid_argument("x-amz-copy-source-range", header, message))
        }
    }
}
