//! `HeadObject`: the facts of the row. The data key is only opened when the checksum is asked for.

use s3s::dto::{HeadObjectInput, HeadObjectOutput};
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::customer;
use crate::error::Outcome;
use crate::headers::{etag, put_checksum, wire_time};
use crate::keys::Owner;
use crate::model::object::Facts;
use crate::model::version::told_version;
use crate::ops::{put_label, put_sse};
use crate::reading::{Extent, Found, If};
use crate::sse;

pub(crate) async fn run(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<HeadObjectInput>,
) -> Outcome<S3Response<HeadObjectOutput>> {
    let S3Request { input, headers, .. } = request;
    sse::refuse_sse_headers(&headers)?;
    let Found { bucket, object, pin: _pin } =
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
    call.additional("SSEApplied", object.wrapped.wrapping.applied());
    let mut output = answer(&object.facts, &extent);
    output.version_id = told_version(&bucket, object.facts.version.as_deref());
    put_label!(output, &object.label);
    if input.checksum_mode.is_some() && extent.content_range.is_none() {
        let owner = Owner { bucket: &bucket, key: &input.key };
        let (_, sealed) = sim.unlock(call, owner, &object, customer.as_ref()).await?;
        output.checksum_type = put_checksum!(output, &sealed.checksums);
    }
    put_sse!(output, &object.wrapped.wrapping, customer.map(|customer| customer.md5));
    Ok(S3Response::new(output))
}

fn answer(facts: &Facts, extent: &Extent) -> HeadObjectOutput {
    let headers = &facts.headers;
    HeadObjectOutput {
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
        ..HeadObjectOutput::default()
    }
}
