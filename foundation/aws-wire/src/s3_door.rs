//! The way of an S3 request: prove the caller, wrap the body, take the signature off, hand over.
//!
//! Behind this door a request looks unsigned: no `Authorization`, no `X-Amz-*` of a presigned URL. Whoever reads it finds
//! in its extensions the `CallContext`, the `VirtualBucket` if the host named one, `LegacySignature` if it was signed with
//! version 2, and `Trailers` if some will follow.

use aws_core::fault::ApiFault;
use axum::body::Body;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Request, Response, Uri};
use tower::ServiceExt;

use crate::auth::claim::{Claim, Style};
use crate::auth::{Admission, Knock, Payload, canonical};
use crate::fault::Protocol;
use crate::place::ReadClaim;
use crate::query::Params;
use crate::route::{Doors, LegacySignature, VirtualBucket};
use crate::{answer, body, fault, host};

/// Answers an S3 request. `id` names it.
pub async fn enter(doors: &Doors, claim: ReadClaim, parts: Parts, body: Body, id: String) -> Response<Body> {
    let mut response = match admitted(doors, claim, parts, body, &id) {
        Err(fault) => fault::answer(&fault, Protocol::S3, &id),
        Ok(request) => match &doors.s3 {
            None => fault::answer(&not_served(), Protocol::S3, &id),
            Some(door) => match door.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            },
        },
    };
    answer::stamp(&mut response, Some(Protocol::S3), &id);
    response
}

fn not_served() -> ApiFault {
    ApiFault::client("NotImplemented", "S3 is not served by this process.").with_status(501)
}

fn admitted(
    doors: &Doors,
    claim: ReadClaim,
    mut parts: Parts,
    body: Body,
    id: &str,
) -> Result<Request<Body>, ApiFault> {
    let claim = claim.map_err(|refusal| refusal.fault(Protocol::S3))?;
    let Admission { context, proof } = {
        let (parts, claim) = (&parts, claim.as_ref());
        let knock = Knock { parts, claim, payload: Payload::Streamed, protocol: Protocol::S3, service: Some("s3") };
        doors.gate.admit(&knock, id.into()).map_err(|refusal| refusal.fault(Protocol::S3))?
    };
    let body = body::guard(&mut parts, body, proof.as_ref())?;
    strip(&mut parts, claim.as_ref());
    if let Some(bucket) = host::bucket(canonical::host(&parts)) {
        parts.extensions.insert(VirtualBucket(bucket));
    }
    if claim.is_some_and(|claim| matches!(claim.style, Style::Legacy { .. })) {
        parts.extensions.insert(LegacySignature);
    }
    parts.extensions.insert(context);
    Ok(Request::from_parts(parts, body))
}

/// Takes the signature off. What a presigned URL says in `x-amz-*` parameters instead of headers becomes headers, since
/// S3 reads both alike.
fn strip(parts: &mut Parts, claim: Option<&Claim>) {
    parts.headers.remove("x-amz-security-token");
    let Some(query) = parts.uri.query().map(String::from) else { return };
    let presigned = claim.is_some_and(|claim| claim.style != Style::Header);
    let mut kept = Vec::new();
    for pair in query.split('&') {
        let decoded = Params::parse(pair.as_bytes());
        let (name, value) = decoded.iter().next().unwrap_or_default();
        if presigned && is_header(name) {
            hoist(parts, name, value);
        } else if !Claim::is_parameter(name) || (!presigned && !name.starts_with("X-Amz-")) {
            kept.push(pair);
        }
    }
    let text = match kept.is_empty() {
        true => parts.uri.path().to_owned(),
        false => format!("{}?{}", parts.uri.path(), kept.join("&")),
    };
    parts.uri = with_path(&parts.uri, &text);
}

/// Headers that a presigned URL may carry as parameters; the last two only in version 2.
fn is_header(name: &str) -> bool {
    let amz = name.starts_with("x-amz-") && name != "x-amz-security-token";
    amz || name == "content-type" || name == "content-md5"
}

fn hoist(parts: &mut Parts, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
        parts.headers.entry(name).or_insert(value);
    }
}

fn with_path(uri: &Uri, text: &str) -> Uri {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(text).ok();
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(uri: &str) -> Parts {
        let mut parts = Request::get(uri).body(()).unwrap().into_parts().0;
        let claim = Claim::read(&parts).unwrap();
        strip(&mut parts, claim.as_ref());
        parts
    }

    #[test]
    fn a_presigned_url_loses_its_signature_and_keeps_the_rest() {
        let uri = "/b/k%20x?versionId=1&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=K%2F20260115%2Fr%2Fs3%2Faws4_request\
                   &X-Amz-Date=d&X-Amz-Expires=1&X-Amz-SignedHeaders=host&X-Amz-Signature=f&X-Amz-Security-Token=t\
                   &x-amz-server-side-encryption=aws%3Akms&x-id=GetObject";
        let parts = stripped(uri);
        assert_eq!(parts.uri, "/b/k%20x?versionId=1&x-id=GetObject");
        assert_eq!(parts.headers["x-amz-server-side-encryption"], "aws:kms");
        let legacy = stripped("/b/k?AWSAccessKeyId=K&Signature=s&content-type=text%2Fplain&Expires=9");
        assert_eq!(
            (legacy.uri.to_string().as_str(), &legacy.headers["content-type"]),
            ("/b/k", &"text/plain".parse().unwrap())
        );
    }

    #[test]
    fn parameters_of_an_unsigned_request_are_its_own() {
        assert_eq!(stripped("/b?Expires=9&Signature=x&acl").uri, "/b?Expires=9&Signature=x&acl");
        assert_eq!(stripped("/b").uri, "/b");
    }
}
