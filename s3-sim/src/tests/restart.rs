//! Another process on the same state: everything acknowledged is there, everything else is swept.

use std::sync::Arc;

use aws_core::event::{Event, Form, Place};
use aws_core::identity::NoIdentities;

use ::store::backend::crashing::{CrashingBackend, Mishap};

use super::{Bench, pattern};
use crate::BucketDefault;

fn on_disk(dir: &tempfile::TempDir) -> Bench {
    let store = ::store::Store::open(&dir.path().join("s3.redb")).unwrap();
    Bench::with(store, Arc::new(NoIdentities), BucketDefault::Aes256)
}

#[tokio::test]
async fn what_was_acknowledged_is_there_and_orphans_are_swept() {
    let state = tempfile::tempdir().unwrap();
    let bench = on_disk(&state);
    bench.send("PUT /bkt", &[], "").await;
    let (small, large) = (pattern(100), pattern(300_000));
    bench.send("PUT /bkt/small", &[], small.clone()).await;
    bench.send("PUT /bkt/large", &[("x-amz-server-side-encryption", "aws:kms")], large.clone()).await;
    let id = bench.send("POST /bkt/parts?uploads", &[], "").await.element("UploadId");
    let line = format!("PUT /bkt/parts?partNumber=1&uploadId={id}");
    let etag = bench.send(&line, &[], large.clone()).await.header("etag").to_owned();
    // A crash between the blob and its row leaves this:
    let mut orphan = bench.sim.shelf.create("0123456789abcdef0123456789abcdef").unwrap();
    orphan.write_all(b"sealed").unwrap();
    orphan.finish().unwrap();

    let bench = bench.restarted();
    assert!(bench.sim.shelf.file("0123456789abcdef0123456789abcdef").unwrap_err().is_not_found());
    assert!(bench.send("GET /bkt/small", &[], "").await.body == small);
    assert!(bench.send("GET /bkt/large", &[], "").await.body == large);
    let body = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    );
    assert_eq!(bench.send(&format!("POST /bkt/parts?uploadId={id}"), &[], body).await.status, 200);
    assert!(bench.send("GET /bkt/parts", &[], "").await.body == large);
}

#[tokio::test]
async fn the_ledger_is_told_again_where_wrapped_keys_are() {
    let bench = Bench::with_bucket().await;
    bench.send("PUT /bkt/k", &[("x-amz-server-side-encryption", "aws:kms")], "x").await;
    bench.send("POST /bkt/u?uploads", &[], "").await;
    let bench = bench.restarted();
    let told: Vec<_> = bench.sink.events().into_iter().rev().take(2).collect();
    for (event, subject) in told.iter().rev().zip(["object/bkt/k", "object/bkt/u"]) {
        let Event::KeyPlaced(placed) = event else { panic!("{event:?}") };
        assert_eq!((placed.subject.as_str(), placed.place), (subject, Place::S3Metadata));
        assert!(matches!(placed.form, Form::Wrapped { .. }));
    }
}

#[tokio::test]
async fn a_commit_that_fails_takes_nothing_and_one_that_only_seems_to_loses_nothing() {
    let medium = CrashingBackend::default();
    let bench = Bench::with(::store::Store::on(medium.clone()), Arc::new(NoIdentities), BucketDefault::Aes256);
    bench.send("PUT /bkt", &[], "").await;
    let (old, new) = (pattern(100_000), pattern(200_000));
    bench.send("PUT /bkt/k", &[], old.clone()).await;

    medium.plan(Mishap::Refuse);
    assert_eq!(bench.send("PUT /bkt/k", &[], new.clone()).await.element("Code"), "InternalError");
    medium.plan(Mishap::None);
    assert!(bench.send("GET /bkt/k", &[], "").await.body == old);

    medium.plan(Mishap::LoseTheAnswer);
    assert_eq!(bench.send("PUT /bkt/k", &[], new.clone()).await.element("Code"), "InternalError");
    medium.plan(Mishap::None);
    assert!(bench.send("GET /bkt/k", &[], "").await.body == new, "the row reached the disk, and so did its blob");
    let bench = bench.restarted();
    assert!(bench.send("GET /bkt/k", &[], "").await.body == new);
    assert_eq!(bench.sim.disk("bkt", "k").unwrap().files.len(), 1);
}
