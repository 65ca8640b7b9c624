//! One AWS operation, one file: decode, find, do, answer. Authority is `access`'s affair and already settled here,
//! except where an operation touches several things.

pub(crate) mod abort_multipart_upload;
pub(crate) mod absent;
pub(crate) mod acl;
pub(crate) mod bucket_encryption;
pub(crate) mod bucket_policy;
pub(crate) mod complete_multipart_upload;
pub(crate) mod configurations;
pub(crate) mod copy_object;
pub(crate) mod create_bucket;
pub(crate) mod create_multipart_upload;
pub(crate) mod delete_bucket;
pub(crate) mod delete_object;
pub(crate) mod delete_objects;
pub(crate) mod get_bucket_location;
pub(crate) mod get_object;
pub(crate) mod head_bucket;
pub(crate) mod head_object;
pub(crate) mod list_buckets;
pub(crate) mod list_multipart_uploads;
pub(crate) mod list_object_versions;
pub(crate) mod list_objects;
pub(crate) mod list_objects_v2;
pub(crate) mod list_parts;
pub(crate) mod object_attributes;
pub(crate) mod object_lock;
pub(crate) mod public_access;
pub(crate) mod put_object;
pub(crate) mod tagging;
pub(crate) mod update_object_encryption;
pub(crate) mod upload_part;
pub(crate) mod upload_part_copy;
pub(crate) mod versioning;

use aws_core::fault::ApiFault;
use s3s::dto;
use sha2::{Digest, Sha256};

use crate::error::{Outcome, invalid_argument};
use crate::model::object::Wrapping;

/// The members that every writing and reading operation answers about encryption.
pub(crate) struct SseAnswer {
    /// `x-amz-server-side-encryption`
    pub(crate) algorithm: Option<dto::ServerSideEncryption>,
    /// The key's ARN.
    pub(crate) key_id: Option<String>,
    /// Only ever `true`: AWS does not say that there is none.
    pub(crate) bucket_key: Option<bool>,
    /// `AES256` for SSE-C, which has no other algorithm.
    pub(crate) customer_algorithm: Option<String>,
    /// MD5 of the customer's key.
    pub(crate) customer_md5: Option<String>,
}

impl SseAnswer {
    /// `customer_md5` is of the key that came with the request.
    pub(crate) fn of(wrapping: &Wrapping, customer_md5: Option<String>) -> Self {
        Self {
            algorithm: wrapping.algorithm().map(dto::ServerSideEncryption::from_static),
            key_id: wrapping.key_arn().map(str::to_owned),
            bucket_key: wrapping.has_bucket_key().then_some(true),
            customer_algorithm: customer_md5.is_some().then(|| "AES256".into()),
            customer_md5,
        }
    }
}

/// Fills the five encryption members that the shapes of s3s have in common.
macro_rules! put_sse {
    ($shape:expr, $wrapping:expr, $customer_md5:expr) => {{
        let sse = $crate::ops::SseAnswer::of($wrapping, $customer_md5);
        $shape.server_side_encryption = sse.algorithm;
        $shape.ssekms_key_id = sse.key_id;
        $shape.bucket_key_enabled = sse.bucket_key;
        $shape.sse_customer_algorithm = sse.customer_algorithm;
        $shape.sse_customer_key_md5 = sse.customer_md5;
    }};
}
pub(crate) use put_sse;

/// The members that reading operations answer about what may change of an object.
macro_rules! put_label {
    ($output:expr, $label:expr) => {
        let label: &$crate::model::object::Label = $label;
        $output.object_lock_legal_hold_status =
            label.legal_hold.then(|| s3s::dto::ObjectLockLegalHoldStatus::from_static("ON"));
        if let Some(retention) = &label.retention {
            let mode = if retention.compliance { "COMPLIANCE" } else { "GOVERNANCE" };
            $output.object_lock_mode = Some(s3s::dto::ObjectLockMode::from_static(mode));
            $output.object_lock_retain_until_date = Some($crate::headers::wire_time(retention.until));
        }
    };
}
pub(crate) use put_label;

/// 400: a part that Complete names is not there, or is another.
pub(crate) fn invalid_part() -> ApiFault {
    let message = "One or more of the specified parts could not be found.  The part may not have been uploaded, or \
                   the specified entity tag may not match the part's entity tag.";
    ApiFault::client("InvalidPart", message)
}

/// The canonical user of an account: 64 hex digits, the same each time.
pub(crate) fn owner(account: &aws_core::id::AccountId) -> dto::Owner {
    let id = hex::encode(Sha256::digest(format!("canonical user of {account}")));
    dto::Owner { display_name: None, id: Some(id) }
}

/// Keys in XML, percent-encoded when the client asked for it. Slashes stay readable, as at AWS.
pub(crate) fn encoded(text: &str, encoding: Option<&dto::EncodingType>) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'*');
    match encoding {
        Some(_) => utf8_percent_encode(text, KEPT).to_string(),
        None => text.to_owned(),
    }
}

/// `encoding-type` knows one value.
pub(crate) fn check_encoding(encoding: Option<&dto::EncodingType>) -> Outcome<()> {
    match encoding.map(dto::EncodingType::as_str) {
        None | Some("url") => Ok(()),
        Some(other) => Err(invalid_argument("encoding-type", other, "Invalid Encoding Method specified in Request")),
    }
}

/// A page size: absent means the largest, negative is refused, more than the largest is the largest.
pub(crate) fn page_size(name: &str, asked: Option<i32>) -> Outcome<usize> {
    let largest = crate::model::listing::LARGEST_PAGE;
    match asked.map(usize::try_from) {
        None => Ok(largest),
        Some(Ok(size)) => Ok(size.min(largest)),
        Some(Err(_)) => {
            let value = asked.unwrap_or_default().to_string();
            Err(invalid_argument(name, &value, format!("Argument {name} must be an integer between 0 and 2147483647")))
        }
    }
}
