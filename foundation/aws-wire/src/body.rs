//! S3 bodies on their way in: decoded, verified while they stream, and never waited for without end.
//!
//! ```text
//! x-amz-content-sha256: 64 hex digits    hashed as it passes; a mismatch is the stream's last word
//!                       UNSIGNED-PAYLOAD passed on
//!                       STREAMING-…      decoded by crate::chunked, trailers delivered through [`Trailers`]
//! ```
//!
//! A service therefore sees plain bytes, a true `Content-Length`, and an error instead of the end when the body is not
//! what was signed. It must not treat a body as complete before the stream has ended without error.

use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use aws_core::fault::ApiFault;
use axum::body::Body;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body as HttpBody, Frame, SizeHint};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, Sleep};

use crate::auth::refusal;
use crate::auth::verify::Proof;
use crate::chunked::{self, Chain, Decoder, Framing};
use crate::limits;

/// Checksums that follow a body. In the request's extensions when the framing has trailers; filled at the end of the body.
#[derive(Clone, Debug, Default)]
pub struct Trailers(Arc<Mutex<Option<HeaderMap>>>);

impl Trailers {
    /// The trailers; `None` until the body has been read to its end.
    pub fn get(&self) -> Option<HeaderMap> {
        self.0.lock().expect("no holder of trailers panics").clone()
    }

    fn fill(&self, trailers: HeaderMap) {
        *self.0.lock().expect("no holder of trailers panics") = Some(trailers);
    }
}

/// How reading a body failed: the fault that the client must be told.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BodyFault(pub ApiFault);

impl BodyFault {
    /// The fault somewhere in a chain of errors, as other layers wrap it.
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a ApiFault> {
        let mut at = Some(error);
        while let Some(error) = at {
            if let Some(Self(fault)) = error.downcast_ref() {
                return Some(fault);
            }
            at = error.source();
        }
        None
    }
}

/// Wraps the body of an S3 request according to its head, and makes the head tell of the decoded body.
/// With a proof the body is held to what was signed; without one it is decoded only.
pub fn guard(parts: &mut Parts, body: Body, proof: Option<&Proof>) -> Result<Body, ApiFault> {
    let header = parts.headers.remove("x-amz-content-sha256");
    let header = header.as_ref().and_then(|value| value.to_str().ok());
    let payload_hash = proof.map(|proof| proof.payload_hash.as_str()).or(header).unwrap_or_default().to_owned();
    let stage = match Framing::named(&payload_hash) {
        Some(framing) => Stage::Chunked(Box::new(decoder(parts, framing, proof)?), trailers(parts, framing)),
        None if proof.is_some() && payload_hash.len() == 64 => Stage::Hashed(Sha256::new(), payload_hash),
        None => Stage::Plain,
    };
    parts.headers.remove(AUTHORIZATION);
    Ok(Body::new(Guarded { inner: body, stage, pending: Bytes::new(), pause: None, ended: false }))
}

fn decoder(parts: &mut Parts, framing: Framing, proof: Option<&Proof>) -> Result<Decoder, ApiFault> {
    let length = parts.headers.remove("x-amz-decoded-content-length");
    let length: u64 = length.and_then(|value| value.to_str().ok()?.parse().ok()).ok_or_else(missing_length)?;
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    parts.headers.remove(TRANSFER_ENCODING);
    without_aws_chunked(&mut parts.headers);
    let announced = parts.headers.get_all("x-amz-trailer").iter().filter_map(|value| value.to_str().ok());
    let announced = announced.flat_map(|names| names.split(',')).filter_map(|name| name.trim().parse().ok());
    let announced: Vec<HeaderName> = announced.filter(|_| framing.has_trailer()).collect();
    let chain = proof.map(|p| Chain::new(p.signing_key.clone(), p.date.clone(), p.scope.clone(), p.signature.clone()));
    Ok(Decoder::new(framing, chain, length, announced))
}

fn missing_length() -> ApiFault {
    ApiFault::client("MissingContentLength", "You must provide the Content-Length HTTP header.").with_status(411)
}

/// The trailers' place, put into the request's extensions where trailers will come.
fn trailers(parts: &mut Parts, framing: Framing) -> Trailers {
    let trailers = Trailers::default();
    if framing.has_trailer() {
        parts.extensions.insert(trailers.clone());
    }
    trailers
}

/// `Content-Encoding: aws-chunked,gzip` becomes `gzip`: the framing is no property of the object.
fn without_aws_chunked(headers: &mut HeaderMap) {
    let said: Vec<String> =
        headers.get_all(CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok()).map(Into::into).collect();
    let codings = said.iter().flat_map(|value| value.split(',')).map(str::trim);
    let kept: Vec<&str> = codings.filter(|coding| !coding.is_empty() && *coding != "aws-chunked").collect();
    headers.remove(CONTENT_ENCODING);
    if !kept.is_empty()
        && let Ok(value) = HeaderValue::from_str(&kept.join(","))
    {
        headers.insert(CONTENT_ENCODING, value);
    }
}

enum Stage {
    Plain,
    Hashed(Sha256, String),
    Chunked(Box<Decoder>, Trailers),
}

/// The body that the service reads.
struct Guarded {
    inner: Body,
    stage: Stage,
    /// Framed bytes not yet decoded.
    pending: Bytes,
    /// Runs while the client is silent.
    pause: Option<Pin<Box<Sleep>>>,
    ended: bool,
}

type Polled = Option<Result<Frame<Bytes>, BodyFault>>;

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = BodyFault;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Polled> {
        let this = &mut *self;
        if this.ended {
            return Poll::Ready(None);
        }
        let polled = ready!(this.poll_payload(cx));
        this.ended = !matches!(polled, Ok(Some(_)));
        Poll::Ready(polled.map(|data| data.map(Frame::data)).map_err(BodyFault).transpose())
    }

    fn is_end_stream(&self) -> bool {
        match self.stage {
            Stage::Plain => self.ended || self.inner.is_end_stream(),
            // What was signed is judged at the end, so the end must be asked for.
            Stage::Hashed(..) | Stage::Chunked(..) => self.ended,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.stage {
            Stage::Plain | Stage::Hashed(..) => self.inner.size_hint(),
            Stage::Chunked(decoder, _) => SizeHint::with_exact(decoder.owed()),
        }
    }
}

impl Guarded {
    fn poll_payload(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, ApiFault>> {
        loop {
            if let Stage::Chunked(decoder, _) = &mut self.stage
                && let Some(payload) = decoder.next(&mut self.pending)?
            {
                return Poll::Ready(Ok(Some(payload)));
            }
            let Some(data) = ready!(self.poll_inner(cx))? else { return Poll::Ready(self.finish().map(|()| None)) };
            match &mut self.stage {
                Stage::Plain => return Poll::Ready(Ok(Some(data))),
                Stage::Hashed(hash, _) => {
                    hash.update(&data);
                    return Poll::Ready(Ok(Some(data)));
                }
                Stage::Chunked(..) => self.pending = data,
            }
        }
    }

    /// The next bytes off the wire; HTTP's own trailers are skipped.
    fn poll_inner(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, ApiFault>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) else { return self.poll_pause(cx) };
            self.pause = None;
            match frame {
                None => return Poll::Ready(Ok(None)),
                Some(Err(_)) => return Poll::Ready(Err(chunked::incomplete())),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Poll::Ready(Ok(Some(data))),
                    Err(_trailers) => {}
                },
            }
        }
    }

    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, ApiFault>> {
        let end = || Box::pin(tokio::time::sleep_until(Instant::now() + limits::STREAM_PAUSE));
        ready!(self.pause.get_or_insert_with(end).as_mut().poll(cx));
        Poll::Ready(Err(limits::too_slow()))
    }

    fn finish(&mut self) -> Result<(), ApiFault> {
        match &mut self.stage {
            Stage::Plain => Ok(()),
            Stage::Hashed(hash, claimed) => match hex::encode(hash.finalize_reset()) {
                computed if computed == *claimed => Ok(()),
                computed => Err(refusal::wrong_payload(claimed, &computed)),
            },
            Stage::Chunked(decoder, trailers) => decoder.finish().map(|found| trailers.fill(found)),
        }
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let request = headers.iter().fold(http::Request::builder(), |request, (n, v)| request.header(*n, *v));
        request.body(()).unwrap().into_parts().0
    }

    fn proof(payload_hash: &str) -> Proof {
        let payload_hash = payload_hash.into();
        Proof { signing_key: vec![], date: String::new(), scope: String::new(), signature: String::new(), payload_hash }
    }

    #[tokio::test]
    async fn an_unsigned_chunked_body_arrives_plain_with_its_trailers() {
        let mut head = parts(&[
            ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
            ("x-amz-decoded-content-length", "4"),
            ("x-amz-trailer", "x-amz-checksum-crc32"),
            ("content-encoding", "aws-chunked, gzip"),
            ("content-length", "61"),
        ]);
        let framed = "4\r\nwiki\r\n0\r\nx-amz-checksum-crc32:abc=\r\n\r\n";
        let body = guard(&mut head, Body::from(framed), None).unwrap();
        assert_eq!(body.size_hint().exact(), Some(4));
        let trailers = head.extensions.get::<Trailers>().unwrap().clone();
        assert!(trailers.get().is_none());
        assert_eq!(body.collect().await.unwrap().to_bytes(), "wiki");
        assert_eq!(trailers.get().unwrap()["x-amz-checksum-crc32"], "abc=");
        assert_eq!(
            (&head.headers["content-length"], &head.headers["content-encoding"]),
            (&"4".parse().unwrap(), &"gzip".parse().unwrap())
        );
        assert!(!head.headers.contains_key("x-amz-decoded-content-length"));
    }

    #[tokio::test]
    async fn a_body_that_is_not_the_signed_one_ends_in_the_fault() {
        let hash = hex::encode(Sha256::digest(b"signed"));
        let body = guard(&mut parts(&[]), Body::from("signed"), Some(&proof(&hash))).unwrap();
        assert_eq!(body.collect().await.unwrap().to_bytes(), "signed");
        let body = guard(&mut parts(&[]), Body::from("slipped in"), Some(&proof(&hash))).unwrap();
        assert!(!body.is_end_stream());
        let error = body.collect().await.unwrap_err();
        assert_eq!(BodyFault::find(&error).unwrap().code, "XAmzContentSHA256Mismatch");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_falls_silent_is_not_waited_for() {
        let silent = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
        let body = guard(&mut parts(&[]), silent, None).unwrap();
        assert_eq!(BodyFault::find(&body.collect().await.unwrap_err()).unwrap().code, "RequestTimeout");
    }

    #[test]
    fn a_framed_body_must_say_how_long_it_is() {
        let mut head = parts(&[("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")]);
        assert_eq!(guard(&mut head, Body::empty(), None).unwrap_err().status, 411);
    }
}
