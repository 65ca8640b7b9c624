//! Cross-origin requests: what a browser asks beforehand, and what it is told with each answer.
//!
//! The first rule that fits decides, as at AWS: origin, method and every header asked for. The rules say what a page
//! may read; they let nobody in.

use aws_core::fault::ApiFault;
use axum::body::Body;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Response};
use s3s::dto::{CORSConfiguration, CORSRule};
use s3s::path::S3Path;

use crate::S3Sim;
use crate::error::{Outcome, fault};
use crate::store::documents::Kind;

const ORIGIN: HeaderName = http::header::ORIGIN;
const METHOD: HeaderName = http::header::ACCESS_CONTROL_REQUEST_METHOD;
const HEADERS: HeaderName = http::header::ACCESS_CONTROL_REQUEST_HEADERS;

/// What a request says of its origin, kept while the request is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    bucket: String,
    is_object: bool,
    origin: String,
    method: String,
    headers: Vec<String>,
}

impl Asked {
    /// Reads a path-style request; `None` for one that is not cross-origin.
    pub(crate) fn read<B>(request: &Request<B>) -> Option<Self> {
        let text = |name: &HeaderName| request.headers().get(name).and_then(|value| value.to_str().ok());
        let origin = text(&ORIGIN)?.to_owned();
        let decoded = percent_encoding::percent_decode_str(request.uri().path()).decode_utf8().ok()?;
        let (bucket, is_object) = match s3s::path::parse_path_style(&decoded).ok()? {
            S3Path::Bucket { bucket } => (bucket.into(), false),
            S3Path::Object { bucket, .. } => (bucket.into(), true),
            S3Path::Root => return None,
        };
        let method = text(&METHOD).filter(|_| *request.method() == Method::OPTIONS);
        let method = method.unwrap_or(request.method().as_str()).to_owned();
        let headers = text(&HEADERS).unwrap_or("").split(',').map(str::trim).filter(|name| !name.is_empty());
        Some(Self { bucket, is_object, origin, method, headers: headers.map(str::to_ascii_lowercase).collect() })
    }

    /// Answers a preflight.
    pub(crate) fn preflight(&self, sim: &S3Sim) -> Outcome<Response<Body>> {
        sim.rows.bucket(&self.bucket)?;
        let Some(set) = self.rules(sim)? else {
            return Err(self.refused("CORSResponse: CORS is not enabled for this bucket."));
        };
        let rule = self.matching(&set).ok_or_else(|| {
            self.refused(
                "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, \
                 request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted \
                 by the resource's CORS spec.",
            )
        })?;
        let mut response = Response::new(Body::empty());
        self.tell(rule, response.headers_mut());
        if !self.headers.is_empty() {
            put(response.headers_mut(), "access-control-allow-headers", &self.headers.join(", "));
        }
        if let Some(age) = rule.max_age_seconds {
            put(response.headers_mut(), "access-control-max-age", &age.to_string());
        }
        Ok(response)
    }

    /// Adds what a page needs to read an answer.
    pub(crate) fn decorate(&self, sim: &S3Sim, headers: &mut HeaderMap) {
        // Whoever caused the answer has been told already what is wrong with the store.
        let Ok(Some(set)) = self.rules(sim) else { return };
        if let Some(rule) = self.matching(&set) {
            self.tell(rule, headers);
        }
    }

    fn rules(&self, sim: &S3Sim) -> Outcome<Option<CORSConfiguration>> {
        sim.rows.document(&self.bucket, Kind::Cors)
    }

    fn matching<'s>(&self, set: &'s CORSConfiguration) -> Option<&'s CORSRule> {
        set.cors_rules.iter().find(|rule| {
            let allowed = rule.allowed_headers.as_deref().unwrap_or_default();
            let header = |name: &String| allowed.iter().any(|pattern| fits(&pattern.to_ascii_lowercase(), name));
            rule.allowed_origins.iter().any(|pattern| fits(pattern, &self.origin))
                && rule.allowed_methods.contains(&self.method)
                && self.headers.iter().all(header)
        })
    }

    fn tell(&self, rule: &CORSRule, headers: &mut HeaderMap) {
        let everybody = rule.allowed_origins.iter().any(|origin| origin == "*");
        put(headers, "access-control-allow-origin", if everybody { "*" } else { &self.origin });
        if !everybody {
            put(headers, "access-control-allow-credentials", "true");
        }
        put(headers, "access-control-allow-methods", &rule.allowed_methods.join(", "));
        if let Some(exposed) = rule.expose_headers.as_ref().filter(|exposed| !exposed.is_empty()) {
            put(headers, "access-control-expose-headers", &exposed.join(", "));
        }
        put(headers, "vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
    }

    fn refused(&self, message: &str) -> ApiFault {
        fault("AccessForbidden", 403, message)
            .with("Method", &self.method)
            .with("ResourceType", if self.is_object { "OBJECT" } else { "BUCKET" })
    }
}

/// 400: a browser that asks says from where and for what.
pub(crate) fn no_question() -> ApiFault {
    fault("BadRequest", 400, "Insufficient information. Origin request header needed.")
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// A pattern with at most one star.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_star_stands_for_anything() {
        for (pattern, text, expected) in [
            ("*", "https://a.example", true),
            ("https://*.example", "https://a.example", true),
            ("https://*.example", "https://.example", true),
            ("https://*.example", "http://a.example", false),
            ("x-amz-*", "x-amz-date", true),
            ("ab*ba", "aba", false),
            ("https://a.example", "https://a.example", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
