//! Stories told through the door: requests in, answers out, with a KMS double behind.

mod access;
mod buckets;
mod listing;
mod model;
mod modes;
mod multipart;
mod objects;
mod policies;
mod restart;
mod sse;
mod tamper;
mod vectors;
mod versions;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_core::call::CallContext;
use aws_core::event::{ApiCall, Event, MemorySink};
use aws_core::id::{AccountId, Region};
use aws_core::identity::{Identities, NoIdentities};
use aws_core::ledger::Ledger;
use aws_core::principal::Principal;
use aws_core::time::ManualClock;
use axum::body::Body;
use bytes::Bytes;
use envelope::entropy::SeededEntropy;
use envelope::secret::Secret;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use kms_api::double::DoubleKms;
use kms_api::world::World;
use tower::ServiceExt;

use crate::{BucketDefault, S3Config, S3Sim};

pub(crate) const ACCOUNT: &str = "111122223333";

/// A whole service on a folder of its own.
pub(crate) struct Bench {
    pub(crate) sim: Arc<S3Sim>,
    pub(crate) kms: Arc<DoubleKms>,
    pub(crate) sink: Arc<MemorySink>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: ::store::Store,
    pub(crate) dir: Arc<tempfile::TempDir>,
    ctx: CallContext,
    world: World,
    seen: AtomicUsize,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(::store::Store::in_memory(), Arc::new(NoIdentities), BucketDefault::Aes256)
    }

    pub(crate) fn with(store: ::store::Store, identities: Arc<dyn Identities>, bucket_default: BucketDefault) -> Self {
        let account = AccountId::parse(ACCOUNT).unwrap();
        let sink = Arc::new(MemorySink::default());
        let clock = Arc::new(ManualClock::at("2026-01-15T09:00:00Z".parse().unwrap()));
        let entropy = Arc::new(SeededEntropy::new(7));
        let world = World { identities, sink: sink.clone(), clock: clock.clone(), entropy };
        let kms = Arc::new(DoubleKms::new(account.clone(), Region::default_region()));
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let sim = S3Sim::open(store.clone(), world.clone(), kms.clone(), config(&dir, bucket_default)).unwrap();
        let ctx = CallContext::local(Principal::Root { account }, Region::default_region(), "4442587FB7D0A2F9");
        Self { sim, kms, sink, clock, store, dir, ctx, world, seen: AtomicUsize::new(0) }
    }

    /// A bench with the bucket `bkt`.
    pub(crate) async fn with_bucket() -> Self {
        let bench = Self::new();
        assert_eq!(bench.send("PUT /bkt", &[], "").await.status, 200);
        bench.sink_is_forgotten();
        bench
    }

    /// The same state under a new process's eyes.
    pub(crate) fn restarted(self) -> Self {
        let Self { kms, sink, clock, store, dir, ctx, world, seen, sim } = self;
        drop(sim);
        let sim = S3Sim::open(store.clone(), world.clone(), kms.clone(), config(&dir, BucketDefault::Aes256)).unwrap();
        Self { sim, kms, sink, clock, store, dir, ctx, world, seen }
    }

    pub(crate) fn as_caller(&self, principal: Principal) -> CallContext {
        CallContext::local(principal, Region::default_region(), "4442587FB7D0A2F9")
    }

    /// Sends `METHOD /path?query` as root.
    pub(crate) async fn send(&self, line: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        self.send_as(self.ctx.clone(), line, headers, body).await
    }

    pub(crate) async fn send_as(
        &self,
        ctx: CallContext,
        line: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let body = body.into();
        let (method, uri) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(uri).header("host", "localhost:4566");
        if matches!(method, "PUT" | "POST") && !headers.iter().any(|(name, _)| *name == "content-length") {
            request = request.header("content-length", body.len());
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if line.ends_with("?delete") && !headers.iter().any(|(name, _)| *name == "content-md5") {
            request = request.header("content-md5", md5_of(&body));
        }
        let mut request = request.body(Body::from(body)).unwrap();
        request.extensions_mut().insert(ctx);
        self.knock(request).await
    }

    pub(crate) async fn knock(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.sim.door().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_else(|_| Bytes::from_static(b"(torn)"));
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// The API calls that the trail heard of since the last time.
    pub(crate) fn calls(&self) -> Vec<ApiCall> {
        let events = self.sink.events();
        events
            .into_iter()
            .skip(self.seen.load(Ordering::Relaxed))
            .filter_map(|event| if let Event::Api(call) = event { Some(*call) } else { None })
            .collect()
    }

    pub(crate) fn sink_is_forgotten(&self) {
        self.seen.store(self.sink.events().len(), Ordering::Relaxed);
    }

    /// Where the ledger says that keys are: one line per place.
    pub(crate) fn ledger(&self) -> Ledger {
        let mut ledger = Ledger::default();
        self.sink.events().iter().for_each(|event| ledger.apply(event));
        ledger
    }
}

fn config(dir: &tempfile::TempDir, bucket_default: BucketDefault) -> S3Config {
    S3Config {
        state_dir: dir.path().into(),
        owned_key: Secret::copied(&[0x53; 32]),
        bucket_default,
        blocks_customer_keys: true,
        bucket_key_lifetime: crate::BUCKET_KEY_LIFETIME,
    }
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The text of an element of the body.
    pub(crate) fn element(&self, name: &str) -> String {
        self.elements(name).into_iter().next().unwrap_or_default()
    }

    pub(crate) fn elements(&self, name: &str) -> Vec<String> {
        let (text, start, end) = (self.text(), format!("<{name}>"), format!("</{name}>"));
        let pieces = text.split(&start).skip(1).map(|piece| piece.split(&end).next().unwrap());
        pieces.map(|piece| quick_xml::escape::unescape(piece).unwrap().into_owned()).collect()
    }

    /// `status Code Message`, for errors.
    pub(crate) fn refusal(&self) -> String {
        format!("{} {} {}", self.status, self.element("Code"), self.element("Message"))
    }
}

/// As `Content-MD5` carries it.
pub(crate) fn md5_of(body: &[u8]) -> String {
    use base64::Engine;
    use md5::Digest;
    base64::engine::general_purpose::STANDARD.encode(md5::Md5::digest(body))
}

/// Bytes that do not repeat with any power of two.
pub(crate) fn pattern(len: usize) -> Bytes {
    (0..len).map(|i| (i * 31 + i / 251) as u8).collect()
}
