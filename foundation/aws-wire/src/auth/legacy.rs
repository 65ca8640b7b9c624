//! Signature version 2 in presigned S3 URLs: boto3 still makes them for us-east-1 unless told otherwise.
//!
//! ```text
//! string to sign   METHOD \n Content-MD5 \n Content-Type \n Expires \n x-amz-*:… \n /bucket/key?subresources
//! signature        base64(HMAC-SHA1(secret, string to sign))
//! ```
//!
//! Deliberately absent: version 2 in the `Authorization` header, which no current client sends.

use std::collections::BTreeMap;

use aws_core::identity::Credential;
use aws_core::time::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::request::Parts;
use sha1::Sha1;
use subtle::ConstantTimeEq;

use super::Knock;
use super::canonical;
use super::claim::{Claim, Style};
use super::refusal::{Evidence, Refusal};
use super::verify::{Proof, UNSIGNED_PAYLOAD};
use crate::fault::Protocol;
use crate::host;
use crate::query::Params;

/// Query parameters that belong to the resource and are therefore signed.
const SIGNED_PARAMETERS: &[&str] = &[
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// Whether the URL was presigned with the secret and is not over.
pub fn verify(knock: &Knock<'_>, claim: &Claim, credential: &Credential, wall: Timestamp) -> Result<Proof, Refusal> {
    let Style::Legacy { expires: Some(expires) } = &claim.style else { return Err(Refusal::UnsupportedMechanism) };
    if knock.protocol != Protocol::S3 {
        return Err(Refusal::UnsupportedMechanism);
    }
    in_time(expires, wall)?;
    let signature = claim.signature.clone().ok_or(Refusal::PresignIncomplete)?;
    let string_to_sign = string_to_sign(knock.parts, expires);
    if sign(&credential.secret, &string_to_sign).as_bytes().ct_eq(signature.as_bytes()).into() {
        return Ok(proof(signature));
    }
    let (access_key, canonical_request) = (claim.access_key.clone(), String::new());
    Err(Refusal::WrongSignature(Box::new(Evidence { access_key, signature, string_to_sign, canonical_request })))
}

fn in_time(expires: &str, wall: Timestamp) -> Result<(), Refusal> {
    let ended = expires.parse().ok().and_then(|second| Timestamp::from_second(second).ok());
    match ended.ok_or(Refusal::PresignIncomplete)? {
        ended if ended <= wall => Err(Refusal::PresignExpired { seconds: None, ended, now: wall }),
        _ => Ok(()),
    }
}

fn proof(signature: String) -> Proof {
    let payload_hash = UNSIGNED_PAYLOAD.into();
    Proof { signing_key: Vec::new(), date: String::new(), scope: String::new(), signature, payload_hash }
}

fn sign(secret: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn string_to_sign(parts: &Parts, expires: &str) -> String {
    let query = Params::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let said = |name: &str| {
        let header = || parts.headers.get(name).and_then(|value| value.to_str().ok());
        query.get(name).or_else(header).unwrap_or_default().trim().to_owned()
    };
    let method = parts.method.as_str();
    let amz: String = amz_headers(parts, &query).iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    format!("{method}\n{}\n{}\n{expires}\n{amz}{}", said("content-md5"), said("content-type"), resource(parts, &query))
}

/// `x-amz-*` headers; a presigned URL may carry them as parameters.
fn amz_headers(parts: &Parts, query: &Params) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for name in parts.headers.keys().filter(|name| name.as_str().starts_with("x-amz-")) {
        let values = parts.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        let values: Vec<String> = values.map(|value| value.trim().to_owned()).collect();
        found.insert(name.to_string(), values.join(","));
    }
    let hoisted = query.iter().filter(|(name, _)| name.starts_with("x-amz-"));
    found.extend(hoisted.map(|(name, value)| (name.to_owned(), value.to_owned())));
    found
}

/// `/bucket/key?acl`, the bucket also when the host names it.
fn resource(parts: &Parts, query: &Params) -> String {
    let bucket = host::bucket(canonical::host(parts)).map_or(String::new(), |bucket| format!("/{bucket}"));
    let bare = |name: &str| parts.uri.query().is_some_and(|raw| raw.split('&').any(|pair| pair == name));
    let mut signed: Vec<_> = query.iter().filter(|(name, _)| SIGNED_PARAMETERS.contains(name)).collect();
    signed.sort_by_key(|(name, _)| *name);
    let signed: Vec<String> = signed
        .iter()
        .map(|(name, value)| if bare(name) { (*name).to_owned() } else { format!("{name}={value}") })
        .collect();
    let mark = if signed.is_empty() { "" } else { "?" };
    format!("{bucket}{}{mark}{}", parts.uri.path(), signed.join("&"))
}
