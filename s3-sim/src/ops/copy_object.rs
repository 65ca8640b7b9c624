//! `CopyObject`: the source is opened as the caller, the copy sealed under a data key of its own.

use aws_core::policy::condition::Facts as Conditions;
use s3s::dto::{CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource};
use s3s::{S3Request, S3Response};
use serde_json::json;

use crate::S3Sim;
use crate::access::Aim;
use crate::call::Call;
use crate::customer::{self, CustomerKey};
use crate::digest::{ChecksumAlgorithm, Promise};
use crate::error::{Outcome, invalid_argument, invalid_request, not_implemented};
use crate::headers::{etag, put_checksum, wire_time};
use crate::keys::Owner;
use crate::model::bucket::Bucket;
use crate::model::object::{Facts, Label, Object, UserHeaders};
use crate::model::version::told_version;
use crate::open::{self, Reader};
use crate::ops::put_object::{response_elements, sent_context};
use crate::ops::put_sse;
use crate::reading::{Found, If};
use crate::sse;
use crate::store::Guard;
use crate::writing::{Writing, Written};

pub(crate) async fn run(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<CopyObjectInput>,
) -> Outcome<S3Response<CopyObjectOutput>> {
    let S3Request { input, headers, .. } = request;
    let bucket = sim.rows.bucket(&input.bucket)?;
    let owner = Owner { bucket: &bucket, key: &input.key };
    let choice = sse::choose(call, owner, &headers)?;
    let (from_bucket, from_key, from_version) = source(&input.copy_source)?;
    ask_source(sim, call, &input.copy_source)?;
    let expected = input.expected_source_bucket_owner.as_deref();
    let found = sim.find_version(call, from_bucket, from_key, from_version)?.owned_by(expected)?;
    let customer = customer::COPY_SOURCE.for_reading(&headers, &found.object.wrapped.wrapping)?;
    conditions(&input).check_copy_source(&found.object.facts)?;
    let replaces = replaces_metadata(&input)?;
    let onto_itself = from_bucket == input.bucket && from_key == input.key && from_version.is_none();
    if onto_itself && !replaces && !changes_something(&headers, &bucket) {
        return Err(itself_unchanged());
    }
    let stored = copied_headers(&found.object.facts, &headers, input.metadata, replaces)?;
    let algorithm = algorithm(&input.checksum_algorithm, &found.object.facts)?;
    let writing = Writing {
        sim,
        call,
        owner,
        choice,
        headers: stored,
        label: copied_label(sim, &headers, &bucket, &found.object)?,
        promise: Promise::none(algorithm),
        length: None,
        guard: Guard::Always,
    };
    let copied = told_version(&found.bucket, found.object.facts.version.as_deref());
    let reader = open_source(sim, call, from_key, found, customer.as_ref()).await?;
    let mut body = Box::pin(open::stream(reader).await?);
    let written = writing.run(&mut body, || None).await?;
    call.note(|audit| {
        audit.response(json!(response_elements(&written.wrapping)));
    });
    let version_id = told_version(&bucket, written.facts.version.as_deref());
    Ok(S3Response::new(CopyObjectOutput { version_id, copy_source_version_id: copied, ..answer(written) }))
}

/// Opens the data key of the source and prepares to read all of it.
pub(crate) async fn open_source(
    sim: &S3Sim,
    call: &Call,
    key: &str,
    found: Found,
    customer: Option<&CustomerKey>,
) -> Outcome<Reader> {
    let Found { bucket, object, pin } = found;
    let (keys, _) = sim.unlock(call, Owner { bucket: &bucket, key }, &object, customer).await?;
    let whole = 0..object.facts.size;
    Ok(Reader::new(&sim.shelf, keys, pin, object, whole))
}

/// Bucket, key and perhaps version of a copy source.
pub(crate) fn source(source: &CopySource) -> Outcome<(&str, &str, Option<&str>)> {
    match source {
        CopySource::Bucket { bucket, key, version_id } => Ok((bucket, key, version_id.as_deref())),
        CopySource::AccessPoint { .. } | CopySource::Outpost { .. } => Err(not_implemented("x-amz-copy-source")),
    }
}

/// 403 where the caller may not read the source.
pub(crate) fn ask_source(sim: &S3Sim, call: &Call, from: &CopySource) -> Outcome<()> {
    let (bucket, key, version) = source(from)?;
    let mut facts = Conditions::default();
    if let Some(version) = version {
        facts.set("s3:VersionId", version);
    }
    let action = crate::actions::iam_action("GetObject", version.is_some());
    sim.gate.ask(call, &action, Aim::Object(bucket, key), &facts)
}

/// Tags follow their directive; ACL and locks are the request's alone.
fn copied_label(sim: &S3Sim, headers: &http::HeaderMap, bucket: &Bucket, source: &Object) -> Outcome<Label> {
    let asked = sim.label(headers, bucket)?;
    match headers.get("x-amz-tagging-directive").and_then(|value| value.to_str().ok()) {
        Some("REPLACE") => Ok(asked),
        None | Some("COPY") => Ok(Label { tags: source.label.tags.clone(), ..asked }),
        Some(other) => Err(invalid_argument("x-amz-tagging-directive", other, "Unknown tagging directive.")),
    }
}

fn conditions(input: &CopyObjectInput) -> If {
    If {
        matches: input.copy_source_if_match.clone(),
        none_match: input.copy_source_if_none_match.clone(),
        modified_since: input.copy_source_if_modified_since.clone(),
        unmodified_since: input.copy_source_if_unmodified_since.clone(),
    }
}

fn replaces_metadata(input: &CopyObjectInput) -> Outcome<bool> {
    match input.metadata_directive.as_ref().map(|directive| directive.as_str()) {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(other) => Err(invalid_argument("x-amz-metadata-directive", other, "Unknown metadata directive.")),
    }
}

fn changes_something(headers: &http::HeaderMap, bucket: &Bucket) -> bool {
    let changing =
        [sse::SSE, sse::BUCKET_KEY, customer::ALGORITHM, "x-amz-storage-class", "x-amz-website-redirect-location"];
    bucket.encryption.explicit || changing.into_iter().any(|name| headers.contains_key(name))
}

fn itself_unchanged() -> aws_core::fault::ApiFault {
    invalid_request(
        "This copy request is illegal because it is trying to copy an object to itself without changing the object's \
         metadata, storage class, website redirect location or encryption attributes.",
    )
}

/// The storage class and the redirect are the request's alone; the rest follows the directive.
fn copied_headers(
    source: &Facts,
    headers: &http::HeaderMap,
    metadata: Option<s3s::dto::Metadata>,
    replaces: bool,
) -> Outcome<UserHeaders> {
    let asked = UserHeaders::read(headers, metadata)?;
    if replaces {
        return Ok(asked);
    }
    let UserHeaders { storage_class, website_redirect, .. } = asked;
    Ok(UserHeaders { storage_class, website_redirect, ..source.headers.clone() })
}

/// The request's algorithm, or the source's, or the default.
fn algorithm(asked: &Option<s3s::dto::ChecksumAlgorithm>, source: &Facts) -> Outcome<ChecksumAlgorithm> {
    match asked.as_ref().map(|algorithm| algorithm.as_str()) {
        Some(name) => ChecksumAlgorithm::parse(name)
            .ok_or_else(|| invalid_request("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")),
        None => Ok(source.checksum.map_or(ChecksumAlgorithm::Crc64Nvme, |(algorithm, _)| algorithm)),
    }
}

fn answer(written: Written) -> CopyObjectOutput {
    let mut result = CopyObjectResult {
        e_tag: Some(etag(&written.facts.etag)),
        last_modified: Some(wire_time(written.facts.modified)),
        ..CopyObjectResult::default()
    };
    result.checksum_type = put_checksum!(result, &written.checksum);
    let mut output = CopyObjectOutput {
        copy_object_result: Some(result),
        ssekms_encryption_context: sent_context(&written.wrapping),
        ..CopyObjectOutput::default()
    };
    put_sse!(output, &written.wrapping, written.customer_md5);
    output
}
