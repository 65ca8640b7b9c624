//! One port, many services: where a request belongs, and its way there.
//!
//! ```text
//! /_sim/* /_localstack/* /moto-api/* /health    the control plane (guarded, never signed)
//! scope s3                                      S3
//! X-Amz-Target: Prefix.Operation                JSON 1.1
//! scope iam, sts, ec2; or a form with Action    Query
//! scope ebs                                     REST
//! scope of anything else                        refused: UnknownOperationException, 404
//! everything else                               S3: path style, or bucket.localhost
//! ```
//!
//! Deliberately absent: knowledge of any operation. Which action a service has is the service's to say.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use aws_core::fault::ApiFault;
use axum::Router;
use axum::body::Body;
use futures::FutureExt;
use http::{Request, Response};
use tower::util::BoxCloneSyncService;

use crate::answer::stamp;
use crate::auth::{Gate, s3_request_id};
use crate::fault::{self, Protocol};
use crate::place::Place;
use crate::service::{JsonService, QueryService, RestService};
use crate::{buffered, control, s3_door};

/// Where S3 requests go: the original request, unsigned, its body decoded, with a
/// [`CallContext`](aws_core::call::CallContext) and perhaps a [`VirtualBucket`] in its extensions.
pub type S3Door = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

/// The bucket that the host named, for requests in virtual-hosted style.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualBucket(pub String);

/// In the extensions of a request that a version 2 signature proved: S3 does not let such a one use KMS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegacySignature;

/// Everything behind the port.
pub struct Doors {
    /// KMS, CloudTrail.
    pub json: Vec<Arc<dyn JsonService>>,
    /// IAM, STS, EC2.
    pub query: Vec<Arc<dyn QueryService>>,
    /// EBS direct.
    pub rest: Vec<Arc<dyn RestService>>,
    /// S3, where this process serves it.
    pub s3: Option<S3Door>,
    /// The control plane.
    pub control: Router,
    /// Proves callers.
    pub gate: Gate,
}

/// The whole port as one router.
pub fn router(doors: Doors) -> Router {
    let doors = Arc::new(doors);
    Router::new().fallback(move |request: Request<Body>| {
        let doors = doors.clone();
        async move { doors.answer(request).await }
    })
}

impl Doors {
    /// Answers one request; whatever breaks inside is answered, too.
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let place = Place::of(&parts, self);
        let protocol = place.protocol();
        let id = self.request_id(protocol);
        let entered = match place {
            Place::Control => control::enter(&self.control, Request::from_parts(parts, body)).boxed(),
            Place::S3(claim) => s3_door::enter(self, claim, parts, body, id.clone()).boxed(),
            Place::Nowhere => futures::future::ready(nowhere(&id)).boxed(),
            Place::Buffered(entrance) => buffered::enter(&self.gate, entrance, parts, body, id.clone()).boxed(),
        };
        AssertUnwindSafe(entered).catch_unwind().await.unwrap_or_else(|_| broken(protocol, &id))
    }

    fn request_id(&self, protocol: Option<Protocol>) -> String {
        match protocol {
            Some(Protocol::S3) => s3_request_id(self.gate.next_id()),
            _ => aws_core::id::uuid(self.gate.next_id()),
        }
    }
}

/// A service that this simulator does not have.
fn nowhere(id: &str) -> Response<Body> {
    let fault = ApiFault::bare("UnknownOperationException").with_status(404);
    let mut response = fault::answer(&fault, Protocol::Rest, id);
    stamp(&mut response, Some(Protocol::Rest), id);
    response
}

/// A panic: the client learns no detail, the log has been told by the panic hook.
fn broken(protocol: Option<Protocol>, id: &str) -> Response<Body> {
    tracing::error!(request_id = id, "an operation panicked");
    let shown = protocol.unwrap_or(Protocol::Json);
    let mut response = fault::answer(&fault::internal(shown), shown, id);
    stamp(&mut response, protocol, id);
    response
}
