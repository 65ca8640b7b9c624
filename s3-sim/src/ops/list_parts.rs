//! `ListParts`: what has arrived of an upload. No key is opened: checksums of parts stay sealed here.

use s3s::dto::{self, Initiator, ListPartsInput, ListPartsOutput};
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::error::Outcome;
use crate::headers::{etag, wire_time};
use crate::model::multipart::Part;
use crate::ops::{owner, page_size};

pub(crate) async fn run(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<ListPartsInput>,
) -> Outcome<S3Response<ListPartsOutput>> {
    let input = request.input;
    let bucket = sim.rows.bucket(&input.bucket)?;
    let upload = sim.rows.upload(&bucket.name, &input.key, &input.upload_id)?;
    let size = page_size("max-parts", input.max_parts)?;
    let marker = input.part_number_marker.unwrap_or(0);
    let parts = sim.rows.parts(&upload.id)?;
    let mut page: Vec<Part> = parts.into_iter().filter(|part| i32::from(part.piece.part) > marker).collect();
    let truncated = page.len() > size;
    page.truncate(size);
    let next = page.last().map_or(marker, |part| i32::from(part.piece.part));
    let (algorithm, kind) = upload.checksum;
    let declared = upload.checksum_declared;
    Ok(S3Response::new(ListPartsOutput {
        checksum_algorithm: declared.then(|| dto::ChecksumAlgorithm::from_static(algorithm.as_str())),
        checksum_type: declared.then(|| dto::ChecksumType::from_static(kind.as_str())),
        initiator: Some(Initiator { display_name: None, id: Some(upload.initiator) }),
        is_truncated: Some(truncated),
        max_parts: Some(size as i32),
        next_part_number_marker: Some(next),
        owner: Some(owner(&bucket.owner)),
        part_number_marker: Some(marker),
        parts: Some(page.into_iter().map(entry).collect()),
        storage_class: Some(upload.headers.storage_class.unwrap_or_else(|| "STANDARD".into()).into()),
        upload_id: Some(upload.id),
        bucket: Some(input.bucket),
        key: Some(input.key),
        ..ListPartsOutput::default()
    }))
}

fn entry(part: Part) -> dto::Part {
    dto::Part {
        e_tag: Some(etag(&part.etag)),
        last_modified: Some(wire_time(part.modified)),
        part_number: Some(part.piece.part.into()),
        size: i64::try_from(part.piece.size).ok(),
        ..dto::Part::default()
    }
}
