//! `GetObject`: KMS is asked for each request, as the caller; then segments are opened as they are sent.

use s3s::dto::{GetObjectInput, GetObjectOutput};
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::body::outgoing;
use crate::call::Call;
use crate::customer;
use crate::error::Outcome;
use crate::headers::{etag, put_checksum, wire_time};
use crate::keys::Owner;
use crate::model::object::{Facts, Sealed};
use crate::model::version::told_version;
use crate::open::{self, Reader};
use crate::ops::{put_label, put_sse};
use crate::reading::{Extent, Found, If};
use crate::sse;

pub(crate) async fn run(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<GetObjectInput>,
) -> Outcome<S3Response<GetObjectOutput>> {
    let S3Request { input, headers, .. } = request;
    sse::refuse_sse_headers(&headers)?;
    let Found { bucket, object, pin } =
        sim.find_version(call, &input.bucket, &input.key, input.version_id.as_deref())?;
    let customer = customer::OBJECT.for_reading(&headers, &object.wrapped.wrapping)?;
    let conditions = If {
        matches: input.if_match,
        none_match: input.if_none_match,
        modified_since: input.if_modified_since,
        unmodified_since: input.if_unmodified_since,
    };
    conditions.check(&object.facts)?;
    let extent = Extent::of(&object.facts, input.range, input.part_number)?;
    let owner = Owner { bucket: &bucket, key: &input.key };
    let (keys, sealed) = sim.unlock(call, owner, &object, customer.as_ref()).await?;
    call.additional("SSEApplied", object.wrapped.wrapping.applied());
    call.additional("bytesTransferredOut", extent.len());
    let mut output = answer(&object.facts, &extent);
    output.version_id = told_version(&bucket, object.facts.version.as_deref());
    put_label!(output, &object.label);
    output.tag_count = i32::try_from(object.label.tags.len()).ok().filter(|count| *count > 0);
    put_sse!(output, &object.wrapped.wrapping, customer.map(|customer| customer.md5));
    if input.checksum_mode.is_some() {
        put_checksums(&mut output, &sealed, &extent);
    }
    let reader = Reader::new(&sim.shelf, keys, pin, object, extent.range);
    output.body = Some(outgoing(open::stream(reader).await?));
    Ok(S3Response::new(output))
}

fn answer(facts: &Facts, extent: &Extent) -> GetObjectOutput {
    let headers = &facts.headers;
    GetObjectOutput {
        accept_ranges: Some("bytes".into()),
        cache_control: headers.cache_control.clone(),
        content_disposition: headers.content_disposition.clone(),
        content_encoding: headers.content_encoding.clone(),
        content_language: headers.content_language.clone(),
        content_length: i64::try_from(extent.len()).ok(),
        content_range: extent.content_range.clone(),
        content_type: Some(headers.content_type()),
        e_tag: Some(etag(&facts.etag)),
        expires: headers.expires.map(wire_time),
        last_modified: Some(wire_time(facts.modified)),
        metadata: headers.metadata(),
        parts_count: extent.parts_count,
        storage_class: headers.storage_class.clone().map(Into::into),
        website_redirect_location: headers.website_redirect.clone(),
        ..GetObjectOutput::default()
    }
}

/// The checksum is of the whole object: with a range it would not fit the body.
fn put_checksums(output: &mut GetObjectOutput, sealed: &Sealed, extent: &Extent) {
    if extent.content_range.is_none() {
        output.checksum_type = put_checksum!(output, &sealed.checksums);
    }
}
