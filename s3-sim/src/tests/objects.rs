//! Bodies: what goes in comes out, whatever its size and encryption, and only ciphertext stands on disk.

use aws_core::event::{Event, Form, Place};
use expect_test::expect;

use super::{Bench, pattern};
use crate::seal::INLINE_BYTES;

const SIZES: [usize; 9] =
    [0, 1, INLINE_BYTES, INLINE_BYTES + 1, 65_536, 65_537, 1 << 20, (1 << 20) + 1, (3 << 20) + 12_345];

#[tokio::test]
async fn what_goes_in_comes_out_and_only_ciphertext_stands_on_disk() {
    let bench = Bench::with_bucket().await;
    for sse in ["AES256", "aws:kms"] {
        for size in SIZES {
            let body = pattern(size);
            let headers = [("x-amz-server-side-encryption", sse), ("x-amz-meta-size", "s"), ("content-type", "text/x")];
            let put = bench.send("PUT /bkt/k", &headers, body.clone()).await;
            assert_eq!((put.status, put.header("x-amz-server-side-encryption")), (200, sse), "{}", put.text());
            let got = bench.send("GET /bkt/k", &[], "").await;
            assert_eq!((got.status, got.header("content-length")), (200, size.to_string().as_str()));
            assert!(got.body == body, "{sse} {size}");
            assert_eq!(got.header("etag"), put.header("etag"));
            assert_eq!((got.header("x-amz-meta-size"), got.header("content-type")), ("s", "text/x"));

            let disk = bench.sim.disk("bkt", "k").unwrap();
            assert_eq!(disk.inline.is_some(), size <= INLINE_BYTES);
            assert_eq!(disk.files.len(), usize::from(size > INLINE_BYTES));
            let stored = disk.inline.unwrap_or_else(|| std::fs::read(&disk.files[0]).unwrap());
            assert_eq!(stored.len() as u64, envelope::segment::sealed_len(size as u64).unwrap());
            let shown = size >= 16 && stored.windows(16).any(|window| window == &body[..16]);
            assert!(!shown, "plaintext on disk");
        }
    }
}

#[tokio::test]
async fn an_etag_is_the_md5_only_where_aws_says_so() {
    let bench = Bench::with_bucket().await;
    let kms = [("x-amz-server-side-encryption", "aws:kms")];
    let plain = bench.send("PUT /bkt/a", &[], "hello world").await;
    assert_eq!(plain.header("etag"), "\"5eb63bbbe01eeed093cb22bb8f5acdc3\"");
    let (one, two) = (bench.send("PUT /bkt/k", &kms, "hello").await, bench.send("PUT /bkt/k", &kms, "hello").await);
    assert_ne!(one.header("etag"), two.header("etag"));
    assert_eq!(one.header("etag").len(), 34);

    // From KMS back to S3's own key the MD5 is there again, though nobody stored it.
    let copied = bench.send("PUT /bkt/back", &[("x-amz-copy-source", "/bkt/a")], "").await;
    assert_eq!(copied.element("ETag"), "\"5eb63bbbe01eeed093cb22bb8f5acdc3\"");
}

#[tokio::test]
async fn a_range_costs_the_segments_that_it_touches() {
    let bench = Bench::with_bucket().await;
    let body = pattern(5 << 20);
    bench.send("PUT /bkt/k", &[], body.clone()).await;
    let mut told = String::new();
    for range in
        ["bytes=0-0", "bytes=65535-65536", "bytes=-1", "bytes=1048575-1048576", "bytes=5242879-", "bytes=9999999-"]
    {
        let before = bench.sim.segments_read();
        let got = bench.send("GET /bkt/k", &[("range", range)], "").await;
        let segments = bench.sim.segments_read() - before;
        told += &format!("{range}: {} {:?} {} {segments}\n", got.status, got.header("content-range"), got.body.len());
        if got.status == 206 {
            let content_range = got.header("content-range").trim_start_matches("bytes ");
            let (from, to) = content_range.split('/').next().unwrap().split_once('-').unwrap();
            assert!(got.body == body[from.parse().unwrap()..=to.parse().unwrap()]);
        }
    }
    expect![[r#"
        bytes=0-0: 206 "bytes 0-0/5242880" 1 1
        bytes=65535-65536: 206 "bytes 65535-65536/5242880" 2 2
        bytes=-1: 206 "bytes 5242879-5242879/5242880" 1 1
        bytes=1048575-1048576: 206 "bytes 1048575-1048576/5242880" 2 2
        bytes=5242879-: 206 "bytes 5242879-5242879/5242880" 1 1
        bytes=9999999-: 416 "" 327 0
    "#]]
    .assert_eq(&told);
}

#[tokio::test]
async fn conditions_decide_before_any_key_is_asked_for() {
    let bench = Bench::with_bucket().await;
    let put = bench.send("PUT /bkt/k", &[("x-amz-server-side-encryption", "aws:kms")], "hello").await;
    let etag = put.header("etag").to_owned();
    bench.kms.forget_calls();
    let (before, after) = ("Thu, 15 Jan 2026 08:59:59 GMT", "Thu, 15 Jan 2026 09:00:00 GMT");
    for (headers, status) in [
        (vec![("if-match", "\"other\"")], 412),
        (vec![("if-none-match", etag.as_str())], 304),
        (vec![("if-none-match", "*")], 304),
        (vec![("if-modified-since", after)], 304),
        (vec![("if-unmodified-since", before)], 412),
    ] {
        let got = bench.send("GET /bkt/k", &headers, "").await;
        assert_eq!(got.status, status, "{headers:?}");
        if status == 304 {
            assert_eq!((got.header("etag"), got.body.len()), (etag.as_str(), 0));
        }
    }
    assert!(bench.kms.operations().is_empty());
    for headers in [
        vec![("if-match", etag.as_str()), ("if-unmodified-since", before)],
        vec![("if-none-match", "\"other\""), ("if-modified-since", after)],
        vec![("if-modified-since", before)],
    ] {
        assert_eq!(bench.send("GET /bkt/k", &headers, "").await.status, 200, "{headers:?}");
    }
}

#[tokio::test]
async fn a_write_may_be_conditional() {
    let bench = Bench::with_bucket().await;
    let absent = [("if-none-match", "*")];
    assert_eq!(bench.send("PUT /bkt/k", &absent, "1").await.status, 200);
    assert_eq!(
        bench.send("PUT /bkt/k", &absent, "2").await.refusal(),
        "412 PreconditionFailed At least one of the pre-conditions you specified did not hold"
    );
    let etag = bench.send("HEAD /bkt/k", &[], "").await.header("etag").to_owned();
    assert_eq!(bench.send("PUT /bkt/k", &[("if-match", &etag)], "3").await.status, 200);
    assert_eq!(bench.send("PUT /bkt/k", &[("if-match", &etag)], "4").await.status, 412);
    assert_eq!(bench.send("PUT /bkt/new", &[("if-match", &etag)], "5").await.status, 404);
    assert_eq!(bench.send("GET /bkt/k", &[], "").await.text(), "3");
}

#[tokio::test]
async fn a_body_that_is_not_what_was_promised_leaves_nothing_behind() {
    let bench = Bench::with_bucket().await;
    let big = pattern(200_000);
    for (headers, body, refusal) in [
        (
            vec![("content-md5", "XrY7u+Ae7tCTyyK7j1rNww==")],
            "hello".into(),
            "400 BadDigest The Content-MD5 you specified did not match what we received.",
        ),
        (
            vec![("x-amz-checksum-crc32", "AAAAAA==")],
            "hello".into(),
            "400 BadDigest The CRC32 you specified did not match the calculated checksum.",
        ),
        (
            vec![("x-amz-checksum-sha256", "AAAA")],
            "hello".into(),
            "400 InvalidRequest Value for x-amz-checksum-sha256 header is invalid.",
        ),
        (
            vec![("content-length", "7")],
            "hello".into(),
            "400 IncompleteBody You did not provide the number of bytes specified by the Content-Length HTTP header",
        ),
        (
            vec![("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=")],
            big,
            "400 BadDigest The CRC64NVME you specified did not match the calculated checksum.",
        ),
    ] {
        assert_eq!(bench.send("PUT /bkt/k", &headers, body).await.refusal(), refusal);
    }
    assert_eq!(bench.send("GET /bkt/k", &[], "").await.status, 404);
    assert_eq!(files_under(&bench.dir.path().join("objects")), 0);
    assert_eq!(bench.ledger().subjects().get("object/bkt/k").map_or(0, std::collections::BTreeMap::len), 0);
}

fn files_under(dir: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { files_under(&path) } else { 1 }).sum()
}

#[tokio::test]
async fn checksums_are_kept_and_told_only_when_asked_for() {
    let bench = Bench::with_bucket().await;
    let kms = ("x-amz-server-side-encryption", "aws:kms");
    let put = bench.send("PUT /bkt/k", &[kms, ("x-amz-checksum-sha1", "qvTGHdzF6KLavt4PO0gs2a6pQ00=")], "hello").await;
    assert_eq!(put.header("x-amz-checksum-sha1"), "qvTGHdzF6KLavt4PO0gs2a6pQ00=");
    bench.kms.forget_calls();
    let head = bench.send("HEAD /bkt/k", &[], "").await;
    assert_eq!(head.header("x-amz-checksum-sha1"), "");
    assert!(bench.kms.operations().is_empty());
    let head = bench.send("HEAD /bkt/k", &[("x-amz-checksum-mode", "ENABLED")], "").await;
    assert_eq!(head.header("x-amz-checksum-sha1"), "qvTGHdzF6KLavt4PO0gs2a6pQ00=");
    assert_eq!(head.header("x-amz-checksum-type"), "FULL_OBJECT");
    assert_eq!(bench.kms.operations(), ["Decrypt"]);

    bench.send("PUT /bkt/plain", &[], "123456789").await;
    let got = bench.send("GET /bkt/plain", &[("x-amz-checksum-mode", "ENABLED")], "").await;
    assert_eq!(got.header("x-amz-checksum-crc64nvme"), "rosUhgp5mIg=");
}

#[tokio::test]
async fn the_ledger_follows_an_objects_key_from_birth_to_deletion() {
    let bench = Bench::with_bucket().await;
    let put = bench.send("PUT /bkt/k", &[("x-amz-server-side-encryption", "aws:kms")], pattern(100_000)).await;
    let arn = put.header("x-amz-server-side-encryption-aws-kms-key-id").to_owned();
    let places = |bench: &Bench| -> Vec<(Place, Form)> {
        let ledger = bench.ledger();
        let places = ledger.subjects().get("object/bkt/k").cloned().unwrap_or_default();
        places.into_iter().map(|(place, standing)| (place, standing.form)).collect()
    };
    let wrapped = |by: &str| vec![(Place::S3Metadata, Form::Wrapped { by: by.into() })];
    assert_eq!(places(&bench), wrapped(&arn));
    let order: Vec<_> = bench.sink.events().into_iter().filter_map(told).collect();
    expect![[r#"
        [
            "S3Memory plaintext",
            "S3Memory gone",
            "S3Metadata wrapped",
        ]
    "#]]
    .assert_debug_eq(&order);
    bench.send("GET /bkt/k", &[], "").await;
    assert_eq!(places(&bench), wrapped(&arn));
    bench.send("PUT /bkt/k", &[], "replaced").await;
    assert_eq!(places(&bench), wrapped("s3 owned key"));
    bench.send("DELETE /bkt/k", &[], "").await;
    assert_eq!(places(&bench), []);
}

fn told(event: Event) -> Option<String> {
    match event {
        Event::KeyPlaced(placed) if placed.form == Form::Plaintext => Some(format!("{:?} plaintext", placed.place)),
        Event::KeyPlaced(placed) => Some(format!("{:?} wrapped", placed.place)),
        Event::KeyDropped(dropped) => Some(format!("{:?} gone", dropped.place)),
        Event::Api(_) | Event::Service(_) => None,
    }
}

#[tokio::test]
async fn replaced_and_deleted_bodies_free_their_space() {
    let bench = Bench::with_bucket().await;
    for _ in 0..3 {
        bench.send("PUT /bkt/k", &[], pattern(100_000)).await;
    }
    assert_eq!(files_under(&bench.dir.path().join("objects")), 1);
    assert_eq!(bench.send("DELETE /bkt/k", &[], "").await.status, 204);
    assert_eq!(bench.send("DELETE /bkt/k", &[], "").await.status, 204);
    assert_eq!(files_under(&bench.dir.path().join("objects")), 0);
}

#[tokio::test]
async fn keys_are_names_and_never_paths() {
    let bench = Bench::with_bucket().await;
    for key in
        ["../../etc/passwd", "a/../b", "%2e%2e/%2e%2e", "a%00b", "/leading", "trailing/", "a//b", "%F0%9F%94%91", "."]
    {
        let line = format!("/bkt/{key}");
        assert_eq!(bench.send(&format!("PUT {line}"), &[], key.to_owned()).await.status, 200, "{key}");
        assert_eq!(bench.send(&format!("GET {line}"), &[], "").await.text(), key);
    }
    let long = "k".repeat(1025);
    assert_eq!(
        bench.send(&format!("PUT /bkt/{long}"), &[], "").await.refusal(),
        "400 KeyTooLongError Your key is too long"
    );
    assert_eq!(
        bench.send("PUT /../etc/passwd", &[], "").await.refusal(),
        "400 InvalidBucketName The specified bucket is not valid."
    );
}

#[tokio::test]
async fn a_copy_keeps_or_replaces_what_it_is_told_to() {
    let bench = Bench::with_bucket().await;
    let stored = [("x-amz-meta-a", "1"), ("content-type", "text/a"), ("x-amz-server-side-encryption", "aws:kms")];
    let body = pattern(150_000);
    bench.send("PUT /bkt/from", &stored, body.clone()).await;
    bench.kms.forget_calls();
    let source = ("x-amz-copy-source", "/bkt/from");
    bench.send("PUT /bkt/kept", &[source, ("x-amz-server-side-encryption", "aws:kms")], "").await;
    assert_eq!(bench.kms.operations(), ["Decrypt", "GenerateDataKey"]);
    let got = bench.send("GET /bkt/kept", &[], "").await;
    assert!(got.body == body);
    assert_eq!((got.header("x-amz-meta-a"), got.header("content-type")), ("1", "text/a"));

    let replacing = [source, ("x-amz-metadata-directive", "REPLACE"), ("x-amz-meta-b", "2")];
    let copied = bench.send("PUT /bkt/replaced", &replacing, "").await;
    assert_eq!(copied.header("x-amz-server-side-encryption"), "AES256");
    let got = bench.send("HEAD /bkt/replaced", &[], "").await;
    assert_eq!((got.header("x-amz-meta-a"), got.header("x-amz-meta-b")), ("", "2"));

    let itself = bench.send("PUT /bkt/from", &[source], "").await;
    assert_eq!((itself.status, itself.element("Code")), (400, "InvalidRequest".into()));
    let rekeyed = bench.send("PUT /bkt/from", &[source, ("x-amz-server-side-encryption", "AES256")], "").await;
    assert_eq!(rekeyed.status, 200, "{}", rekeyed.text());
    assert!(bench.send("GET /bkt/from", &[], "").await.body == body);
    let elsewhere = [source, ("x-amz-source-expected-bucket-owner", "444455556666")];
    assert_eq!(bench.send("PUT /bkt/x", &elsewhere, "").await.status, 403);
    let missing = bench.send("PUT /bkt/x", &[("x-amz-copy-source", "/bkt/none")], "").await;
    assert_eq!(missing.refusal(), "404 NoSuchKey The specified key does not exist.");
}

#[tokio::test]
async fn a_reader_keeps_what_a_writer_replaces() {
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    let bench = Bench::with_bucket().await;
    let body = pattern(4 << 20);
    bench.send("PUT /bkt/k", &[], body.clone()).await;
    let mut request = http::Request::get("/bkt/k").body(axum::body::Body::empty()).unwrap();
    request.extensions_mut().insert(bench.ctx.clone());
    let reading = bench.sim.door().oneshot(request).await.unwrap();
    bench.send("PUT /bkt/k", &[], "new").await;
    bench.send("DELETE /bkt/k", &[], "").await;
    assert!(reading.into_body().collect().await.unwrap().to_bytes() == body);
    assert_eq!(files_under(&bench.dir.path().join("objects")), 0);
}

#[tokio::test]
async fn several_objects_are_deleted_in_one_request() {
    let bench = Bench::with_bucket().await;
    for key in ["x", "y", "z"] {
        bench.send(&format!("PUT /bkt/{key}"), &[], "1").await;
    }
    let body = "<Delete><Object><Key>x</Key></Object><Object><Key>nothing</Key></Object>\
                <Object><Key>y</Key><VersionId>odd</VersionId></Object></Delete>";
    let answer = bench.send("POST /bkt?delete", &[], body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.elements("Key"), ["x", "nothing", "y"]);
    assert_eq!(answer.elements("Code"), ["InvalidArgument"]);
    assert_eq!(bench.send("GET /bkt/x", &[], "").await.status, 404);
    assert_eq!(bench.send("GET /bkt/y", &[], "").await.status, 200);
    let quiet = "<Delete><Quiet>true</Quiet><Object><Key>z</Key></Object></Delete>";
    assert!(bench.send("POST /bkt?delete", &[], quiet).await.elements("Key").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_reads_while_many_write_sees_one_whole_body() {
    let bench = std::sync::Arc::new(Bench::with_bucket().await);
    let body = |n: usize| pattern(30_000 * (n + 1)).slice(n..);
    bench.send("PUT /bkt/k", &[], body(0)).await;
    let whole: Vec<_> = (0..8).map(body).collect();
    let mut tasks = Vec::new();
    for n in 0..8 {
        let (bench, mine, whole) = (bench.clone(), body(n), whole.clone());
        tasks.push(tokio::spawn(async move {
            for _ in 0..6 {
                assert_eq!(bench.send("PUT /bkt/k", &[], mine.clone()).await.status, 200);
                let got = bench.send("GET /bkt/k", &[], "").await;
                assert!(whole.contains(&got.body), "{} {} bytes", got.status, got.body.len());
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(files_under(&bench.dir.path().join("objects")), 1, "every replaced body is gone");
}

#[tokio::test]
async fn what_the_wire_finds_in_a_body_is_told_whoever_reads_it() {
    let bench = Bench::with_bucket().await;
    for line in ["PUT /bkt/k", "POST /bkt?delete", "PUT /bkt?encryption", "PUT /new-bucket"] {
        let fault = aws_core::fault::ApiFault::client("XAmzContentSHA256Mismatch", "The provided hash does not match");
        let chunks = [Ok(bytes::Bytes::from_static(b"<Delete>")), Err(aws_wire::body::BodyFault(fault))];
        let body = axum::body::Body::from_stream(futures::stream::iter(chunks));
        let (method, uri) = line.split_once(' ').unwrap();
        let mut request = http::Request::builder().method(method).uri(uri).header("content-length", 8);
        request.extensions_mut().unwrap().insert(bench.ctx.clone());
        let answer = bench.knock(request.body(body).unwrap()).await;
        assert_eq!(answer.refusal(), "400 XAmzContentSHA256Mismatch The provided hash does not match", "{line}");
    }
    let refused = bench.send("PUT /bkt/x", &[("x-amz-copy-source", "nowhere")], "").await;
    assert_eq!((refused.status, refused.element("ArgumentName").as_str()), (400, "x-amz-copy-source"));
}
