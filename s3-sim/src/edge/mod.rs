//! The rim around s3s: what comes in is made plain for it, what goes out gets what it leaves out.
//!
//! ```text
//! request ─▶ virtual host becomes path, nonsense ranges are dropped ─▶ s3s ─▶ Service
//!                        subresource: what s3s would misroute ◀──┘      cors     what a browser asks first
//! answer  ◀─ error body with all members, request ids, no body for HEAD and 304; the notebook is closed
//! ```

mod cors;
pub(crate) mod plain;
mod promised;
pub(crate) mod subresource;

use std::convert::Infallible;
use std::sync::Arc;

use aws_core::call::CallContext;
use aws_core::fault::ApiFault;
use aws_wire::body::BodyFault;
use aws_wire::fault::Protocol;
use aws_wire::route::{LegacySignature, S3Door};
use axum::body::Body;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use s3s::auth::{S3Auth, SecretKey};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3Error, S3ErrorCode, S3Result};
use tower::util::BoxCloneSyncService;

use crate::S3Sim;
use crate::access::call_error;
use crate::call::Call;
use crate::error::{access_denied, internal};
use crate::service::Service;

/// Error bodies of s3s are short.
const ERROR_BODY_LIMIT: usize = 64 << 10;

/// The whole service behind one tower service.
pub(crate) fn door(sim: Arc<S3Sim>) -> S3Door {
    let mut builder = S3ServiceBuilder::new(Service(sim.clone()));
    builder.set_auth(NoSecrets);
    builder.set_access(sim.gate.clone());
    builder.set_route(subresource::Route(sim.clone()));
    let s3s = builder.build();
    BoxCloneSyncService::new(tower::service_fn(move |request| {
        let (sim, s3s) = (sim.clone(), s3s.clone());
        async move { Ok::<_, Infallible>(serve(&sim, &s3s, request).await) }
    }))
}

async fn serve(sim: &S3Sim, s3s: &S3Service, mut request: Request<Body>) -> Response<Body> {
    let method = request.method().clone();
    let Some(ctx) = request.extensions().get::<CallContext>().cloned() else {
        return told_in_xml(&access_denied("Access Denied"), &method, "");
    };
    let legacy = request.extensions().get::<LegacySignature>().is_some();
    let call = Arc::new(Call::new(ctx).signed_by_version_2(legacy));
    request.extensions_mut().insert(call.clone());
    let (outcome, asked) = match plain::make_plain(request) {
        Ok(request) => {
            let asked = cors::Asked::read(&request);
            (answered(sim, s3s, &call, request, asked.as_ref()).await, asked)
        }
        Err(fault) => (Err(fault), None),
    };
    let id = &call.ctx.request_id;
    let headers = call.take_headers();
    call.additional("x-amz-id-2", aws_wire::fault::host_id(id));
    call.close(&*sim.world.sink, outcome.as_ref().err().and_then(trail_error));
    let mut response = outcome.unwrap_or_else(|fault| told_in_xml(&fault, &method, id));
    if let Some(asked) = asked.filter(|_| method != Method::OPTIONS) {
        asked.decorate(sim, response.headers_mut());
    }
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    aws_wire::answer::stamp(&mut response, Some(Protocol::S3), id);
    response
}

/// A client that has the object already was not refused anything.
fn trail_error(fault: &ApiFault) -> Option<aws_core::event::CallError> {
    (fault.status != 304).then(|| call_error(&fault.code, fault.message.as_deref()))
}

async fn answered(
    sim: &S3Sim,
    s3s: &S3Service,
    call: &Arc<Call>,
    request: Request<Body>,
    asked: Option<&cors::Asked>,
) -> Result<Response<Body>, ApiFault> {
    if *request.method() == Method::OPTIONS {
        return asked.ok_or_else(cors::no_question)?.preflight(sim);
    }
    through_s3s(s3s, call, promised::held(request)?).await
}

async fn through_s3s(s3s: &S3Service, call: &Arc<Call>, request: Request<Body>) -> Result<Response<Body>, ApiFault> {
    let request = request.map(|body| watched(body, call.clone()));
    let answered = s3s.call(request).await.map_err(|error| {
        tracing::error!(?error, "s3s could not answer");
        internal()
    })?;
    if answered.status().as_u16() < 300 {
        let mut answered = answered.map(Body::new);
        if let Some(status) = call.take_status() {
            *answered.status_mut() = status;
        }
        return Ok(answered);
    }
    match call.take_fault() {
        Some(fault) => Err(fault),
        None => Err(s3s_fault(answered).await),
    }
}

/// A body whose faults are remembered: s3s would call any of them an internal error.
fn watched(body: Body, call: Arc<Call>) -> s3s::Body {
    s3s::Body::http_body_unsync(body.map_err(move |error| {
        if let Some(fault) = BodyFault::find(&error) {
            call.fail(fault.clone());
        }
        error
    }))
}

/// What s3s itself found wrong, with AWS's sentence where it has none.
async fn s3s_fault(answer: Response<s3s::Body>) -> ApiFault {
    let status = answer.status().as_u16();
    let Ok(body) = Limited::new(answer.into_body(), ERROR_BODY_LIMIT).collect().await else { return internal() };
    let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
    let code = element(&text, "Code").unwrap_or("InternalError").to_owned();
    let message = sentence(&code).map(str::to_owned);
    let message = message.or_else(|| element(&text, "Message").map(unescape)).unwrap_or_else(|| code.clone());
    let fault = ApiFault::client(code, message).with_status(status);
    match argument(fault.message.as_deref().unwrap_or_default()) {
        Some((name, value)) => fault.clone().with("ArgumentName", name).with("ArgumentValue", value),
        None => fault,
    }
}

/// s3s names a bad header or parameter in its sentence: `invalid header: <name>: "<value>"`.
fn argument(sentence: &str) -> Option<(&str, &str)> {
    let named = sentence.strip_prefix("invalid header: ").or_else(|| sentence.strip_prefix("invalid query: "))?;
    let (name, value) = named.split_once(": ")?;
    Some((name, value.trim_matches('"')))
}

fn element<'t>(xml: &'t str, name: &str) -> Option<&'t str> {
    let start = xml.find(&format!("<{name}>"))? + name.len() + 2;
    let end = xml[start..].find(&format!("</{name}>"))?;
    Some(&xml[start..start + end])
}

fn unescape(text: &str) -> String {
    quick_xml::escape::unescape(text).map_or_else(|_| text.to_owned(), std::borrow::Cow::into_owned)
}

/// AWS's sentences for what s3s refuses in its own words or in none.
fn sentence(code: &str) -> Option<&'static str> {
    Some(match code {
        "InvalidBucketName" => "The specified bucket is not valid.",
        "KeyTooLongError" => "Your key is too long",
        "InvalidURI" => "Couldn't parse the specified URI.",
        "MethodNotAllowed" => "The specified method is not allowed against this resource.",
        "MalformedXML" => "The XML you provided was not well-formed or did not validate against our published schema",
        "MissingContentLength" => "You must provide the Content-Length HTTP header.",
        "MaxMessageLengthExceeded" => "Your request was too big.",
        "MissingRequestBodyError" => "Request body is empty.",
        "NotImplemented" => "A header you provided implies functionality that is not implemented",
        "InternalError" => "We encountered an internal error. Please try again.",
        _ => return None,
    })
}

fn told_in_xml(fault: &ApiFault, method: &Method, request_id: &str) -> Response<Body> {
    let mut fault = fault.clone();
    let etag = (fault.status == 304).then(|| fault.detail.pop()).flatten();
    let mut response = aws_wire::fault::answer(&fault, Protocol::S3, request_id);
    if let Some(value) = etag.and_then(|(_, value)| HeaderValue::try_from(value).ok()) {
        response.headers_mut().insert(http::header::ETAG, value);
    }
    if *method == Method::HEAD || response.status() == StatusCode::NOT_MODIFIED {
        *response.body_mut() = Body::empty();
    }
    response
}

/// Keeps the whole fault for the answer and gives s3s what it can carry.
pub(crate) fn told(call: &Call, fault: ApiFault) -> S3Error {
    let code = S3ErrorCode::from_bytes(fault.code.as_bytes()).unwrap_or(S3ErrorCode::InternalError);
    let mut error = S3Error::with_message(code, fault.message.clone().unwrap_or_default());
    error.set_status_code(StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    call.fail(fault);
    error
}

/// s3s consults its access check only when it has some authenticator; the wire has proven the caller already, and
/// no signature reaches s3s.
struct NoSecrets;

#[async_trait::async_trait]
impl S3Auth for NoSecrets {
    async fn get_secret_key(&self, _access_key: &str) -> S3Result<SecretKey> {
        Err(S3Error::with_message(S3ErrorCode::AccessDenied, "Access Denied"))
    }
}
