//! `ListMultipartUploads`: what was begun and not ended, by key and then by id.

use s3s::dto::{self, CommonPrefix, Initiator, ListMultipartUploadsInput, ListMultipartUploadsOutput, MultipartUpload};
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::error::Outcome;
use crate::headers::wire_time;
use crate::model::bucket::Bucket;
use crate::model::multipart::Upload;
use crate::ops::{check_encoding, encoded, owner, page_size};

pub(crate) async fn run(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<ListMultipartUploadsInput>,
) -> Outcome<S3Response<ListMultipartUploadsOutput>> {
    let input = request.input;
    let encoding = input.encoding_type.as_ref();
    check_encoding(encoding)?;
    let bucket = sim.rows.bucket(&input.bucket)?;
    let size = page_size("max-uploads", input.max_uploads)?;
    let page = Page::of(sim.rows.uploads(&bucket.name)?, &input, size);
    let coded = |text: &Option<String>| text.as_deref().map(|text| encoded(text, encoding));
    let prefix = |text: &String| CommonPrefix { prefix: Some(encoded(text, encoding)) };
    Ok(S3Response::new(ListMultipartUploadsOutput {
        bucket: Some(bucket.name.clone()),
        common_prefixes: (!page.prefixes.is_empty()).then(|| page.prefixes.iter().map(prefix).collect()),
        delimiter: coded(&input.delimiter),
        encoding_type: input.encoding_type.clone(),
        is_truncated: Some(page.truncated),
        key_marker: Some(encoded(input.key_marker.as_deref().unwrap_or(""), encoding)),
        max_uploads: Some(size as i32),
        next_key_marker: page.next.as_ref().map(|(key, _)| encoded(key, encoding)),
        next_upload_id_marker: page.next.as_ref().map(|(_, id)| id.clone()),
        prefix: coded(&input.prefix),
        upload_id_marker: Some(input.upload_id_marker.clone().unwrap_or_default()),
        uploads: Some(page.uploads.into_iter().map(|upload| entry(upload, &bucket, encoding)).collect()),
        ..ListMultipartUploadsOutput::default()
    }))
}

#[derive(Default)]
struct Page {
    uploads: Vec<Upload>,
    prefixes: Vec<String>,
    truncated: bool,
    /// Key (or common prefix) and upload id of the last entry, when there is more.
    next: Option<(String, String)>,
}

impl Page {
    fn of(uploads: Vec<Upload>, input: &ListMultipartUploadsInput, size: usize) -> Self {
        let mut page = Self::default();
        let mut last = None;
        for upload in uploads.into_iter().filter(|upload| is_after(upload, input)) {
            let group = group(&upload.key, input).map(str::to_owned);
            let told = group.is_some()
                && (page.prefixes.last() == group.as_ref() || input.key_marker.as_ref() == group.as_ref());
            if told {
                continue;
            }
            if page.uploads.len() + page.prefixes.len() >= size {
                page.truncated = size > 0;
                break;
            }
            last = Some((group.clone().unwrap_or_else(|| upload.key.clone()), upload.id.clone()));
            match group {
                Some(group) => page.prefixes.push(group),
                None => page.uploads.push(upload),
            }
        }
        page.next = last.filter(|_| page.truncated);
        page
    }
}

/// Without an upload id, the whole marked key is past; with one, its uploads are told apart by id.
fn is_after(upload: &Upload, input: &ListMultipartUploadsInput) -> bool {
    if !upload.key.starts_with(input.prefix.as_deref().unwrap_or("")) {
        return false;
    }
    let marker = input.key_marker.as_deref().unwrap_or("");
    match input.upload_id_marker.as_deref().filter(|id| !id.is_empty()) {
        Some(id) if upload.key == marker => upload.id.as_str() > id,
        Some(_) | None => upload.key.as_str() > marker,
    }
}

fn group<'k>(key: &'k str, input: &ListMultipartUploadsInput) -> Option<&'k str> {
    let delimiter = input.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty())?;
    let prefix = input.prefix.as_deref().unwrap_or("").len();
    let end = prefix + key[prefix..].find(delimiter)? + delimiter.len();
    Some(&key[..end])
}

fn entry(upload: Upload, bucket: &Bucket, encoding: Option<&dto::EncodingType>) -> MultipartUpload {
    let (algorithm, kind) = upload.checksum;
    let declared = upload.checksum_declared;
    MultipartUpload {
        checksum_algorithm: declared.then(|| dto::ChecksumAlgorithm::from_static(algorithm.as_str())),
        checksum_type: declared.then(|| dto::ChecksumType::from_static(kind.as_str())),
        initiated: Some(wire_time(upload.initiated)),
        initiator: Some(Initiator { display_name: None, id: Some(upload.initiator) }),
        key: Some(encoded(&upload.key, encoding)),
        owner: Some(owner(&bucket.owner)),
        storage_class: Some(upload.headers.storage_class.unwrap_or_else(|| "STANDARD".into()).into()),
        upload_id: Some(upload.id),
    }
}
