//! The condition keys of S3, from the request as sent: before defaults are applied and before arguments are checked.

use aws_core::policy::condition::Facts;

use super::{Request, query_pairs};
use crate::label::parse_tags;

/// Headers that are condition keys under their own name.
const HEADERS: [&str; 16] = [
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-acl",
    "x-amz-copy-source",
    "x-amz-storage-class",
    "x-amz-metadata-directive",
    "x-amz-website-redirect-location",
    "x-amz-object-ownership",
    "x-amz-content-sha256",
    "x-amz-grant-read",
    "x-amz-grant-write",
    "x-amz-grant-read-acp",
    "x-amz-grant-write-acp",
    "x-amz-grant-full-control",
    "if-none-match",
];

/// Query parameters that are condition keys, by the name of the key.
const PARAMETERS: [(&str, &str); 4] = [
    ("prefix", "s3:prefix"),
    ("delimiter", "s3:delimiter"),
    ("max-keys", "s3:max-keys"),
    ("versionId", "s3:VersionId"),
];

/// The facts of a request.
pub(crate) fn facts(request: Request<'_>) -> Facts {
    let mut facts = Facts::default();
    let header = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    for name in HEADERS {
        if let Some(value) = header(name) {
            facts.set(&format!("s3:{name}"), value);
        }
    }
    if let Some(value) = header("if-match") {
        facts.set("s3:if-match", value);
    }
    for (name, value) in query_pairs(request.query) {
        if let Some((_, key)) = PARAMETERS.iter().find(|(parameter, _)| *parameter == name) {
            facts.set(key, value);
        }
    }
    add_locks(&mut facts, &header);
    if let Some(tags) = header("x-amz-tagging").and_then(|text| parse_tags(text).ok()) {
        facts.set_all("s3:RequestObjectTagKeys", tags.keys().cloned());
        for (name, value) in tags {
            facts.set(&format!("s3:RequestObjectTag/{name}"), value);
        }
    }
    facts.set("s3:signatureversion", "AWS4-HMAC-SHA256");
    facts
}

fn add_locks<'h>(facts: &mut Facts, header: &impl Fn(&str) -> Option<&'h str>) {
    for (name, key) in [
        ("x-amz-object-lock-mode", "s3:object-lock-mode"),
        ("x-amz-object-lock-retain-until-date", "s3:object-lock-retain-until-date"),
        ("x-amz-object-lock-legal-hold", "s3:object-lock-legal-hold"),
    ] {
        if let Some(value) = header(name) {
            facts.set(key, value);
        }
    }
}
