//! Multipart uploads: one data key, a salt per part, and a Complete that moves no byte.

use super::{Answer, Bench, pattern};

const PART: usize = 5 << 20;

async fn begin(bench: &Bench, headers: &[(&str, &str)]) -> String {
    let begun = bench.send("POST /bkt/k?uploads", headers, "").await;
    assert_eq!(begun.status, 200, "{}", begun.text());
    begun.element("UploadId")
}

async fn part(bench: &Bench, id: &str, number: u32, body: bytes::Bytes) -> String {
    let put = bench.send(&format!("PUT /bkt/k?partNumber={number}&uploadId={id}"), &[], body).await;
    assert_eq!(put.status, 200, "{}", put.text());
    put.header("etag").to_owned()
}

async fn complete(bench: &Bench, id: &str, parts: &[(u32, &str)]) -> Answer {
    let parts: String =
        parts.iter().map(|(n, etag)| format!("<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>")).collect();
    let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
    bench.send(&format!("POST /bkt/k?uploadId={id}"), &[], body).await
}

fn blobs(bench: &Bench) -> usize {
    fn count(dir: &std::path::Path) -> usize {
        let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        paths.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
    }
    count(&bench.dir.path().join("objects"))
}

#[tokio::test]
async fn parts_become_an_object_whatever_their_order_of_arrival() {
    for sse in ["AES256", "aws:kms"] {
        let bench = Bench::with_bucket().await;
        let body = pattern(2 * PART + 100_001);
        let id = begin(&bench, &[("x-amz-server-side-encryption", sse), ("x-amz-meta-m", "1")]).await;
        let three = part(&bench, &id, 30, body.slice(2 * PART..)).await;
        part(&bench, &id, 10, pattern(1000)).await;
        let one = part(&bench, &id, 10, body.slice(..PART)).await;
        let two = part(&bench, &id, 20, body.slice(PART..2 * PART)).await;
        part(&bench, &id, 40, pattern(500)).await;
        let listed = bench.send(&format!("GET /bkt/k?uploadId={id}"), &[], "").await;
        assert_eq!(listed.elements("PartNumber"), ["10", "20", "30", "40"]);
        assert_eq!(listed.elements("Size"), ["5242880", "5242880", "100001", "500"]);
        let done = complete(&bench, &id, &[(10, &one), (20, &two), (30, &three)]).await;
        assert_eq!(done.status, 200, "{}", done.text());
        let etag = done.element("ETag");
        let again = complete(&bench, &id, &[(10, &one), (20, &two), (30, &three)]).await;
        assert_eq!((again.status, again.element("ETag")), (200, etag.clone()), "a lost answer may be asked for again");
        assert!(etag.ends_with("-3\""), "{etag}");
        assert_eq!(done.header("x-amz-server-side-encryption"), sse);
        assert_eq!(blobs(&bench), 3, "the part replaced and the part not named are gone");

        let got = bench.send("GET /bkt/k", &[("x-amz-checksum-mode", "ENABLED")], "").await;
        assert!(got.body == body);
        assert_eq!((got.header("etag"), got.header("x-amz-meta-m")), (etag.as_str(), "1"));
        let whole = bench.send("PUT /bkt/whole", &[], body.clone()).await;
        assert_eq!(got.header("x-amz-checksum-crc64nvme"), whole.header("x-amz-checksum-crc64nvme"));
        assert_eq!(got.header("x-amz-checksum-type"), "FULL_OBJECT");

        let range = format!("bytes={}-{}", PART - 10, PART + 9);
        let got = bench.send("GET /bkt/k", &[("range", &range)], "").await;
        assert!(got.body == body.slice(PART - 10..PART + 10));
        let got = bench.send("GET /bkt/k?partNumber=3", &[], "").await;
        assert_eq!((got.status, got.header("x-amz-mp-parts-count")), (206, "3"));
        assert!(got.body == body.slice(2 * PART..));
        assert_eq!(bench.send("GET /bkt/k?partNumber=4", &[], "").await.status, 416);
        let gone = bench.send(&format!("GET /bkt/k?uploadId={id}"), &[], "").await;
        assert_eq!(gone.element("Code"), "NoSuchUpload");
    }
}

#[tokio::test]
async fn kms_is_asked_once_per_step() {
    let bench = Bench::with_bucket().await;
    let id = begin(&bench, &[("x-amz-server-side-encryption", "aws:kms")]).await;
    let one = part(&bench, &id, 1, pattern(PART)).await;
    let two = part(&bench, &id, 2, pattern(7)).await;
    complete(&bench, &id, &[(1, &one), (2, &two)]).await;
    assert_eq!(bench.kms.operations(), ["GenerateDataKey", "Decrypt", "Decrypt", "Decrypt"]);
    let contexts = bench.kms.calls().into_iter().map(|call| call.encryption_context["aws:s3:arn"].clone());
    assert!(contexts.into_iter().all(|arn| arn == "arn:aws:s3:::bkt/k"));
    assert_eq!(bench.ledger().subjects()["object/bkt/k"].len(), 1, "only the wrapped key is left");
}

#[tokio::test]
async fn the_same_bytes_are_sealed_differently_each_time() {
    let bench = Bench::with_bucket().await;
    let id = begin(&bench, &[]).await;
    let body = pattern(PART);
    let one = part(&bench, &id, 1, body.clone()).await;
    let two = part(&bench, &id, 2, body).await;
    complete(&bench, &id, &[(1, &one), (2, &two)]).await;
    let files = bench.sim.disk("bkt", "k").unwrap().files;
    let sealed: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    assert_ne!(sealed[0][96..], sealed[1][96..]);
}

#[tokio::test]
async fn what_does_not_add_up_is_refused_and_nothing_is_lost() {
    let bench = Bench::with_bucket().await;
    let id = begin(&bench, &[]).await;
    let one = part(&bench, &id, 1, pattern(1000)).await;
    let two = part(&bench, &id, 2, pattern(1000)).await;
    let code = |answer: Answer| answer.element("Code");
    assert_eq!(code(complete(&bench, &id, &[(2, &two), (1, &one)]).await), "InvalidPartOrder");
    assert_eq!(code(complete(&bench, &id, &[(1, "\"00000000000000000000000000000000\"")]).await), "InvalidPart");
    assert_eq!(code(complete(&bench, &id, &[(3, &one)]).await), "InvalidPart");
    assert_eq!(code(complete(&bench, &id, &[]).await), "MalformedXML");
    let small = complete(&bench, &id, &[(1, &one), (2, &two)]).await;
    assert_eq!((code(small)).as_str(), "EntityTooSmall");
    assert_eq!(code(complete(&bench, "no-such-upload", &[(1, &one)]).await), "NoSuchUpload");
    for number in [0, 10_001] {
        let refused = bench.send(&format!("PUT /bkt/k?partNumber={number}&uploadId={id}"), &[], "x").await;
        assert_eq!(refused.element("ArgumentName"), "partNumber");
    }
    let sse = [("x-amz-server-side-encryption", "AES256")];
    let refused = bench.send(&format!("PUT /bkt/k?partNumber=1&uploadId={id}"), &sse, "x").await;
    assert_eq!(refused.element("Message"), "x-amz-server-side-encryption header is not supported for this operation.");
    assert_eq!(complete(&bench, &id, &[(1, &one)]).await.status, 200, "the upload was still whole");
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing() {
    let bench = Bench::with_bucket().await;
    let id = begin(&bench, &[]).await;
    part(&bench, &id, 1, pattern(200_000)).await;
    let listed = bench.send("GET /bkt?uploads", &[], "").await;
    assert_eq!((listed.elements("UploadId"), listed.elements("Key")), (vec![id.clone()], vec!["k".to_owned()]));
    assert_eq!(bench.send(&format!("DELETE /bkt/k?uploadId={id}"), &[], "").await.status, 204);
    assert_eq!(blobs(&bench), 0);
    assert_eq!(bench.send(&format!("DELETE /bkt/k?uploadId={id}"), &[], "").await.element("Code"), "NoSuchUpload");
    let id = begin(&bench, &[]).await;
    part(&bench, &id, 1, pattern(200_000)).await;
    assert_eq!(bench.send("DELETE /bkt", &[], "").await.status, 204, "unfinished uploads do not keep a bucket");
    assert_eq!(blobs(&bench), 0);
    assert!(bench.ledger().subjects().get("object/bkt/k").is_none_or(|places| places.is_empty()));
}

#[tokio::test]
async fn a_composite_checksum_is_the_checksum_of_checksums() {
    let bench = Bench::with_bucket().await;
    let id = begin(&bench, &[("x-amz-checksum-algorithm", "SHA256")]).await;
    let sum = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    let line = format!("PUT /bkt/k?partNumber=1&uploadId={id}");
    let put = bench.send(&line, &[("x-amz-checksum-sha256", sum)], "hello").await;
    assert_eq!(put.header("x-amz-checksum-sha256"), sum);
    let wrong = bench.send(&line, &[("x-amz-checksum-crc32", "NhCmhg==")], "hello").await;
    assert_eq!(wrong.element("Code"), "InvalidRequest");
    let etag = put.header("etag").to_owned();
    let done = complete(&bench, &id, &[(1, &etag)]).await;
    use base64::Engine;
    use sha2::Digest;
    let b64 = base64::engine::general_purpose::STANDARD;
    let composite = b64.encode(sha2::Sha256::digest(b64.decode(sum).unwrap()));
    assert_eq!(done.element("ChecksumSHA256"), format!("{composite}-1"));
    assert_eq!(done.element("ChecksumType"), "COMPOSITE");
}

#[tokio::test]
async fn a_part_may_be_a_range_of_another_object() {
    let bench = Bench::with_bucket().await;
    let body = pattern(PART + 5000);
    bench.send("PUT /bkt/from", &[("x-amz-server-side-encryption", "aws:kms")], body.clone()).await;
    let id = begin(&bench, &[]).await;
    let mut etags = Vec::new();
    for (number, range) in [(1, format!("bytes=0-{}", PART - 1)), (2, format!("bytes={PART}-{}", PART + 4999))] {
        let headers = [("x-amz-copy-source", "bkt/from"), ("x-amz-copy-source-range", range.as_str())];
        let copied = bench.send(&format!("PUT /bkt/k?partNumber={number}&uploadId={id}"), &headers, "").await;
        etags.push(copied.element("ETag"));
    }
    let headers = [("x-amz-copy-source", "bkt/from"), ("x-amz-copy-source-range", "bytes=0-99999999")];
    let refused = bench.send(&format!("PUT /bkt/k?partNumber=3&uploadId={id}"), &headers, "").await;
    assert_eq!(refused.element("Code"), "InvalidArgument");
    assert_eq!(complete(&bench, &id, &[(1, &etags[0]), (2, &etags[1])]).await.status, 200);
    assert!(bench.send("GET /bkt/k", &[], "").await.body == body);
}
