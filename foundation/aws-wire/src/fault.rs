//! How each protocol prints a fault. One table; a service only names code, status and sentence.
//!
//! ```text
//! JSON 1.1    {"__type":"NotFoundException","message":"…"}         KMS's AccessDeniedException writes "Message"
//! REST-JSON   x-amzn-errortype: ValidationException                 {"Message":"…","Reason":"…"}
//! Query       <ErrorResponse xmlns="…"><Error><Type>Sender</Type><Code/><Message/></Error><RequestId/></ErrorResponse>
//! EC2         <Response><Errors><Error><Code/><Message/></Error></Errors><RequestID/></Response>
//! S3          <Error><Code/><Message/>…detail…<RequestId/><HostId/></Error>
//! ```

use aws_core::fault::ApiFault;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::answer::{self, XML_DECLARATION};
use crate::service::Dialect;
use crate::xml::Element;

/// In whose words a caller is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// AWS JSON 1.1.
    Json,
    /// Query and EC2.
    Query(Dialect),
    /// REST-JSON.
    Rest,
    /// S3's REST-XML.
    S3,
}

/// The answer that carries `fault`.
pub fn answer(fault: &ApiFault, protocol: Protocol, request_id: &str) -> Response<Body> {
    let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (kind, body) = match protocol {
        Protocol::Json => (answer::JSON, json_body(fault)),
        Protocol::Rest => ("application/json", rest_body(fault)),
        Protocol::Query(Dialect::Query { xmlns }) => ("text/xml", query_body(fault, xmlns, request_id)),
        Protocol::Query(Dialect::Ec2 { .. }) => ("text/xml;charset=UTF-8", ec2_body(fault, request_id)),
        Protocol::S3 => ("application/xml", s3_body(fault, request_id)),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if let (Protocol::Rest, Ok(code)) = (protocol, HeaderValue::from_str(&fault.code)) {
        response.headers_mut().insert(HeaderName::from_static("x-amzn-errortype"), code);
    }
    response
}

/// What a caller is told when the simulator itself broke. The cause stays in the log.
pub fn internal(protocol: Protocol) -> ApiFault {
    let (code, message) = match protocol {
        Protocol::Json | Protocol::Rest | Protocol::Query(Dialect::Query { .. }) => ("InternalFailure", None),
        Protocol::Query(Dialect::Ec2 { .. }) => ("InternalError", Some("An internal error has occurred")),
        Protocol::S3 => ("InternalError", Some("We encountered an internal error. Please try again.")),
    };
    ApiFault { message: message.map(Into::into), ..ApiFault::bare(code) }.with_status(500)
}

/// `HostId` and `x-amz-id-2`: opaque to clients, derived here so that body and header agree.
pub fn host_id(request_id: &str) -> String {
    STANDARD.encode(Sha256::digest(request_id.as_bytes()))
}

fn json_body(fault: &ApiFault) -> String {
    let message = if fault.code == "AccessDeniedException" { "Message" } else { "message" };
    let mut body = Map::new();
    body.insert("__type".into(), fault.code.as_ref().into());
    members(fault, message, &mut body);
    Value::Object(body).to_string()
}

fn rest_body(fault: &ApiFault) -> String {
    let mut body = Map::new();
    members(fault, "Message", &mut body);
    Value::Object(body).to_string()
}

fn members(fault: &ApiFault, message: &str, body: &mut Map<String, Value>) {
    if let Some(text) = &fault.message {
        body.insert(message.into(), text.as_str().into());
    }
    for (name, value) in &fault.detail {
        body.insert((*name).into(), value.as_str().into());
    }
}

fn error_element(fault: &ApiFault, mut element: Element) -> Element {
    element = element.leaf("Code", &fault.code).leaf("Message", fault.message.as_deref().unwrap_or_default());
    fault.detail.iter().fold(element, |element, (name, value)| element.leaf(*name, value))
}

fn query_body(fault: &ApiFault, xmlns: &'static str, request_id: &str) -> String {
    let side = if fault.status < 500 { "Sender" } else { "Receiver" };
    let error = error_element(fault, Element::new("Error").leaf("Type", side));
    Element::new("ErrorResponse").attribute("xmlns", xmlns).child(error).leaf("RequestId", request_id).render()
}

fn ec2_body(fault: &ApiFault, request_id: &str) -> String {
    let errors = Element::new("Errors").child(error_element(fault, Element::new("Error")));
    let response = Element::new("Response").child(errors).leaf("RequestID", request_id);
    format!("{XML_DECLARATION}{}", response.render())
}

fn s3_body(fault: &ApiFault, request_id: &str) -> String {
    let error = error_element(fault, Element::new("Error"));
    let error = error.leaf("RequestId", request_id).leaf("HostId", host_id(request_id));
    format!("{XML_DECLARATION}{}", error.render())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(fault: &ApiFault, protocol: Protocol) -> String {
        use futures::FutureExt;
        let read = axum::body::to_bytes(answer(fault, protocol, "rid").into_body(), 1 << 16);
        String::from_utf8(read.now_or_never().unwrap().unwrap().to_vec()).unwrap()
    }

    #[test]
    fn every_protocol_says_it_in_its_own_words() {
        let fault = ApiFault::client("NoSuch<Thing>", "a & b").with_status(404).with("Reason", "X");
        let query = Dialect::Query { xmlns: "https://iam/" };
        assert_eq!(body(&fault, Protocol::Json), r#"{"__type":"NoSuch<Thing>","message":"a & b","Reason":"X"}"#);
        assert_eq!(body(&fault, Protocol::Rest), r#"{"Message":"a & b","Reason":"X"}"#);
        assert_eq!(
            body(&fault, Protocol::Query(query)),
            "<ErrorResponse xmlns=\"https://iam/\"><Error><Type>Sender</Type><Code>NoSuch&lt;Thing&gt;</Code>\
             <Message>a &amp; b</Message><Reason>X</Reason></Error><RequestId>rid</RequestId></ErrorResponse>"
        );
        assert_eq!(
            body(&fault, Protocol::Query(Dialect::Ec2 { xmlns: "x" })),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>NoSuch&lt;Thing&gt;</Code>\
             <Message>a &amp; b</Message><Reason>X</Reason></Error></Errors><RequestID>rid</RequestID></Response>"
        );
        assert!(body(&fault, Protocol::S3).contains("<Reason>X</Reason><RequestId>rid</RequestId><HostId>"));
    }

    #[test]
    fn a_fault_without_a_message_has_no_such_member() {
        assert_eq!(
            body(&ApiFault::bare("InvalidMarkerException"), Protocol::Json),
            r#"{"__type":"InvalidMarkerException"}"#
        );
    }

    #[test]
    fn kms_denies_with_a_capital_letter() {
        let denied = ApiFault::client("AccessDeniedException", "no");
        assert_eq!(body(&denied, Protocol::Json), r#"{"__type":"AccessDeniedException","Message":"no"}"#);
    }
}
