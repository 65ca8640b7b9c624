//! `ListBuckets`: the caller's account's buckets, in name order.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::dto::{Bucket, ListBucketsInput, ListBucketsOutput};
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::error::{Outcome, invalid_argument};
use crate::headers::wire_time;
use crate::ops::owner;

const LARGEST_PAGE: usize = 10_000;

pub(crate) async fn run(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<ListBucketsInput>,
) -> Outcome<S3Response<ListBucketsOutput>> {
    let input = request.input;
    let after = input.continuation_token.as_deref().map(decode_token).transpose()?;
    let size = page_size(input.max_buckets)?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let mine = sim.rows.buckets()?.into_iter().filter(|bucket| {
        bucket.owner == *call.ctx.account()
            && bucket.name.starts_with(&prefix)
            && input.bucket_region.as_deref().is_none_or(|region| region == bucket.region.as_str())
            && after.as_ref().is_none_or(|after| bucket.name > *after)
    });
    let mut page: Vec<_> = mine.take(size + 1).collect();
    let truncated = page.len() > size;
    page.truncate(size);
    let continuation_token = page.last().filter(|_| truncated).map(|bucket| URL_SAFE_NO_PAD.encode(&bucket.name));
    let paginated = input.max_buckets.is_some() || input.prefix.is_some() || input.bucket_region.is_some();
    let entry = |bucket: crate::model::bucket::Bucket| Bucket {
        bucket_region: paginated.then(|| bucket.region.to_string()),
        creation_date: Some(wire_time(bucket.created)),
        name: Some(bucket.name),
    };
    Ok(S3Response::new(ListBucketsOutput {
        buckets: Some(page.into_iter().map(entry).collect()),
        continuation_token,
        owner: Some(owner(call.ctx.account())),
        prefix: input.prefix,
    }))
}

fn page_size(asked: Option<i32>) -> Outcome<usize> {
    match asked.map(usize::try_from) {
        None => Ok(LARGEST_PAGE),
        Some(Ok(size)) if (1..=LARGEST_PAGE).contains(&size) => Ok(size),
        Some(_) => {
            let value = asked.unwrap_or_default().to_string();
            Err(invalid_argument("max-buckets", &value, "Argument max-buckets must be an integer between 1 and 10000"))
        }
    }
}

fn decode_token(token: &str) -> Outcome<String> {
    let decoded = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.ok_or_else(|| invalid_argument("continuation-token", token, "The continuation token provided is incorrect"))
}
