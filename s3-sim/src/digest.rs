//! Digests of plaintext: what the client promised, what arrived, and how the checksums of parts become one.
//!
//! One pass over the body serves the ETag (MD5, only where the ETag is one or the client sent `Content-MD5`) and one
//! checksum: the client's, or CRC64NVME when it names none.

use std::fmt;

use aws_core::fault::ApiFault;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use http::HeaderMap;
use md5::{Digest as _, Md5};
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
use serde::{Deserialize, Serialize};

use crate::error::{Outcome, invalid_request, not_implemented};

/// The checksums that S3 keeps of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ChecksumAlgorithm {
    /// ISO-HDLC.
    Crc32,
    /// Castagnoli.
    Crc32c,
    /// The default.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// Over what a checksum is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ChecksumKind {
    /// All bytes of the object.
    FullObject,
    /// The checksums of the parts.
    Composite,
}

/// One checksum in base64, for composites with `-N`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksum {
    /// Which.
    pub(crate) algorithm: ChecksumAlgorithm,
    /// Over what.
    pub(crate) kind: ChecksumKind,
    /// As the headers carry it.
    pub(crate) value: String,
}

/// A body has one checksum at most.
pub(crate) type Checksums = Option<Checksum>;

impl ChecksumAlgorithm {
    const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// `CRC32`, … as headers and XML spell it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The header that carries it.
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// Reads a name in any case.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(name))
    }

    /// The kind of a multipart object when the client asks for none.
    pub(crate) fn default_kind(self) -> ChecksumKind {
        match self {
            Self::Crc64Nvme => ChecksumKind::FullObject,
            Self::Crc32 | Self::Crc32c | Self::Sha1 | Self::Sha256 => ChecksumKind::Composite,
        }
    }

    /// Whether parts' checksums can be combined without the bytes.
    pub(crate) fn combines(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }
}

impl ChecksumKind {
    /// As headers and XML spell it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::FullObject => "FULL_OBJECT",
            Self::Composite => "COMPOSITE",
        }
    }
}

// ---------------------------------------------------------------- what the client promised

/// What a request says of its body before the body comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Promise {
    /// The checksum to compute.
    pub(crate) algorithm: ChecksumAlgorithm,
    /// Whether the client named it.
    pub(crate) declared: bool,
    expected: Expected,
    content_md5: Option<[u8; 16]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Expected {
    Nothing,
    Value(String),
    Trailer,
}

impl Promise {
    /// Reads `Content-MD5`, `x-amz-checksum-*`, `x-amz-trailer` and `x-amz-sdk-checksum-algorithm`.
    pub(crate) fn of(headers: &HeaderMap) -> Outcome<Self> {
        refuse_foreign_checksums(headers)?;
        let content_md5 = text(headers, "content-md5").map(parse_md5).transpose()?;
        let mut named = ChecksumAlgorithm::ALL.into_iter().filter_map(|a| Some((a, text(headers, a.header())?)));
        let first = named.next();
        if named.next().is_some() {
            let message =
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.".to_owned();
            return Err(invalid_request(message));
        }
        if let Some((algorithm, value)) = first {
            let expected = Expected::Value(well_formed(algorithm, value)?);
            return Ok(Self { algorithm, declared: true, expected, content_md5 });
        }
        if let Some(algorithm) = trailer_algorithm(headers) {
            return Ok(Self { algorithm, declared: true, expected: Expected::Trailer, content_md5 });
        }
        let asked = text(headers, "x-amz-sdk-checksum-algorithm").and_then(ChecksumAlgorithm::parse);
        let algorithm = asked.unwrap_or(ChecksumAlgorithm::Crc64Nvme);
        Ok(Self { algorithm, declared: asked.is_some(), expected: Expected::Nothing, content_md5 })
    }

    /// A body that the server itself reads: nothing promised.
    pub(crate) fn none(algorithm: ChecksumAlgorithm) -> Self {
        Self { algorithm, declared: false, expected: Expected::Nothing, content_md5: None }
    }

    /// Another algorithm for a client that promised nothing.
    pub(crate) fn or_algorithm(self, algorithm: ChecksumAlgorithm) -> Self {
        if self.declared { self } else { Self { algorithm, ..self } }
    }

    /// Whether MD5 must be computed for the client's sake.
    pub(crate) fn wants_md5(&self) -> bool {
        self.content_md5.is_some()
    }

    /// Compares what arrived with what was promised, trailers included.
    pub(crate) fn check(&self, arrived: &Digested, trailers: Option<&HeaderMap>) -> Outcome<()> {
        if let (Some(promised), Some(found)) = (self.content_md5, arrived.md5)
            && promised != found
        {
            let message = "The Content-MD5 you specified did not match what we received.";
            return Err(ApiFault::client("BadDigest", message)
                .with("ExpectedDigest", STANDARD.encode(promised))
                .with("CalculatedDigest", STANDARD.encode(found)));
        }
        let expected = match &self.expected {
            Expected::Nothing => return Ok(()),
            Expected::Value(value) => value.clone(),
            Expected::Trailer => self.trailing_value(trailers)?,
        };
        if expected == arrived.checksum.value { Ok(()) } else { Err(bad_checksum(self.algorithm)) }
    }

    fn trailing_value(&self, trailers: Option<&HeaderMap>) -> Outcome<String> {
        let value = trailers.and_then(|trailers| text(trailers, self.algorithm.header()));
        let value = value.ok_or_else(|| {
            ApiFault::client("MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.")
        })?;
        well_formed(self.algorithm, value)
    }
}

/// 400: the checksum of the header or trailer is not that of the body.
pub(crate) fn bad_checksum(algorithm: ChecksumAlgorithm) -> ApiFault {
    let message = format!("The {} you specified did not match the calculated checksum.", algorithm.as_str());
    ApiFault::client("BadDigest", message)
}

fn trailer_algorithm(headers: &HeaderMap) -> Option<ChecksumAlgorithm> {
    let names = text(headers, "x-amz-trailer")?;
    let mut names = names.split(',').map(str::trim);
    names.find_map(|name| ChecksumAlgorithm::ALL.into_iter().find(|a| a.header().eq_ignore_ascii_case(name)))
}

/// AWS knows further checksums since 2026; taking one in without checking it would be a lie.
fn refuse_foreign_checksums(headers: &HeaderMap) -> Outcome<()> {
    let known = |name: &str| {
        matches!(name, "x-amz-checksum-mode" | "x-amz-checksum-algorithm" | "x-amz-checksum-type")
            || ChecksumAlgorithm::ALL.into_iter().any(|algorithm| algorithm.header() == name)
    };
    let mut foreign = headers.keys().map(http::HeaderName::as_str).filter(|name| name.starts_with("x-amz-checksum-"));
    match foreign.find(|name| !known(name)) {
        Some(name) => Err(not_implemented(name)),
        None => Ok(()),
    }
}

fn well_formed(algorithm: ChecksumAlgorithm, value: &str) -> Outcome<String> {
    match STANDARD.decode(value) {
        Ok(bytes) if bytes.len() == algorithm.bytes() => Ok(value.to_owned()),
        Ok(_) | Err(_) => Err(invalid_request(format!("Value for {} header is invalid.", algorithm.header()))),
    }
}

fn parse_md5(value: &str) -> Outcome<[u8; 16]> {
    let decoded = STANDARD.decode(value).ok().and_then(|bytes| bytes.try_into().ok());
    decoded.ok_or_else(|| ApiFault::client("InvalidDigest", "The Content-MD5 you specified was invalid."))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().filter(|value| !value.is_empty())
}

// ---------------------------------------------------------------- what arrived

/// Digests in the making.
pub(crate) struct Digests {
    md5: Option<Md5>,
    algorithm: ChecksumAlgorithm,
    hasher: Hasher,
    size: u64,
}

/// Digests of a whole body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Digested {
    /// Only where somebody needs it.
    pub(crate) md5: Option<[u8; 16]>,
    /// Over all bytes.
    pub(crate) checksum: Checksum,
    /// Bytes.
    pub(crate) size: u64,
}

enum Hasher {
    Crc32(Crc32),
    Crc32c(Crc32c),
    Crc64Nvme(Crc64Nvme),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Digests {
    /// Nothing has arrived yet.
    pub(crate) fn new(algorithm: ChecksumAlgorithm, with_md5: bool) -> Self {
        Self { md5: with_md5.then(Md5::new), algorithm, hasher: Hasher::new(algorithm), size: 0 }
    }

    /// More bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// No more bytes.
    pub(crate) fn finish(self) -> Digested {
        let value = STANDARD.encode(self.hasher.finish());
        let checksum = Checksum { algorithm: self.algorithm, kind: ChecksumKind::FullObject, value };
        Digested { md5: self.md5.map(|md5| md5.finalize().into()), checksum, size: self.size }
    }
}

impl fmt::Debug for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digests({} after {} bytes)", self.algorithm.as_str(), self.size)
    }
}

impl Hasher {
    fn new(algorithm: ChecksumAlgorithm) -> Self {
        match algorithm {
            ChecksumAlgorithm::Crc32 => Self::Crc32(Crc32::new()),
            ChecksumAlgorithm::Crc32c => Self::Crc32c(Crc32c::new()),
            ChecksumAlgorithm::Crc64Nvme => Self::Crc64Nvme(Crc64Nvme::new()),
            ChecksumAlgorithm::Sha1 => Self::Sha1(Sha1::new()),
            ChecksumAlgorithm::Sha256 => Self::Sha256(Sha256::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc32(hasher) => hasher.update(bytes),
            Self::Crc32c(hasher) => hasher.update(bytes),
            Self::Crc64Nvme(hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Self::Crc32(hasher) => hasher.finalize().to_vec(),
            Self::Crc32c(hasher) => hasher.finalize().to_vec(),
            Self::Crc64Nvme(hasher) => hasher.finalize().to_vec(),
            Self::Sha1(hasher) => hasher.finalize().to_vec(),
            Self::Sha256(hasher) => hasher.finalize().to_vec(),
        }
    }
}

// ---------------------------------------------------------------- parts become one

/// The checksum of an object from those of its parts (base64, plaintext bytes). `None` when a part has none or they
/// are of another algorithm.
pub(crate) fn of_parts(algorithm: ChecksumAlgorithm, kind: ChecksumKind, parts: &[(&Checksum, u64)]) -> Checksums {
    let raw: Option<Vec<(Vec<u8>, u64)>> = parts
        .iter()
        .map(|(checksum, size)| {
            let bytes = STANDARD.decode(&checksum.value).ok()?;
            (checksum.algorithm == algorithm).then_some((bytes, *size))
        })
        .collect();
    let value = match kind {
        ChecksumKind::FullObject => combined(algorithm, &raw?)?,
        ChecksumKind::Composite => composite(algorithm, &raw?),
    };
    Some(Checksum { algorithm, kind, value })
}

fn combined(algorithm: ChecksumAlgorithm, parts: &[(Vec<u8>, u64)]) -> Option<String> {
    let crc = algorithm.combines()?;
    let number = |bytes: &[u8]| bytes.iter().fold(0u64, |sum, byte| (sum << 8) | u64::from(*byte));
    let mut parts = parts.iter();
    let first = number(&parts.next()?.0);
    let sum = parts.fold(first, |sum, (bytes, size)| crc_fast::checksum_combine(crc, sum, number(bytes), *size));
    Some(STANDARD.encode(&sum.to_be_bytes()[8 - algorithm.bytes()..]))
}

fn composite(algorithm: ChecksumAlgorithm, parts: &[(Vec<u8>, u64)]) -> String {
    let mut hasher = Hasher::new(algorithm);
    parts.iter().for_each(|(bytes, _)| hasher.update(bytes));
    format!("{}-{}", STANDARD.encode(hasher.finish()), parts.len())
}

/// The ETag of a multipart object: MD5 over the bytes of the parts' ETags, and how many there are. `None` when a
/// part's ETag is no hex.
pub(crate) fn multipart_etag<'a>(etags: impl ExactSizeIterator<Item = &'a str>) -> Option<String> {
    let (mut md5, count) = (Md5::new(), etags.len());
    for etag in etags {
        md5.update(hex::decode(etag).ok()?);
    }
    Some(format!("{}-{count}", hex::encode(md5.finalize())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    fn digested(algorithm: ChecksumAlgorithm, body: &[u8]) -> Digested {
        let mut digests = Digests::new(algorithm, true);
        digests.update(body);
        digests.finish()
    }

    /// The check values of the CRC catalogue and FIPS 180 for "123456789".
    #[test]
    fn every_algorithm_agrees_with_its_published_check_value() {
        for (algorithm, hex_value) in [
            (ChecksumAlgorithm::Crc32, "cbf43926"),
            (ChecksumAlgorithm::Crc32c, "e3069283"),
            (ChecksumAlgorithm::Crc64Nvme, "ae8b14860a799888"),
            (ChecksumAlgorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            (ChecksumAlgorithm::Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
        ] {
            let found = digested(algorithm, b"123456789");
            assert_eq!(hex::encode(STANDARD.decode(found.checksum.value).unwrap()), hex_value, "{algorithm:?}");
        }
    }

    #[test]
    fn crcs_of_parts_combine_to_the_crc_of_the_whole() {
        for algorithm in [ChecksumAlgorithm::Crc32, ChecksumAlgorithm::Crc32c, ChecksumAlgorithm::Crc64Nvme] {
            let parts: Vec<Digested> =
                [&b"12"[..], b"", b"345", b"6789"].iter().map(|p| digested(algorithm, p)).collect();
            let parts: Vec<_> = parts.iter().map(|part| (&part.checksum, part.size)).collect();
            let whole = of_parts(algorithm, ChecksumKind::FullObject, &parts).unwrap();
            assert_eq!(whole.value, digested(algorithm, b"123456789").checksum.value, "{algorithm:?}");
        }
    }

    #[test]
    fn a_promise_is_kept_or_the_request_is_refused() {
        let body = b"123456789";
        let code = |pairs: &[(&'static str, &str)], trailers: Option<&HeaderMap>| {
            let promise = Promise::of(&headers(pairs))?;
            promise.check(&digested(promise.algorithm, body), trailers)
        };
        let codes = |outcome: Outcome<()>| outcome.map_err(|fault| fault.code.into_owned());
        let refused = |code: &str| Err(code.to_owned());
        assert_eq!(codes(code(&[("content-md5", "JfnnlDI7RTiF9RgfG2JNCw==")], None)), Ok(()));
        assert_eq!(codes(code(&[("content-md5", "JfnnlDI7RThtgqIHGhP5HA==")], None)), refused("BadDigest"));
        assert_eq!(codes(code(&[("content-md5", "short")], None)), refused("InvalidDigest"));
        assert_eq!(codes(code(&[("x-amz-checksum-crc32", "y/Q5Jg==")], None)), Ok(()));
        assert_eq!(codes(code(&[("x-amz-checksum-crc32", "y/Q5Jw==")], None)), refused("BadDigest"));
        assert_eq!(codes(code(&[("x-amz-checksum-crc32", "y/Q5")], None)), refused("InvalidRequest"));
        assert_eq!(codes(code(&[("x-amz-checksum-xxhash3", "AA==")], None)), refused("NotImplemented"));
        let two = [("x-amz-checksum-crc32", "y/Q5Jg=="), ("x-amz-checksum-crc32c", "4waSgw==")];
        assert_eq!(codes(code(&two, None)), refused("InvalidRequest"));
        let trailing = [("x-amz-trailer", "x-amz-checksum-crc32")];
        assert_eq!(codes(code(&trailing, Some(&headers(&two[..1])))), Ok(()));
        assert_eq!(codes(code(&trailing, None)), refused("MalformedTrailerError"));
    }

    /// Two parts of AWS's own documentation of multipart ETags would do; here MD5("a") and MD5("b") are computed.
    #[test]
    fn a_multipart_etag_is_the_md5_of_md5s() {
        let parts = [hex::encode(Md5::digest(b"a")), hex::encode(Md5::digest(b"b"))];
        let joined = [Md5::digest(b"a"), Md5::digest(b"b")].concat();
        let expected = format!("{}-2", hex::encode(Md5::digest(joined)));
        assert_eq!(multipart_etag(parts.iter().map(String::as_str)), Some(expected));
        assert_eq!(multipart_etag(["not hex"].into_iter()), None);
    }
}
