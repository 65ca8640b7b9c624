//! Sub-resources that s3s would route to something else, and one that it cannot spell.
//!
//! - s3s takes `PUT /bucket/key?encryption`, and any sub-resource it does not know, for PutObject: the object would be
//!   overwritten by the XML. Likewise an unknown `PUT /bucket?…` is CreateBucket, and `DELETE /bucket?…` deletes it.
//!   So every sub-resource that is not in the table is refused.
//! - s3s neither reads nor writes `BlockedEncryptionTypes`; `?encryption` of a bucket and of an object is answered by
//!   own code.

use std::sync::Arc;

use async_trait::async_trait;
use http::{Extensions, HeaderMap, Method, Uri};
use s3s::path::S3Path;
use s3s::route::S3Route;
use s3s::{Body, S3Error, S3Request, S3Response, S3Result};

use crate::S3Sim;
use crate::access::{Aim, Request, no_call, query_pairs};
use crate::call::Call;
use crate::edge::told;
use crate::error::{Outcome, fault};
use crate::ops::{bucket_encryption, object_attributes, update_object_encryption};

/// Steps in before s3s dispatches.
pub(crate) struct Route(pub(crate) Arc<S3Sim>);

/// What s3s knows to route, by method and place. A name that is missing here would be taken for something else.
const ROUTED: &[(Method, Place, &[&str])] = &[
    (Method::GET, Place::Bucket, BUCKET_GET),
    (Method::HEAD, Place::Bucket, &[]),
    (Method::PUT, Place::Bucket, BUCKET_PUT),
    (Method::DELETE, Place::Bucket, BUCKET_DELETE),
    (Method::POST, Place::Bucket, &["delete", "metadataTable"]),
    (Method::GET, Place::Object, OBJECT_GET),
    (Method::HEAD, Place::Object, &["versionId", "partNumber"]),
    (Method::PUT, Place::Object, &["acl", "legal-hold", "retention", "tagging", "partNumber", "uploadId", "versionId"]),
    (Method::DELETE, Place::Object, &["tagging", "uploadId", "versionId"]),
    (Method::POST, Place::Object, &["uploads", "restore", "select", "select-type", "uploadId", "versionId"]),
];

const BUCKET_GET: &[&str] = &[
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "session",
    "tagging",
    "uploads",
    "versioning",
    "versions",
    "website",
];

const BUCKET_PUT: &[&str] = &[
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "lifecycle",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "publicAccessBlock",
    "replication",
    "requestPayment",
    "tagging",
    "versioning",
    "website",
];

const BUCKET_DELETE: &[&str] = &[
    "analytics",
    "cors",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "lifecycle",
    "metadataTable",
    "metrics",
    "ownershipControls",
    "policy",
    "publicAccessBlock",
    "replication",
    "tagging",
    "website",
];

const OBJECT_GET: &[&str] =
    &["acl", "attributes", "legal-hold", "partNumber", "retention", "tagging", "torrent", "uploadId", "versionId"];

/// Parameters, not sub-resources: they may be empty, and unknown ones with a value are AWS's to ignore.
const PARAMETERS: &[&str] = &[
    "bucket-region",
    "continuation-token",
    "delimiter",
    "encoding-type",
    "fetch-owner",
    "id",
    "key-marker",
    "list-type",
    "marker",
    "max-buckets",
    "max-keys",
    "max-parts",
    "max-uploads",
    "part-number-marker",
    "prefix",
    "start-after",
    "upload-id-marker",
    "version-id-marker",
    "x-id",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Bucket,
    Object,
}

/// What the route does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// s3s may have it.
    Pass,
    /// Ours: a bucket's default encryption.
    Encryption,
    /// Ours: attributes of an object.
    Attributes,
    /// Ours: an object's data key is to be wrapped anew.
    Rewrap,
    /// Nobody's.
    Refuse,
}

fn judge(method: &Method, uri: &Uri) -> Verdict {
    let place = match path(uri) {
        Some(S3Path::Bucket { .. }) => Place::Bucket,
        Some(S3Path::Object { .. }) => Place::Object,
        Some(S3Path::Root) | None => return Verdict::Pass,
    };
    let routed = ROUTED.iter().find(|(m, p, _)| m == method && *p == place).map_or(&[][..], |(_, _, names)| *names);
    let pairs = query_pairs(uri.query());
    if place == Place::Object && *method == Method::PUT && is_rewrap(&pairs) {
        return Verdict::Rewrap;
    }
    if pairs.iter().any(|(name, value)| is_stray(name, value, routed)) {
        return Verdict::Refuse;
    }
    let has = |wanted: &str| pairs.iter().any(|(name, _)| name == wanted);
    if place == Place::Object && *method == Method::PUT && has("uploadId") != has("partNumber") {
        return Verdict::Refuse;
    }
    // A body cannot be put into the past: only what may change of a version takes its id.
    let changeable = ["acl", "legal-hold", "retention", "tagging"].into_iter().any(has);
    if place == Place::Object && *method == Method::PUT && has("versionId") && !changeable {
        return Verdict::Refuse;
    }
    if place == Place::Object && *method == Method::GET && has("attributes") {
        return Verdict::Attributes;
    }
    if place == Place::Bucket && has("encryption") { Verdict::Encryption } else { Verdict::Pass }
}

/// `?encryption` of an object, with nothing beside it that would make it something else.
fn is_rewrap(pairs: &[(String, String)]) -> bool {
    let known = |name: &str| matches!(name, "encryption" | "versionId" | "x-id");
    pairs.iter().any(|(name, _)| name == "encryption") && pairs.iter().all(|(name, _)| known(name))
}

/// A sub-resource that this method does not have here, or a bare name that nobody knows.
fn is_stray(name: &str, value: &str, routed: &[&str]) -> bool {
    if routed.contains(&name) || PARAMETERS.contains(&name) || name.starts_with("response-") {
        return false;
    }
    let known = ROUTED.iter().any(|(_, _, names)| names.contains(&name));
    known || value.is_empty()
}

fn path(uri: &Uri) -> Option<S3Path> {
    let decoded = percent_encoding::percent_decode_str(uri.path()).decode_utf8().ok()?;
    s3s::path::parse_path_style(&decoded).ok()
}

#[async_trait]
impl S3Route for Route {
    fn is_match(&self, method: &Method, uri: &Uri, _headers: &HeaderMap, _extensions: &mut Extensions) -> bool {
        judge(method, uri) != Verdict::Pass
    }

    async fn check_access(&self, request: &mut S3Request<Body>) -> S3Result<()> {
        let call = call_of(request)?;
        let entered = self.enter(&call, request);
        entered.map_err(|fault| told(&call, fault))
    }

    async fn call(&self, request: S3Request<Body>) -> S3Result<S3Response<Body>> {
        let call = call_of(&request)?;
        let answer = match path(&request.uri) {
            Some(S3Path::Bucket { bucket }) => bucket_encryption::run(&self.0, &call, &bucket, request).await,
            Some(S3Path::Object { bucket, key }) => {
                if judge(&request.method, &request.uri) == Verdict::Attributes {
                    object_attributes::run(&self.0, &call, (&bucket, &key), request).await
                } else {
                    update_object_encryption::run(&self.0, &call, &bucket, &key, request).await
                }
            }
            Some(S3Path::Root) | None => Err(unknown()),
        };
        answer.map_err(|fault| told(&call, fault))
    }
}

impl Route {
    fn enter(&self, call: &Call, request: &S3Request<Body>) -> Outcome<()> {
        let path = path(&request.uri).ok_or_else(unknown)?;
        let operation = match judge(&request.method, &request.uri) {
            Verdict::Encryption => bucket_encryption::operation(&request.method).ok_or_else(unknown)?,
            Verdict::Attributes => "GetObjectAttributes",
            Verdict::Rewrap => update_object_encryption::OPERATION,
            Verdict::Refuse | Verdict::Pass => return Err(unknown()),
        };
        let seen = Request { headers: &request.headers, query: request.uri.query() };
        self.0.gate.enter(call, operation, Aim::of(&path), seen)
    }
}

fn unknown() -> aws_core::fault::ApiFault {
    fault("NotImplemented", 501, "A header you provided implies functionality that is not implemented")
}

fn call_of(request: &S3Request<Body>) -> Result<Arc<Call>, S3Error> {
    request.extensions.get::<Arc<Call>>().cloned().ok_or_else(no_call)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_s3s_would_misroute_is_caught() {
        for (request, verdict) in [
            ("PUT /bkt/k?encryption", Verdict::Rewrap),
            ("PUT /bkt/k?encryption&annotation", Verdict::Refuse),
            ("GET /bkt/k?encryption", Verdict::Refuse),
            ("PUT /bkt/k?annotation", Verdict::Refuse),
            ("PUT /bkt/k?renameObject", Verdict::Refuse),
            ("PUT /bkt/k?torrent", Verdict::Refuse),
            ("PUT /bkt/k?uploadId=u", Verdict::Refuse),
            ("PUT /bkt/k?versionId=v", Verdict::Refuse),
            ("PUT /bkt/k?tagging&versionId=v", Verdict::Pass),
            ("GET /bkt/k?attributes", Verdict::Attributes),
            ("PUT /bkt/k?partNumber=1&uploadId=u", Verdict::Pass),
            ("DELETE /bkt/k?acl", Verdict::Refuse),
            ("DELETE /bkt?acl", Verdict::Refuse),
            ("DELETE /bkt?abac", Verdict::Refuse),
            ("PUT /bkt?abac", Verdict::Refuse),
            ("PUT /bkt?versions", Verdict::Refuse),
            ("PUT /bkt?encryption", Verdict::Encryption),
            ("GET /bkt/?encryption=", Verdict::Encryption),
            ("DELETE /bkt?encryption", Verdict::Encryption),
            ("GET /bkt?list-type=2&prefix=&delimiter=%2F", Verdict::Pass),
            ("GET /bkt/k?response-content-type=text%2Fplain&x-id=GetObject", Verdict::Pass),
            ("GET /bkt/k?cache-buster=17", Verdict::Pass),
            ("GET /", Verdict::Pass),
        ] {
            let (method, uri) = request.split_once(' ').unwrap();
            assert_eq!(judge(&method.parse().unwrap(), &uri.parse().unwrap()), verdict, "{request}");
        }
    }
}
