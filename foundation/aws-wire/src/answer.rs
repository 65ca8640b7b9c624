//! How each protocol wraps what a service answered.
//!
//! ```text
//! JSON 1.1   the service's JSON, application/x-amz-json-1.1; no body at all where an operation returns nothing
//! Query      <XResponse xmlns="…"><XResult>…</XResult><ResponseMetadata><RequestId/></ResponseMetadata></XResponse>
//! EC2        <XResponse xmlns="…"><requestId/>…</XResponse>
//! REST, S3   as the service answered
//! ```

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Response};

use crate::fault::{Protocol, host_id};
use crate::service::Dialect;
use crate::xml::escape;

/// Content type of JSON 1.1.
pub const JSON: &str = "application/x-amz-json-1.1";

/// What stands before EC2's and S3's XML.
pub const XML_DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// A JSON 1.1 answer.
pub fn json(body: Bytes) -> Response<Body> {
    typed(JSON, body)
}

/// A Query or EC2 answer around `result`, the XML that the service wrote.
pub fn query(dialect: Dialect, action: &str, result: &str, request_id: &str) -> Response<Body> {
    match dialect {
        Dialect::Query { xmlns } => typed("text/xml", query_body(xmlns, action, result, request_id).into()),
        Dialect::Ec2 { xmlns } => typed("text/xml;charset=UTF-8", ec2_body(xmlns, action, result, request_id).into()),
    }
}

/// Names the request and the simulator in the headers, as each protocol does.
pub fn stamp(response: &mut Response<Body>, protocol: Option<Protocol>, request_id: &str) {
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-sse-sim"), HeaderValue::from_static("simulator"));
    let Ok(id) = HeaderValue::from_str(request_id) else { return };
    match protocol {
        None => {}
        Some(Protocol::S3) => {
            headers.entry("x-amz-request-id").or_insert(id);
            let host = HeaderValue::from_str(&host_id(request_id)).expect("base64 is a header value");
            headers.entry("x-amz-id-2").or_insert(host);
            headers.entry("server").or_insert(HeaderValue::from_static("AmazonS3"));
        }
        Some(Protocol::Json | Protocol::Query(_) | Protocol::Rest) => {
            headers.insert(HeaderName::from_static("x-amzn-requestid"), id);
        }
    }
}

fn typed(kind: &'static str, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn query_body(xmlns: &str, action: &str, result: &str, request_id: &str) -> String {
    let id = escape(request_id);
    let result = match result {
        "" => String::new(),
        xml => format!("<{action}Result>{xml}</{action}Result>"),
    };
    format!(
        "<{action}Response xmlns=\"{xmlns}\">{result}<ResponseMetadata><RequestId>{id}</RequestId></ResponseMetadata>\
         </{action}Response>"
    )
}

fn ec2_body(xmlns: &str, action: &str, result: &str, request_id: &str) -> String {
    let id = escape(request_id);
    format!(
        "{XML_DECLARATION}<{action}Response xmlns=\"{xmlns}\"><requestId>{id}</requestId>{result}</{action}Response>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_wrapped_as_each_dialect_wraps_them() {
        assert_eq!(
            query_body("u", "GetUser", "<User/>", "r"),
            "<GetUserResponse xmlns=\"u\"><GetUserResult><User/></GetUserResult><ResponseMetadata><RequestId>r</RequestId>\
             </ResponseMetadata></GetUserResponse>"
        );
        assert_eq!(
            ec2_body("u", "CreateVolume", "<size>1</size>", "r"),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CreateVolumeResponse xmlns=\"u\"><requestId>r</requestId>\
             <size>1</size></CreateVolumeResponse>"
        );
    }
}
