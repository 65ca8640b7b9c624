//! Bodies between s3s and us: streams of bytes whose errors are faults.

use aws_core::fault::ApiFault;
use aws_wire::body::BodyFault;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use s3s::dto::StreamingBlob;

use crate::error::{Outcome, fault};

/// A request's body.
pub(crate) fn incoming(body: Option<StreamingBlob>) -> impl Stream<Item = Outcome<Bytes>> + Unpin + Send {
    let body = body.unwrap_or_else(|| StreamingBlob::from(s3s::Body::empty()));
    body.map(|chunk| chunk.map_err(|error| broken(error.as_ref())))
}

/// An answer's body.
pub(crate) fn outgoing(body: impl Stream<Item = Outcome<Bytes>> + Send + Sync + 'static) -> StreamingBlob {
    StreamingBlob::wrap(body)
}

/// What a broken body is called: the fault that the wire found in it, or a connection that ended too early.
fn broken(error: &(dyn std::error::Error + 'static)) -> ApiFault {
    let message = "You did not provide the number of bytes specified by the Content-Length HTTP header";
    BodyFault::find(error).cloned().unwrap_or_else(|| fault("IncompleteBody", 400, message))
}
