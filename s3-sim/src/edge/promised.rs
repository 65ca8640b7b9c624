//! Bodies that are no object: lists, policies, configurations. What the client said of such a body, `Content-MD5` or a
//! checksum, is held against it as it streams to s3s, which would not look.

use aws_wire::body::{BodyFault, Trailers};
use axum::body::Body;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::unfold;
use http::{Method, Request};

use crate::access::query_pairs;
use crate::digest::{Digests, Promise};
use crate::error::Outcome;

/// Sub-resources of objects whose bodies are XML.
const OF_OBJECTS: [&str; 6] = ["tagging", "acl", "retention", "legal-hold", "encryption", "restore"];

/// Wraps the body, if it is of this kind and something was said of it.
pub(crate) fn held(request: Request<Body>) -> Outcome<Request<Body>> {
    if !is_configuration(&request) {
        return Ok(request);
    }
    let promise = Promise::of(request.headers())?;
    let trailers = request.extensions().get::<Trailers>().cloned();
    let digests = Digests::new(promise.algorithm, promise.wants_md5());
    Ok(request.map(|body| {
        let watch = Watch { body: body.into_data_stream(), digests: Some(digests), promise, trailers };
        Body::from_stream(unfold(watch, Watch::next))
    }))
}

fn is_configuration<B>(request: &Request<B>) -> bool {
    if !matches!(*request.method(), Method::PUT | Method::POST) {
        return false;
    }
    let path = request.uri().path().trim_start_matches('/');
    let names_object = path.split_once('/').is_some_and(|(_, key)| !key.is_empty());
    let pairs = query_pairs(request.uri().query());
    !names_object || pairs.iter().any(|(name, _)| OF_OBJECTS.contains(&name.as_str()))
}

struct Watch {
    body: axum::body::BodyDataStream,
    /// Gone once the body has ended.
    digests: Option<Digests>,
    promise: Promise,
    trailers: Option<Trailers>,
}

impl Watch {
    async fn next(mut self) -> Option<(Result<Bytes, axum::BoxError>, Self)> {
        match self.body.next().await {
            Some(Ok(chunk)) => {
                if let Some(digests) = &mut self.digests {
                    digests.update(&chunk);
                }
                Some((Ok(chunk), self))
            }
            Some(Err(error)) => {
                self.digests = None;
                Some((Err(error.into_inner()), self))
            }
            None => {
                let digested = self.digests.take()?.finish();
                let trailers = self.trailers.as_ref().and_then(Trailers::get);
                let fault = self.promise.check(&digested, trailers.as_ref()).err()?;
                Some((Err(Box::new(BodyFault(fault))), self))
            }
        }
    }
}
