//! The control plane's guard. What stands behind it moves clocks and wipes state, so a web page must not reach it:
//!
//! ```text
//! Host    must name this machine (else DNS rebinding lets a foreign page in)
//! Origin  must be absent, or the very host that is addressed
//! ```

use axum::Router;
use axum::body::Body;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use tower::ServiceExt;

use crate::answer::stamp;
use crate::auth::canonical;
use crate::host;

/// Paths that can be no bucket's, since a bucket's name begins with a letter or digit.
const RESERVED: &[&str] = &["/_sim", "/_localstack"];

/// Whether the request is the control plane's. `moto-api` and `health` could also be buckets: theirs are signed requests.
pub fn owns(parts: &Parts, unsigned: bool) -> bool {
    let path = parts.uri.path();
    let health = path == "/health" && (parts.method == Method::GET || parts.method == Method::HEAD);
    is_reserved(path) || (unsigned && (under(path, "/moto-api") || health))
}

/// Passes a request on to the control plane, or refuses it.
pub async fn enter(control: &Router, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let mut response = match objection(&parts) {
        Some(sentence) => forbidden(&sentence),
        None => match control.clone().oneshot(Request::from_parts(parts, body)).await {
            Ok(response) => response,
            Err(never) => match never {},
        },
    };
    stamp(&mut response, None, "");
    response
}

/// Whether no bucket can own the path.
fn is_reserved(path: &str) -> bool {
    RESERVED.iter().any(|root| under(path, root))
}

fn under(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn objection(parts: &Parts) -> Option<String> {
    let host = canonical::host(parts);
    if !host::is_loopback(host) {
        return Some(format!(
            "The control plane answers only to localhost and 127.0.0.1, and this request was addressed to '{host}'."
        ));
    }
    let foreign = host::is_foreign_origin(&parts.headers);
    foreign.then(|| "The control plane does not answer to web pages of another origin.".into())
}

fn forbidden(sentence: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(serde_json::json!({ "message": sentence }).to_string()));
    *response.status_mut() = StatusCode::FORBIDDEN;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn status(host: &str, origin: Option<&str>) -> u16 {
        let control = Router::new().route("/_sim/health", axum::routing::get(|| async { "well" }));
        let request = Request::get("/_sim/health").header("host", host);
        let request = origin.into_iter().fold(request, |request, origin| request.header("origin", origin));
        enter(&control, request.body(Body::empty()).unwrap()).await.status().as_u16()
    }

    #[tokio::test]
    async fn only_this_machine_and_its_own_pages_are_let_in() {
        assert_eq!(status("127.0.0.1:4566", None).await, 200);
        assert_eq!(status("localhost:4566", Some("http://localhost:4566")).await, 200);
        assert_eq!(status("localhost:4566", Some("http://localhost:3000")).await, 403);
        assert_eq!(status("localhost:4566", Some("null")).await, 403);
        assert_eq!(status("rebound.example:4566", None).await, 403);
        assert_eq!(status("rebound.example:4566", Some("http://rebound.example:4566")).await, 403);
    }
}
