//! How an object will be sealed: one enum, resolved once per request. Header beats bucket default beats SSE-S3.
//!
//! SSE-C, DSSE and bucket keys have rooms elsewhere to come; until then a request that asks for one is refused with
//! 501 here, for every operation alike, and never sealed some other way instead.

use aws_core::fault::ApiFault;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use kms_api::shapes::ContextMap;

use crate::error::{Outcome, invalid_argument, not_implemented};
use crate::model::bucket::{Algorithm, DefaultEncryption};

/// `x-amz-server-side-encryption`
pub(crate) const SSE: &str = "x-amz-server-side-encryption";
/// `x-amz-server-side-encryption-aws-kms-key-id`
pub(crate) const KEY_ID: &str = "x-amz-server-side-encryption-aws-kms-key-id";
/// `x-amz-server-side-encryption-context`
pub(crate) const CONTEXT: &str = "x-amz-server-side-encryption-context";
/// `x-amz-server-side-encryption-bucket-key-enabled`
pub(crate) const BUCKET_KEY: &str = "x-amz-server-side-encryption-bucket-key-enabled";

const CUSTOMER: &str = "x-amz-server-side-encryption-customer-";
const COPY_SOURCE_CUSTOMER: &str = "x-amz-copy-source-server-side-encryption-customer-";

/// How one object is to be sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SseChoice {
    /// The algorithm with what it needs.
    pub(crate) mode: Mode,
    /// Whether the request said so, or the bucket's default.
    pub(crate) explicit: bool,
}

/// SSE-S3 or SSE-KMS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A data key under the key that S3 owns.
    S3,
    /// A data key from KMS.
    Kms {
        /// As it was written; `None` stands for `alias/aws/s3`.
        key: Option<String>,
        /// The user's own context, without what S3 adds.
        context: ContextMap,
    },
}

impl SseChoice {
    /// CloudTrail's `SSEApplied`.
    pub(crate) fn applied(&self) -> &'static str {
        match (&self.mode, self.explicit) {
            (Mode::S3, true) => "SSE_S3",
            (Mode::S3, false) => "Default_SSE_S3",
            (Mode::Kms { .. }, true) => "SSE_KMS",
            (Mode::Kms { .. }, false) => "Default_SSE_KMS",
        }
    }

    /// Whether the ETag is the MD5 of the body.
    pub(crate) fn etag_is_md5(&self) -> bool {
        self.mode == Mode::S3
    }
}

/// Decides how an object is sealed, from the headers as sent and the bucket's default.
pub(crate) fn resolve(headers: &HeaderMap, default: &DefaultEncryption) -> Outcome<SseChoice> {
    refuse_what_is_missing(headers)?;
    let asked = AskedFor::read(headers)?;
    let kms = |key: Option<String>| -> Outcome<Mode> {
        let context = asked.context.map(parse_context).transpose()?.unwrap_or_default();
        Ok(Mode::Kms { key, context })
    };
    let (mode, explicit) = match (asked.algorithm, default.algorithm) {
        (Some(Algorithm::Kms), _) => (kms(asked.key.map(str::to_owned))?, true),
        (None, _) if asked.key.is_some() => return Err(key_without_kms(asked.key.unwrap_or(""))),
        (Some(Algorithm::Aes256), _) => (Mode::S3, true),
        (None, Algorithm::Aes256) => (Mode::S3, false),
        (None, Algorithm::Kms) => (kms(default.key.clone())?, false),
    };
    Ok(SseChoice { mode, explicit })
}

struct AskedFor<'a> {
    algorithm: Option<Algorithm>,
    key: Option<&'a str>,
    context: Option<&'a str>,
}

impl<'a> AskedFor<'a> {
    fn read(headers: &'a HeaderMap) -> Outcome<Self> {
        let algorithm = match text(headers, SSE) {
            None => None,
            Some("AES256") => Some(Algorithm::Aes256),
            Some("aws:kms") => Some(Algorithm::Kms),
            Some(other) => {
                return Err(invalid_argument(SSE, other, "The encryption method specified is not supported"));
            }
        };
        let key = text(headers, KEY_ID);
        if let (Some(Algorithm::Aes256), Some(key)) = (algorithm, key) {
            return Err(key_without_kms(key));
        }
        Ok(Self { algorithm, key, context: text(headers, CONTEXT) })
    }
}

/// 501 for SSE-C, DSSE and bucket keys.
pub(crate) fn refuse_what_is_missing(headers: &HeaderMap) -> Outcome<()> {
    refuse_customer_keys(headers)?;
    if text(headers, SSE) == Some("aws:kms:dsse") {
        return Err(not_implemented(SSE));
    }
    if text(headers, BUCKET_KEY).is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Err(not_implemented(BUCKET_KEY));
    }
    Ok(())
}

/// 501 for SSE-C, on whatever operation it appears.
pub(crate) fn refuse_customer_keys(headers: &HeaderMap) -> Outcome<()> {
    let customer = |name: &&str| name.starts_with(CUSTOMER) || name.starts_with(COPY_SOURCE_CUSTOMER);
    match headers.keys().map(http::HeaderName::as_str).find(customer) {
        Some(name) => Err(not_implemented(name)),
        None => Ok(()),
    }
}

/// 400 where no encryption header belongs: reading, and everything about parts after the upload was created.
pub(crate) fn refuse_sse_headers(headers: &HeaderMap) -> Outcome<()> {
    refuse_customer_keys(headers)?;
    match [SSE, KEY_ID, CONTEXT, BUCKET_KEY].into_iter().find(|name| headers.contains_key(*name)) {
        Some(name) => {
            let value = text(headers, name).unwrap_or("").to_owned();
            Err(invalid_argument(name, &value, format!("{name} header is not supported for this operation.")))
        }
        None => Ok(()),
    }
}

fn key_without_kms(key: &str) -> ApiFault {
    let message = "Server Side Encryption with AWS KMS managed key requires HTTP header \
                   x-amz-server-side-encryption : aws:kms";
    invalid_argument(KEY_ID, key, message)
}

fn parse_context(encoded: &str) -> Outcome<ContextMap> {
    let decoded = STANDARD.decode(encoded).ok();
    decoded.and_then(|json| serde_json::from_slice(&json).ok()).ok_or_else(|| {
        let message = "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string \
                       holding JSON which represents a string-string map";
        invalid_argument(CONTEXT, encoded, message)
    })
}

/// A present header as text; an empty SSE header counts as present, as AWS refuses it.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(headers: &str, default: &str, expected: Expect) {
        let headers: HeaderMap = headers
            .split(' ')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(name, value)| {
                let name = format!("{SSE}{name}").replace("$copy", "");
                (http::HeaderName::try_from(name).unwrap(), value.parse().unwrap())
            })
            .collect();
        let default = match default.split_once('=') {
            Some((_, key)) => DefaultEncryption {
                algorithm: Algorithm::Kms,
                key: (!key.is_empty()).then(|| key.to_owned()),
                ..DefaultEncryption::default()
            },
            None => DefaultEncryption::default(),
        };
        let answer = match resolve(&headers, &default) {
            Ok(choice) => format!("{} {:?}", choice.applied(), choice.mode),
            Err(fault) => format!("{} {} {:?}", fault.status, fault.message.unwrap(), fault.detail),
        };
        expected.assert_eq(&answer);
    }

    #[test]
    fn header_beats_bucket_default_beats_sse_s3() {
        check("", "AES256", expect!["Default_SSE_S3 S3"]);
        check("", "kms=k1", expect![[r#"Default_SSE_KMS Kms { key: Some("k1"), context: {} }"#]]);
        check("", "kms=", expect!["Default_SSE_KMS Kms { key: None, context: {} }"]);
        check("=AES256", "kms=k1", expect!["SSE_S3 S3"]);
        check("=aws:kms", "kms=k1", expect!["SSE_KMS Kms { key: None, context: {} }"]);
        check(
            "=aws:kms -aws-kms-key-id=alias/mine",
            "AES256",
            expect![[r#"SSE_KMS Kms { key: Some("alias/mine"), context: {} }"#]],
        );
        check(
            "=aws:kms -context=eyJhIjoiYiJ9",
            "AES256",
            expect![[r#"SSE_KMS Kms { key: None, context: {"a": "b"} }"#]],
        );
    }

    #[test]
    fn nonsense_is_refused_in_awss_words() {
        check(
            "=AES192",
            "AES256",
            expect![[
                r#"400 The encryption method specified is not supported [("ArgumentName", "x-amz-server-side-encryption"), ("ArgumentValue", "AES192")]"#
            ]],
        );
        check(
            "=",
            "AES256",
            expect![[
                r#"400 The encryption method specified is not supported [("ArgumentName", "x-amz-server-side-encryption"), ("ArgumentValue", "")]"#
            ]],
        );
        check(
            "-aws-kms-key-id=k",
            "AES256",
            expect![[
                r#"400 Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms [("ArgumentName", "x-amz-server-side-encryption-aws-kms-key-id"), ("ArgumentValue", "k")]"#
            ]],
        );
        check(
            "=AES256 -aws-kms-key-id=k",
            "AES256",
            expect![[
                r#"400 Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms [("ArgumentName", "x-amz-server-side-encryption-aws-kms-key-id"), ("ArgumentValue", "k")]"#
            ]],
        );
        check(
            "=aws:kms -context=e30K!",
            "AES256",
            expect![[
                r#"400 The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map [("ArgumentName", "x-amz-server-side-encryption-context"), ("ArgumentValue", "e30K!")]"#
            ]],
        );
    }

    #[test]
    fn what_is_not_built_yet_is_refused_and_never_ignored() {
        for headers in ["=aws:kms:dsse", "-customer-algorithm=AES256", "=aws:kms -bucket-key-enabled=true"] {
            let refused = format!("{headers} -x=1");
            let map: HeaderMap = refused
                .split(' ')
                .map(|pair| pair.split_once('=').unwrap())
                .map(|(n, v)| (http::HeaderName::try_from(format!("{SSE}{n}")).unwrap(), v.parse().unwrap()))
                .collect();
            assert_eq!(resolve(&map, &DefaultEncryption::default()).unwrap_err().status, 501, "{headers}");
        }
    }
}
