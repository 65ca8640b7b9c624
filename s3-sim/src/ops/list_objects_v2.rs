//! `ListObjectsV2`: a page of keys, continued by an opaque token.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use s3s::dto::{ListObjectsV2Input, ListObjectsV2Output};
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::error::{Outcome, invalid_argument};
use crate::model::listing::Wanted;
use crate::ops::list_objects::{common_prefixes, entries};
use crate::ops::{check_encoding, encoded, page_size};

pub(crate) async fn run(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<ListObjectsV2Input>,
) -> Outcome<S3Response<ListObjectsV2Output>> {
    let input = request.input;
    let encoding = input.encoding_type.as_ref();
    check_encoding(encoding)?;
    let bucket = sim.rows.bucket(&input.bucket)?;
    let continued = input.continuation_token.as_deref().map(decode_token).transpose()?;
    let limit = page_size("max-keys", input.max_keys)?;
    let wanted = Wanted {
        prefix: input.prefix.as_deref().unwrap_or(""),
        delimiter: input.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty()),
        after: continued.as_deref().or(input.start_after.as_deref()).filter(|after| !after.is_empty()),
        limit,
    };
    let page = sim.page(&bucket.name, &wanted)?;
    let next = page.last.as_ref().filter(|_| page.truncated).map(|last| STANDARD.encode(last));
    let owner = input.fetch_owner.unwrap_or(false).then_some(&bucket.owner);
    let coded = |text: &Option<String>| text.as_deref().map(|text| encoded(text, encoding));
    Ok(S3Response::new(ListObjectsV2Output {
        name: Some(bucket.name.clone()),
        prefix: Some(encoded(wanted.prefix, encoding)),
        max_keys: Some(limit as i32),
        key_count: Some((page.objects.len() + page.prefixes.len()) as i32),
        is_truncated: Some(page.truncated),
        next_continuation_token: next,
        common_prefixes: common_prefixes(&page, encoding),
        contents: Some(entries(page, encoding, owner)),
        delimiter: coded(&input.delimiter),
        start_after: coded(&input.start_after),
        continuation_token: input.continuation_token,
        encoding_type: input.encoding_type,
        ..ListObjectsV2Output::default()
    }))
}

fn decode_token(token: &str) -> Outcome<String> {
    let decoded = STANDARD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.ok_or_else(|| invalid_argument("continuation-token", token, "The continuation token provided is incorrect"))
}
