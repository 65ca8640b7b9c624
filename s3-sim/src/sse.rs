//! How an object will be sealed: one enum, resolved once per request. Header beats bucket default beats SSE-S3.

use aws_core::fault::ApiFault;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use kms_api::shapes::ContextMap;

use crate::call::Call;
use crate::customer::{self, CustomerKey};
use crate::error::{Outcome, access_denied, invalid_argument};
use crate::keys::Owner;
use crate::model::bucket::{Algorithm, DefaultEncryption};

/// `x-amz-server-side-encryption`
pub(crate) const SSE: &str = "x-amz-server-side-encryption";
/// `x-amz-server-side-encryption-aws-kms-key-id`
pub(crate) const KEY_ID: &str = "x-amz-server-side-encryption-aws-kms-key-id";
/// `x-amz-server-side-encryption-context`
pub(crate) const CONTEXT: &str = "x-amz-server-side-encryption-context";
/// `x-amz-server-side-encryption-bucket-key-enabled`
pub(crate) const BUCKET_KEY: &str = "x-amz-server-side-encryption-bucket-key-enabled";

/// The one type that a bucket can block.
pub(crate) const BLOCKABLE: &str = "SSE-C";

/// How one object is to be sealed.
#[derive(Debug)]
pub(crate) struct SseChoice {
    /// The algorithm with what it needs.
    pub(crate) mode: Mode,
    /// Whether the request said so, or the bucket's default.
    pub(crate) explicit: bool,
}

/// The encryption modes.
#[derive(Debug)]
pub(crate) enum Mode {
    /// SSE-S3: a data key under the key that S3 owns.
    S3,
    /// SSE-KMS: a data key from KMS, or under a key from KMS that the bucket's objects share.
    Kms {
        /// As it was written; `None` stands for `alias/aws/s3`.
        key: Option<String>,
        /// The user's own context, without what S3 adds.
        context: ContextMap,
        /// Whether a bucket key stands between.
        bucket_key: bool,
    },
    /// DSSE-KMS: two layers, the inner one under a data key from KMS. Bucket keys are not for it.
    Dsse {
        /// As it was written; `None` stands for `alias/aws/s3`.
        key: Option<String>,
        /// The user's own context, without what S3 adds.
        context: ContextMap,
    },
    /// SSE-C: a data key under the key that came with the request.
    Customer(CustomerKey),
}

impl SseChoice {
    /// CloudTrail's `SSEApplied`.
    pub(crate) fn applied(&self) -> &'static str {
        match (&self.mode, self.explicit) {
            (Mode::S3, true) => "SSE_S3",
            (Mode::S3, false) => "Default_SSE_S3",
            (Mode::Kms { .. }, true) => "SSE_KMS",
            (Mode::Kms { .. }, false) => "Default_SSE_KMS",
            (Mode::Dsse { .. }, true) => "DSSE_KMS",
            (Mode::Dsse { .. }, false) => "Default_DSSE_KMS",
            (Mode::Customer(_), _) => "SSE_C",
        }
    }

    /// Whether the ETag is the MD5 of the body.
    pub(crate) fn etag_is_md5(&self) -> bool {
        matches!(self.mode, Mode::S3)
    }

    /// MD5 of the customer's key, for the answer.
    pub(crate) fn customer_md5(&self) -> Option<String> {
        match &self.mode {
            Mode::Customer(key) => Some(key.md5.clone()),
            Mode::S3 | Mode::Kms { .. } | Mode::Dsse { .. } => None,
        }
    }
}

/// Decides how an object is sealed, from the headers as sent and the bucket's default. What the bucket blocks is
/// refused before anything else is looked at.
pub(crate) fn choose(call: &Call, owner: Owner<'_>, headers: &HeaderMap) -> Outcome<SseChoice> {
    refuse_blocked(call, owner, headers)?;
    resolve(headers, &owner.bucket.encryption)
}

/// 403 where the bucket takes no SSE-C.
pub(crate) fn refuse_blocked(call: &Call, owner: Owner<'_>, headers: &HeaderMap) -> Outcome<()> {
    let blocks = owner.bucket.encryption.blocked.iter().any(|kind| kind == BLOCKABLE);
    if !blocks || !customer::OBJECT.is_in(headers) {
        return Ok(());
    }
    Err(access_denied(format!(
        "User: {} is not authorized to perform: s3:PutObject on resource: \"{}\" because this bucket has blocked upload \
         requests that specify Server Side Encryption with Customer provided keys (SSE-C). Please specify a different \
         server-side encryption type",
        call.ctx.principal_arn(),
        owner.arn()
    )))
}

fn resolve(headers: &HeaderMap, default: &DefaultEncryption) -> Outcome<SseChoice> {
    if let (true, Some(sse)) = (customer::OBJECT.is_in(headers), text(headers, SSE)) {
        return Err(incompatible(sse));
    }
    let customer = customer::OBJECT.for_writing(headers)?;
    let asked = AskedFor::read(headers)?;
    if let Some(customer) = customer {
        return Ok(SseChoice { mode: Mode::Customer(customer), explicit: true });
    }
    let context = || asked.context.map(parse_context).transpose().map(Option::unwrap_or_default);
    let explicit = asked.algorithm.is_some();
    let (algorithm, key) = match asked.algorithm {
        Some(algorithm) => (algorithm, asked.key.map(str::to_owned)),
        None => (default.algorithm, default.key.clone()),
    };
    let mode = match algorithm {
        Algorithm::Aes256 => Mode::S3,
        Algorithm::Kms => {
            Mode::Kms { key, context: context()?, bucket_key: asked.bucket_key.unwrap_or(default.bucket_key) }
        }
        Algorithm::Dsse => Mode::Dsse { key, context: context()? },
    };
    Ok(SseChoice { mode, explicit })
}

struct AskedFor<'a> {
    algorithm: Option<Algorithm>,
    key: Option<&'a str>,
    context: Option<&'a str>,
    bucket_key: Option<bool>,
}

impl<'a> AskedFor<'a> {
    fn read(headers: &'a HeaderMap) -> Outcome<Self> {
        let algorithm = text(headers, SSE).map(parse_algorithm).transpose()?;
        let key = text(headers, KEY_ID);
        if let (None | Some(Algorithm::Aes256), Some(key)) = (algorithm, key) {
            return Err(key_without_kms(key));
        }
        let bucket_key = text(headers, BUCKET_KEY).map(|value| value.eq_ignore_ascii_case("true"));
        Ok(Self { algorithm, key, context: text(headers, CONTEXT), bucket_key })
    }
}

fn parse_algorithm(value: &str) -> Outcome<Algorithm> {
    let known = [Algorithm::Aes256, Algorithm::Kms, Algorithm::Dsse];
    known
        .into_iter()
        .find(|algorithm| algorithm.as_str() == value)
        .ok_or_else(|| invalid_argument(SSE, value, "The encryption method specified is not supported"))
}

/// 400 where no encryption header belongs: reading, and everything about parts after the upload was created. A
/// customer's key is another matter: it has to come each time.
pub(crate) fn refuse_sse_headers(headers: &HeaderMap) -> Outcome<()> {
    match [SSE, KEY_ID, CONTEXT, BUCKET_KEY].into_iter().find(|name| headers.contains_key(*name)) {
        Some(name) => {
            let value = text(headers, name).unwrap_or("").to_owned();
            Err(invalid_argument(name, &value, format!("{name} header is not supported for this operation.")))
        }
        None => Ok(()),
    }
}

fn incompatible(sse: &str) -> ApiFault {
    let message = "Server Side Encryption with Customer provided key is incompatible with the encryption method \
                   specified";
    invalid_argument(SSE, sse, message)
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
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
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
        check("", "kms=k1", expect![[r#"Default_SSE_KMS Kms { key: Some("k1"), context: {}, bucket_key: false }"#]]);
        check("", "kms=", expect!["Default_SSE_KMS Kms { key: None, context: {}, bucket_key: false }"]);
        check("=AES256", "kms=k1", expect!["SSE_S3 S3"]);
        check("=aws:kms", "kms=k1", expect!["SSE_KMS Kms { key: None, context: {}, bucket_key: false }"]);
        check(
            "=aws:kms -aws-kms-key-id=alias/mine",
            "AES256",
            expect![[r#"SSE_KMS Kms { key: Some("alias/mine"), context: {}, bucket_key: false }"#]],
        );
        check(
            "=aws:kms -context=eyJhIjoiYiJ9",
            "AES256",
            expect![[r#"SSE_KMS Kms { key: None, context: {"a": "b"}, bucket_key: false }"#]],
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
}
