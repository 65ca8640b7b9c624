//! Headers that a client stores with an object, and the small translations between our types and s3s's.

use std::time::SystemTime;

use aws_core::fault::ApiFault;
use aws_core::time::Timestamp;
use http::HeaderMap;
use s3s::dto::{self, TimestampFormat};

use crate::digest::{ChecksumAlgorithm, Checksums};
use crate::error::{Outcome, not_implemented};
use crate::model::object::UserHeaders;

/// What S3 says of a body without a type.
const DEFAULT_TYPE: &str = "binary/octet-stream";

/// User metadata may have this many bytes, names and values together.
const LARGEST_METADATA_BYTES: usize = 2048;

const STORAGE_CLASSES: [&str; 8] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER",
    "DEEP_ARCHIVE",
    "GLACIER_IR",
];

impl UserHeaders {
    /// Reads the headers of a PUT, a copy that replaces them, or a multipart upload. `metadata` is what s3s decoded.
    pub(crate) fn read(headers: &HeaderMap, metadata: Option<dto::Metadata>) -> Outcome<Self> {
        refuse_what_is_not_stored(headers)?;
        let metadata = metadata.unwrap_or_default().into_iter().collect();
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let read = Self {
            content_type: text("content-type").filter(|value| !value.is_empty()),
            cache_control: text("cache-control"),
            content_disposition: text("content-disposition"),
            content_encoding: text("content-encoding").and_then(|value| without_aws_chunked(&value)),
            content_language: text("content-language"),
            expires: text("expires").and_then(|value| http_date(&value)),
            website_redirect: text("x-amz-website-redirect-location"),
            storage_class: text("x-amz-storage-class").map(storage_class).transpose()?.flatten(),
            metadata,
        };
        read.check_metadata_size()?;
        Ok(read)
    }

    /// `Content-Type`, with S3's default.
    pub(crate) fn content_type(&self) -> String {
        self.content_type.clone().unwrap_or_else(|| DEFAULT_TYPE.into())
    }

    /// User metadata for an answer; `None` when there is none.
    pub(crate) fn metadata(&self) -> Option<dto::Metadata> {
        (!self.metadata.is_empty()).then(|| self.metadata.clone().into_iter().collect())
    }

    fn check_metadata_size(&self) -> Outcome<()> {
        let size: usize = self.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
        if size <= LARGEST_METADATA_BYTES {
            return Ok(());
        }
        let message = "Your metadata headers exceed the maximum allowed metadata size";
        Err(ApiFault::client("MetadataTooLarge", message)
            .with("Size", size.to_string())
            .with("MaxSizeAllowed", LARGEST_METADATA_BYTES.to_string()))
    }
}

/// Headers that ask for something this S3 would otherwise drop without a word.
fn refuse_what_is_not_stored(headers: &HeaderMap) -> Outcome<()> {
    match headers.keys().map(http::HeaderName::as_str).find(|name| name.starts_with("x-amz-grant-")) {
        Some(name) => Err(not_implemented(name)),
        None => Ok(()),
    }
}

/// `aws-chunked` names the transfer, not the object.
fn without_aws_chunked(value: &str) -> Option<String> {
    let kept: Vec<&str> = value.split(',').map(str::trim).filter(|v| !v.is_empty() && *v != "aws-chunked").collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

/// STANDARD is the absence of a class.
fn storage_class(name: String) -> Outcome<Option<String>> {
    if !STORAGE_CLASSES.contains(&name.as_str()) {
        let message = "The storage class you specified is not valid";
        return Err(ApiFault::client("InvalidStorageClass", message).with("StorageClassRequested", name));
    }
    Ok((name != "STANDARD").then_some(name))
}

// ---------------------------------------------------------------- times

/// A time of ours for s3s.
pub(crate) fn wire_time(at: Timestamp) -> dto::Timestamp {
    dto::Timestamp::from(SystemTime::try_from(at).expect("every timestamp fits 64-bit seconds"))
}

/// A time of s3s's for us; `None` for one that our calendar does not reach.
pub(crate) fn our_time(at: &dto::Timestamp) -> Option<Timestamp> {
    let mut text = Vec::new();
    at.format(TimestampFormat::DateTime, &mut text).ok()?;
    std::str::from_utf8(&text).ok()?.parse().ok()
}

fn http_date(value: &str) -> Option<Timestamp> {
    dto::Timestamp::parse(TimestampFormat::HttpDate, value).ok().as_ref().and_then(our_time)
}

/// S3 dates objects to the second.
pub(crate) fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).expect("a timestamp without its fraction is a timestamp")
}

// ---------------------------------------------------------------- checksums

/// The five checksum members that nine of s3s's shapes have in common.
#[derive(Default)]
pub(crate) struct ChecksumFields {
    /// CRC32
    pub(crate) crc32: Option<String>,
    /// CRC32C
    pub(crate) crc32c: Option<String>,
    /// CRC64NVME
    pub(crate) crc64nvme: Option<String>,
    /// SHA1
    pub(crate) sha1: Option<String>,
    /// SHA256
    pub(crate) sha256: Option<String>,
    /// `FULL_OBJECT` or `COMPOSITE`
    pub(crate) kind: Option<dto::ChecksumType>,
}

impl From<&Checksums> for ChecksumFields {
    fn from(checksum: &Checksums) -> Self {
        let mut fields = Self::default();
        let Some(checksum) = checksum else { return fields };
        let value = Some(checksum.value.clone());
        match checksum.algorithm {
            ChecksumAlgorithm::Crc32 => fields.crc32 = value,
            ChecksumAlgorithm::Crc32c => fields.crc32c = value,
            ChecksumAlgorithm::Crc64Nvme => fields.crc64nvme = value,
            ChecksumAlgorithm::Sha1 => fields.sha1 = value,
            ChecksumAlgorithm::Sha256 => fields.sha256 = value,
        }
        fields.kind = Some(dto::ChecksumType::from_static(checksum.kind.as_str()));
        fields
    }
}

/// Fills the checksum members of an s3s shape; with `typed`, the type as well.
macro_rules! put_checksum {
    ($shape:expr, $checksum:expr) => {{
        let fields = $crate::headers::ChecksumFields::from($checksum);
        $shape.checksum_crc32 = fields.crc32;
        $shape.checksum_crc32c = fields.crc32c;
        $shape.checksum_crc64nvme = fields.crc64nvme;
        $shape.checksum_sha1 = fields.sha1;
        $shape.checksum_sha256 = fields.sha256;
        fields.kind
    }};
}
pub(crate) use put_checksum;

/// An ETag for the wire.
pub(crate) fn etag(value: &str) -> dto::ETag {
    dto::ETag::Strong(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_the_way_to_s3s_and_back() {
        let at: Timestamp = "2026-01-15T09:00:01Z".parse().unwrap();
        assert_eq!(our_time(&wire_time(at)), Some(at));
        assert_eq!(http_date("Thu, 15 Jan 2026 09:00:01 GMT"), Some(at));
        assert_eq!(whole_seconds("2026-01-15T09:00:01.999Z".parse().unwrap()), at);
    }

    #[test]
    fn aws_chunked_is_the_transfers_and_gzip_the_objects() {
        assert_eq!(without_aws_chunked("aws-chunked"), None);
        assert_eq!(without_aws_chunked("aws-chunked,gzip"), Some("gzip".into()));
        assert_eq!(without_aws_chunked("gzip, aws-chunked"), Some("gzip".into()));
    }

    #[test]
    fn what_would_be_dropped_is_refused() {
        for (name, value, status) in [("x-amz-grant-read", "id=1", 501), ("x-amz-grant-full-control", "id=1", 501)] {
            let headers = HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())]);
            assert_eq!(UserHeaders::read(&headers, None).unwrap_err().status, status, "{name}");
        }
        let big = dto::Metadata::from_iter([("k".to_owned(), "v".repeat(2048))]);
        assert_eq!(UserHeaders::read(&HeaderMap::new(), Some(big)).unwrap_err().code, "MetadataTooLarge");
    }
}
