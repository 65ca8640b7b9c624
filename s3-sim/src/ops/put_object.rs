//! `PutObject`: one body, one data key, one row.

use s3s::dto::{PutObjectInput, PutObjectOutput};
use s3s::{S3Request, S3Response};
use serde_json::json;

use crate::S3Sim;
use crate::body::incoming;
use crate::call::Call;
use crate::digest::Promise;
use crate::error::{Outcome, not_implemented};
use crate::headers::{etag, put_checksum};
use crate::keys::Owner;
use crate::model::object::{UserHeaders, Wrapping};
use crate::model::version::told_version;
use crate::ops::put_sse;
use crate::sse;
use crate::store::Guard;
use crate::writing::{Writing, Written, promised_length, trailers_of};

pub(crate) async fn run(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<PutObjectInput>,
) -> Outcome<S3Response<PutObjectOutput>> {
    let S3Request { input, headers, extensions, .. } = request;
    let bucket = sim.rows.bucket(&input.bucket)?;
    if input.write_offset_bytes.is_some() {
        return Err(not_implemented("x-amz-write-offset-bytes"));
    }
    let owner = Owner { bucket: &bucket, key: &input.key };
    let writing = Writing {
        sim,
        call,
        owner,
        choice: sse::choose(call, owner, &headers)?,
        headers: UserHeaders::read(&headers, input.metadata)?,
        label: sim.label(&headers, &bucket)?,
        promise: Promise::of(&headers)?,
        length: Some(promised_length(&headers)?),
        guard: Guard::read(input.if_match.as_ref(), input.if_none_match.as_ref())?,
    };
    let written = writing.run(&mut incoming(input.body), trailers_of(&extensions)).await?;
    call.note(|audit| {
        audit.response(json!(response_elements(&written.wrapping)));
    });
    let version_id = told_version(&bucket, written.facts.version.as_deref());
    Ok(S3Response::new(PutObjectOutput { version_id, ..answer(written) }))
}

fn answer(written: Written) -> PutObjectOutput {
    let mut output = PutObjectOutput {
        e_tag: Some(etag(&written.facts.etag)),
        ssekms_encryption_context: sent_context(&written.wrapping),
        ..PutObjectOutput::default()
    };
    put_sse!(output, &written.wrapping, written.customer_md5);
    output.checksum_type = put_checksum!(output, &written.checksum);
    output
}

/// CloudTrail's `responseElements` of a write.
pub(crate) fn response_elements(wrapping: &Wrapping) -> serde_json::Map<String, serde_json::Value> {
    let mut elements = serde_json::Map::new();
    if let Some(algorithm) = wrapping.algorithm() {
        elements.insert(sse::SSE.into(), algorithm.into());
    }
    if let Some(arn) = wrapping.key_arn() {
        elements.insert(sse::KEY_ID.into(), arn.into());
    }
    elements
}

/// Put, Copy and Create echo the context in full, base64 of JSON; reading never does.
pub(crate) fn sent_context(wrapping: &Wrapping) -> Option<String> {
    use base64::Engine;
    let json = serde_json::to_string(wrapping.context()?).expect("a map of strings is JSON");
    Some(base64::engine::general_purpose::STANDARD.encode(json))
}
