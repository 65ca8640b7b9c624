//! A request made plain for s3s: path style, and without what s3s would refuse although AWS does not.

use aws_core::fault::ApiFault;
use aws_wire::route::VirtualBucket;
use axum::body::Body;
use http::header::{AUTHORIZATION, CONTENT_TYPE, RANGE};
use http::uri::PathAndQuery;
use http::{Method, Request, Uri};

use crate::error::{Outcome, fault, not_implemented};

/// Rewrites a request in place.
pub(crate) fn make_plain(mut request: Request<Body>) -> Outcome<Request<Body>> {
    if is_form(&request) {
        return Err(not_implemented("POST form"));
    }
    // The caller is in the extensions; a signature left over would only mislead s3s.
    request.headers_mut().remove(AUTHORIZATION);
    if let Some(VirtualBucket(bucket)) = request.extensions().get::<VirtualBucket>().cloned() {
        *request.uri_mut() = path_style(request.uri(), &bucket)?;
    }
    drop_nonsense_range(&mut request);
    Ok(request)
}

/// POST forms are signed inside the form; their room is to come.
fn is_form(request: &Request<Body>) -> bool {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    *request.method() == Method::POST && kind.to_ascii_lowercase().starts_with("multipart/form-data")
}

fn path_style(uri: &Uri, bucket: &str) -> Outcome<Uri> {
    let text = format!("/{bucket}{}", uri.path_and_query().map_or("/", PathAndQuery::as_str));
    let path = PathAndQuery::try_from(text).map_err(|_| bad_uri())?;
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path);
    Uri::from_parts(parts).map_err(|_| bad_uri())
}

fn bad_uri() -> ApiFault {
    fault("InvalidURI", 400, "Couldn't parse the specified URI.")
}

/// RFC 9110: a range that cannot be read is no range; the whole object is the answer.
fn drop_nonsense_range(request: &mut Request<Body>) {
    let readable = |value: &http::HeaderValue| value.to_str().is_ok_and(|text| s3s::dto::Range::parse(text).is_ok());
    if request.headers().get(RANGE).is_some_and(|value| !readable(value)) {
        request.headers_mut().remove(RANGE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_host_becomes_a_path_without_touching_the_key() {
        let uri = |text: &str| path_style(&text.parse().unwrap(), "b").unwrap().to_string();
        assert_eq!(uri("/a%2Fb//c?versionId=1"), "/b/a%2Fb//c?versionId=1");
        assert_eq!(uri("/"), "/b/");
        assert_eq!(uri("/../x"), "/b/../x");
    }

    #[test]
    fn a_range_that_cannot_be_read_is_no_range() {
        for (range, kept) in [("bytes=0-1", true), ("bytes=-5", true), ("bytes=5-1", false), ("lines=1-2", false)] {
            let mut request = Request::get("/b/k").header(RANGE, range).body(Body::empty()).unwrap();
            drop_nonsense_range(&mut request);
            assert_eq!(request.headers().contains_key(RANGE), kept, "{range}");
        }
    }
}
