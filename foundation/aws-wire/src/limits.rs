//! Limits on everything that a client decides: how much, how slowly, how many.
//!
//! ```text
//! buffered body (JSON, Query, REST)   1 MiB, within 30 s
//! streamed body (S3)                  any length, but never 60 s without a byte
//! request head                        within 60 s; an idle connection is closed then, too
//! connections                         4096 at a time; further ones wait in the kernel's queue
//! a body refused unread               swallowed for 2 s, so that the refusal is heard
//! shutdown                            3 s for calls in flight
//! ```

use std::time::Duration;

use aws_core::fault::ApiFault;
use axum::body::Body;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};

/// What a JSON, Query or REST body may weigh. An EBS block (512 KiB) and KMS's largest request (about 100 KiB) fit.
pub const BUFFERED_BODY_BYTES: usize = 1 << 20;
/// In which time a buffered body must be complete.
pub const BUFFERED_BODY_TIME: Duration = Duration::from_secs(30);
/// How long a streamed body may pause.
pub const STREAM_PAUSE: Duration = Duration::from_secs(60);
/// In which time the head of the next request must arrive.
pub const HEAD_TIME: Duration = Duration::from_secs(60);
/// Connections served at once.
pub const CONNECTIONS: usize = 4096;
/// For how long a closed connection still swallows what its client had under way.
pub const LINGER: Duration = Duration::from_secs(2);
/// What calls in flight are given at shutdown.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);

/// Reads a whole body within size and time.
pub async fn collect(body: Body) -> Result<Bytes, ApiFault> {
    let read = Limited::new(body, BUFFERED_BODY_BYTES).collect();
    match tokio::time::timeout(BUFFERED_BODY_TIME, read).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err(ApiFault::client("IncompleteBody", "The request body terminated unexpectedly")),
        Err(_) => Err(too_slow()),
    }
}

/// The fault for a buffered body over the limit.
pub fn too_large() -> ApiFault {
    let message = format!("Request body must not exceed {BUFFERED_BODY_BYTES} bytes");
    ApiFault::client("RequestEntityTooLarge", message).with_status(413)
}

/// The fault for a body that does not arrive. Status 400, as S3 has it: 408 makes clients repeat at once.
pub fn too_slow() -> ApiFault {
    let message = "Your socket connection to the server was not read from or written to within the timeout period. \
                   Idle connections will be closed.";
    ApiFault::client("RequestTimeout", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_and_one_at_it_is_not() {
        let at = vec![b'x'; BUFFERED_BODY_BYTES];
        assert_eq!(collect(Body::from(at.clone())).await.unwrap().len(), at.len());
        let over = [at.as_slice(), b"x"].concat();
        assert_eq!(collect(Body::from(over)).await.unwrap_err().status, 413);
    }
}
