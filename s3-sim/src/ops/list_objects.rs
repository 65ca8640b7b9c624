//! `ListObjects`, the first version: continued by the last name of the page. What both versions share stands here.

use aws_core::id::AccountId;
use s3s::dto::{self, CommonPrefix, EncodingType, ListObjectsInput, ListObjectsOutput};
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::error::Outcome;
use crate::headers::{etag, wire_time};
use crate::model::listing::{Page, Wanted, list};
use crate::model::object::Object;
use crate::ops::{check_encoding, encoded, owner, page_size};

pub(crate) async fn run(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<ListObjectsInput>,
) -> Outcome<S3Response<ListObjectsOutput>> {
    let input = request.input;
    let encoding = input.encoding_type.as_ref();
    check_encoding(encoding)?;
    let bucket = sim.rows.bucket(&input.bucket)?;
    let limit = page_size("max-keys", input.max_keys)?;
    let wanted = Wanted {
        prefix: input.prefix.as_deref().unwrap_or(""),
        delimiter: input.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty()),
        after: input.marker.as_deref().filter(|after| !after.is_empty()),
        limit,
    };
    let page = sim.page(&bucket.name, &wanted)?;
    // AWS names the next marker only where the client cannot see it: with a delimiter.
    let told = page.truncated && wanted.delimiter.is_some();
    let next_marker = page.last.as_deref().filter(|_| told).map(|last| encoded(last, encoding));
    Ok(S3Response::new(ListObjectsOutput {
        name: Some(bucket.name.clone()),
        prefix: Some(encoded(wanted.prefix, encoding)),
        marker: Some(encoded(input.marker.as_deref().unwrap_or(""), encoding)),
        max_keys: Some(limit as i32),
        is_truncated: Some(page.truncated),
        next_marker,
        common_prefixes: common_prefixes(&page, encoding),
        contents: Some(entries(page, encoding, Some(&bucket.owner))),
        delimiter: input.delimiter.as_deref().map(|text| encoded(text, encoding)),
        encoding_type: input.encoding_type,
        ..ListObjectsOutput::default()
    }))
}

impl S3Sim {
    /// One page of a bucket.
    pub(crate) fn page(&self, bucket: &str, wanted: &Wanted<'_>) -> Outcome<Page> {
        list(wanted, |after, limit| self.rows.objects(bucket, wanted.prefix, after, limit))
    }
}

/// The common prefixes of a page; `None` when there are none.
pub(crate) fn common_prefixes(page: &Page, encoding: Option<&EncodingType>) -> Option<Vec<CommonPrefix>> {
    let prefix = |text: &String| CommonPrefix { prefix: Some(encoded(text, encoding)) };
    (!page.prefixes.is_empty()).then(|| page.prefixes.iter().map(prefix).collect())
}

/// The keys of a page.
pub(crate) fn entries(page: Page, encoding: Option<&EncodingType>, account: Option<&AccountId>) -> Vec<dto::Object> {
    page.objects.into_iter().map(|(key, object)| entry(&key, object, encoding, account)).collect()
}

fn entry(key: &str, object: Object, encoding: Option<&EncodingType>, account: Option<&AccountId>) -> dto::Object {
    let facts = object.facts;
    let (algorithm, kind) = facts.checksum.unzip();
    let class = facts.headers.storage_class.unwrap_or_else(|| "STANDARD".into());
    dto::Object {
        checksum_algorithm: algorithm.map(|a| vec![dto::ChecksumAlgorithm::from_static(a.as_str())]),
        checksum_type: kind.map(|kind| dto::ChecksumType::from_static(kind.as_str())),
        e_tag: Some(etag(&facts.etag)),
        key: Some(encoded(key, encoding)),
        last_modified: Some(wire_time(facts.modified)),
        owner: account.map(owner),
        size: i64::try_from(facts.size).ok(),
        storage_class: Some(class.into()),
        ..dto::Object::default()
    }
}
