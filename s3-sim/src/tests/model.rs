//! Random operations against a map: what S3 says must be what the map says.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;

use super::{Bench, pattern};

#[derive(Clone, Debug)]
enum Op {
    Put { key: usize, size: usize, kms: bool },
    Get { key: usize, from: usize, len: usize },
    Copy { from: usize, to: usize, kms: bool },
    Delete { key: usize },
    Upload { key: usize, last: usize, kms: bool },
    List { prefix: usize, size: usize },
    Restart,
}

const KEYS: [&str; 6] = ["a", "a/b", "a/c", "a/c/d", "b", "zz"];
const PREFIXES: [&str; 4] = ["", "a", "a/", "zzz"];
const PART: usize = 5 << 20;

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let key = 0..KEYS.len();
    let size = prop_oneof![0..40usize, 16_380..16_390usize, 65_530..65_540usize, 1_048_570..1_048_580usize];
    let op = prop_oneof![
        4 => (key.clone(), size.clone(), any::<bool>()).prop_map(|(key, size, kms)| Op::Put { key, size, kms }),
        6 => (key.clone(), 0..70_000usize, 1..70_000usize).prop_map(|(key, from, len)| Op::Get { key, from, len }),
        2 => (key.clone(), key.clone(), any::<bool>()).prop_map(|(from, to, kms)| Op::Copy { from, to, kms }),
        2 => key.clone().prop_map(|key| Op::Delete { key }),
        1 => (key, size, any::<bool>()).prop_map(|(key, last, kms)| Op::Upload { key, last, kms }),
        2 => (0..PREFIXES.len(), 1..5usize).prop_map(|(prefix, size)| Op::List { prefix, size }),
        1 => Just(Op::Restart),
    ];
    prop::collection::vec(op, 1..30)
}

fn sse(kms: bool) -> (&'static str, &'static str) {
    ("x-amz-server-side-encryption", if kms { "aws:kms" } else { "AES256" })
}

async fn run(ops: Vec<Op>) {
    let mut bench = Bench::with_bucket().await;
    let mut model: BTreeMap<&str, Bytes> = BTreeMap::new();
    for op in ops {
        match op {
            Op::Restart => bench = bench.restarted(),
            Op::Put { key, size, kms } => {
                let put = bench.send(&format!("PUT /bkt/{}", KEYS[key]), &[sse(kms)], pattern(size)).await;
                assert_eq!(put.status, 200);
                model.insert(KEYS[key], pattern(size));
            }
            Op::Get { key, from, len } => get(&bench, KEYS[key], model.get(KEYS[key]), from, len).await,
            Op::Copy { from, to, kms } => {
                let source = format!("/bkt/{}", KEYS[from]);
                let headers = [("x-amz-copy-source", source.as_str()), sse(kms)];
                let copied = bench.send(&format!("PUT /bkt/{}", KEYS[to]), &headers, "").await;
                let body = model.get(KEYS[from]).cloned();
                assert_eq!(copied.status, if body.is_some() { 200 } else { 404 });
                model.extend(body.map(|body| (KEYS[to], body)));
            }
            Op::Delete { key } => {
                assert_eq!(bench.send(&format!("DELETE /bkt/{}", KEYS[key]), &[], "").await.status, 204);
                model.remove(KEYS[key]);
            }
            Op::Upload { key, last, kms } => {
                upload(&bench, KEYS[key], last, kms).await;
                model.insert(KEYS[key], [pattern(PART), pattern(last)].concat().into());
            }
            Op::List { prefix, size } => list(&bench, &model, PREFIXES[prefix], size).await,
        }
    }
    for key in KEYS {
        get(&bench, key, model.get(key), 0, usize::MAX / 2).await;
    }
}

async fn get(bench: &Bench, key: &str, expected: Option<&Bytes>, from: usize, len: usize) {
    let range = format!("bytes={from}-{}", from + len - 1);
    let got = bench.send(&format!("GET /bkt/{key}"), &[("range", &range)], "").await;
    match expected {
        None => assert_eq!(got.status, 404),
        Some(body) if from >= body.len() => assert_eq!(got.status, 416),
        Some(body) => assert!(got.body == body.slice(from..body.len().min(from + len))),
    }
}

async fn upload(bench: &Bench, key: &str, last: usize, kms: bool) {
    let id = bench.send(&format!("POST /bkt/{key}?uploads"), &[sse(kms)], "").await.element("UploadId");
    let mut parts = String::new();
    for (number, body) in [(1, pattern(PART)), (2, pattern(last))] {
        let put = bench.send(&format!("PUT /bkt/{key}?partNumber={number}&uploadId={id}"), &[], body).await;
        parts += &format!("<Part><PartNumber>{number}</PartNumber><ETag>{}</ETag></Part>", put.header("etag"));
    }
    let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
    assert_eq!(bench.send(&format!("POST /bkt/{key}?uploadId={id}"), &[], body).await.status, 200);
}

async fn list(bench: &Bench, model: &BTreeMap<&str, Bytes>, prefix: &str, size: usize) {
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let query = format!("GET /bkt?list-type=2&prefix={prefix}&max-keys={size}&start-after={after}");
        let page = bench.send(&query, &[], "").await;
        found.extend(page.elements("Key").into_iter().zip(page.elements("Size")));
        if page.element("IsTruncated") != "true" {
            break;
        }
        after = found.last().unwrap().0.clone();
    }
    let expected = model.iter().filter(|(key, _)| key.starts_with(prefix));
    let expected: Vec<_> = expected.map(|(key, body)| ((*key).to_owned(), body.len().to_string())).collect();
    assert_eq!(found, expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn s3_says_what_a_map_says(ops in ops()) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(run(ops));
    }
}
