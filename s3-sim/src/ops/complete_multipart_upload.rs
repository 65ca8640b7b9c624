//! `CompleteMultipartUpload`: the pieces of the parts become the pieces of the object; no body byte moves.
//!
//! The data key is opened once more, because the parts' checksums are sealed under it and the object's proof must be.

use aws_core::event::Place;
use aws_core::fault::ApiFault;
use s3s::dto::{CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart};
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::customer;
use crate::digest::{Checksum, ChecksumAlgorithm, Checksums, multipart_etag, of_parts};
use crate::error::{Outcome, damaged, invalid_request, malformed_xml};
use crate::headers::{etag, put_checksum};
use crate::keys::Owner;
use crate::model::multipart::{Part, SMALLEST_PART_BYTES, Upload};
use crate::model::object::{Facts, Label, Object, Sealed, Wrapping};
use crate::model::version::told_version;
use crate::ops::{SseAnswer, invalid_part};
use crate::sse;
use crate::store::Guard;
use crate::uploading::part_checksum;
use crate::writing::object_proof;

pub(crate) async fn run(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<CompleteMultipartUploadInput>,
) -> Outcome<S3Response<CompleteMultipartUploadOutput>> {
    let S3Request { input, headers, .. } = request;
    sse::refuse_sse_headers(&headers)?;
    let bucket = sim.rows.bucket(&input.bucket)?;
    if let Some(done) = completed_before(sim, &input)? {
        let version_id = told_version(&bucket, done.facts.version.as_deref());
        let output = answer(input, call, &done.wrapped.wrapping, &done.facts, &None);
        return Ok(S3Response::new(CompleteMultipartUploadOutput { version_id, ..output }));
    }
    let upload = sim.rows.upload(&bucket.name, &input.key, &input.upload_id)?;
    let guard = Guard::read(input.if_match.as_ref(), input.if_none_match.as_ref())?;
    let named = input.multipart_upload.as_ref().and_then(|list| list.parts.as_deref()).unwrap_or_default();
    let parts = chosen(named, sim.rows.parts(&upload.id)?)?;
    let owner = Owner { bucket: &bucket, key: &input.key };
    if customer::OBJECT.is_in(&headers) {
        customer::OBJECT.for_part(&headers, &upload.wrapped.wrapping)?;
    }
    let key = sim.keys.open_row(call, owner, &upload.wrapped).await?;
    let checksums = parts.iter().map(|part| part_checksum(&key, &upload.id, part)).collect::<Outcome<Vec<_>>>()?;
    check_part_checksums(named, &checksums)?;
    let checksum = whole_checksum(&upload, &parts, &checksums);
    check_whole(&input, &upload, &parts, &checksum)?;
    let stamp = sim.stamps.next(&bucket, sim.world.now(), &*sim.world.entropy);
    let facts = facts(sim, &upload, &parts, &checksum, stamp.version)?;
    let sealed = Sealed { checksums: checksum.clone(), parts: checksums };
    let proof = object_proof(sim, owner, &key, &facts, &sealed);
    drop(key);
    let label = Label { order: stamp.order, ..upload.label.clone() };
    let object = Object { facts: facts.clone(), wrapped: upload.wrapped.clone(), proof, inline: None, label };
    let (replaced, unused) = sim.rows.complete_upload(&bucket.name, &upload, object, guard).await?;
    // The wrapped key moves from the upload's row to the object's.
    sim.world.custodian().dropped(&owner.subject(), Place::S3Metadata);
    sim.settle(owner, facts.version.as_deref(), &upload.wrapped.wrapping, replaced).await;
    sim.shelf.doom(unused.into_iter().map(|part| part.piece.blob).collect()).await;
    let version_id = told_version(&bucket, facts.version.as_deref());
    let output = answer(input, call, &upload.wrapped.wrapping, &facts, &checksum);
    Ok(S3Response::new(CompleteMultipartUploadOutput { version_id, ..output }))
}

/// The object that this very upload has become already: a client that lost the answer asks again.
fn completed_before(sim: &S3Sim, input: &CompleteMultipartUploadInput) -> Outcome<Option<Object>> {
    let standing = sim.rows.find_object(&input.bucket, &input.key)?;
    Ok(standing.filter(|object| object.facts.upload.as_ref() == Some(&input.upload_id)))
}

fn answer(
    input: CompleteMultipartUploadInput,
    call: &Call,
    wrapping: &Wrapping,
    facts: &Facts,
    checksum: &Checksums,
) -> CompleteMultipartUploadOutput {
    let sse = SseAnswer::of(wrapping, None);
    let location = format!("http://{}/{}/{}", call.ctx.host, input.bucket, input.key);
    let mut output = CompleteMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: Some(etag(&facts.etag)),
        location: Some(location),
        server_side_encryption: sse.algorithm,
        ssekms_key_id: sse.key_id,
        bucket_key_enabled: sse.bucket_key,
        ..CompleteMultipartUploadOutput::default()
    };
    output.checksum_type = put_checksum!(output, checksum);
    output
}

/// The stored parts that the client names, in its order, which must be ascending.
fn chosen(named: &[CompletedPart], stored: Vec<Part>) -> Outcome<Vec<Part>> {
    if named.is_empty() {
        return Err(malformed_xml());
    }
    let mut chosen: Vec<Part> = Vec::with_capacity(named.len());
    for part in named {
        let number = part.part_number.and_then(|number| u16::try_from(number).ok()).ok_or_else(invalid_part)?;
        if chosen.last().is_some_and(|last| last.piece.part >= number) {
            let message = "The list of parts was not in ascending order. Parts must be ordered by part number.";
            return Err(ApiFault::client("InvalidPartOrder", message));
        }
        let at = stored.binary_search_by_key(&number, |part| part.piece.part).map_err(|_| missing(number, ""))?;
        let wanted = part.e_tag.as_ref().map_or("", |etag| etag.value());
        if stored[at].etag != wanted {
            return Err(missing(number, wanted));
        }
        chosen.push(stored[at].clone());
    }
    let last = chosen.len() - 1;
    chosen[..last].iter().find(|part| part.piece.size < SMALLEST_PART_BYTES).map_or(Ok(()), |part| Err(small(part)))?;
    Ok(chosen)
}

fn missing(number: u16, etag: &str) -> ApiFault {
    invalid_part().with("PartNumber", number.to_string()).with("ETag", etag)
}

fn small(part: &Part) -> ApiFault {
    ApiFault::client("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
        .with("ProposedSize", part.piece.size.to_string())
        .with("MinSizeAllowed", SMALLEST_PART_BYTES.to_string())
        .with("PartNumber", part.piece.part.to_string())
        .with("ETag", &part.etag)
}

/// Checksums that the client names for single parts must be those that were stored.
fn check_part_checksums(named: &[CompletedPart], stored: &[Checksums]) -> Outcome<()> {
    for (part, stored) in named.iter().zip(stored) {
        let Some(Checksum { algorithm, value, .. }) = stored else { continue };
        let claimed = match algorithm {
            ChecksumAlgorithm::Crc32 => &part.checksum_crc32,
            ChecksumAlgorithm::Crc32c => &part.checksum_crc32c,
            ChecksumAlgorithm::Crc64Nvme => &part.checksum_crc64nvme,
            ChecksumAlgorithm::Sha1 => &part.checksum_sha1,
            ChecksumAlgorithm::Sha256 => &part.checksum_sha256,
        };
        if claimed.as_ref().is_some_and(|claimed| claimed != value) {
            return Err(invalid_part());
        }
    }
    Ok(())
}

fn whole_checksum(upload: &Upload, parts: &[Part], checksums: &[Checksums]) -> Checksums {
    let (algorithm, kind) = upload.checksum;
    let pairs: Option<Vec<_>> =
        parts.iter().zip(checksums).map(|(part, sum)| Some((sum.as_ref()?, part.piece.size))).collect();
    of_parts(algorithm, kind, &pairs?)
}

/// `x-amz-mp-object-size` and `x-amz-checksum-*` of the whole.
fn check_whole(
    input: &CompleteMultipartUploadInput,
    upload: &Upload,
    parts: &[Part],
    checksum: &Checksums,
) -> Outcome<()> {
    let size: u64 = parts.iter().map(|part| part.piece.size).sum();
    if input.mpu_object_size.is_some_and(|claimed| u64::try_from(claimed) != Ok(size)) {
        let message = format!(
            "The provided 'x-amz-mp-object-size' header value {} does not match what was computed: {size}",
            input.mpu_object_size.unwrap_or_default()
        );
        return Err(invalid_request(message));
    }
    let claimed = match upload.checksum.0 {
        ChecksumAlgorithm::Crc32 => &input.checksum_crc32,
        ChecksumAlgorithm::Crc32c => &input.checksum_crc32c,
        ChecksumAlgorithm::Crc64Nvme => &input.checksum_crc64nvme,
        ChecksumAlgorithm::Sha1 => &input.checksum_sha1,
        ChecksumAlgorithm::Sha256 => &input.checksum_sha256,
    };
    match (claimed, checksum) {
        (Some(claimed), Some(found)) if *claimed != found.value => Err(crate::digest::bad_checksum(found.algorithm)),
        (Some(_), Some(_)) | (None, _) | (_, None) => Ok(()),
    }
}

fn facts(
    sim: &S3Sim,
    upload: &Upload,
    parts: &[Part],
    checksum: &Checksums,
    version: Option<String>,
) -> Outcome<Facts> {
    let etags = parts.iter().map(|part| part.etag.as_str());
    Ok(Facts {
        generation: sim.world.uuid(),
        version,
        size: parts.iter().map(|part| part.piece.size).sum(),
        etag: multipart_etag(etags).ok_or_else(|| damaged("an ETag of a part"))?,
        modified: crate::headers::whole_seconds(sim.world.now()),
        headers: upload.headers.clone(),
        pieces: parts.iter().map(|part| part.piece.clone()).collect(),
        upload: Some(upload.id.clone()),
        checksum: checksum.as_ref().map(|checksum| (checksum.algorithm, checksum.kind)),
    })
}
