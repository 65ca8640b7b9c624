//! The modes beyond SSE-S3 and plain SSE-KMS: customers' keys, bucket keys, two layers, and moving between them.

use aws_core::id::AccountId;
use aws_core::principal::Principal;
use aws_core::time::SignedDuration;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use expect_test::expect;
use md5::{Digest, Md5};

use super::{ACCOUNT, Answer, Bench, pattern};
use crate::model::object::Wrapping;
use crate::store::Guard;

const SSE: &str = "x-amz-server-side-encryption";
const BUCKET_KEY: &str = "x-amz-server-side-encryption-bucket-key-enabled";
const KEY_ID: &str = "x-amz-server-side-encryption-aws-kms-key-id";

type Headers = Vec<(String, String)>;

/// The three headers of SSE-C; `prefix` is empty, or `copy-source-`.
fn customer(prefix: &str, byte: u8) -> Headers {
    let key = [byte; 32];
    let name = |what: &str| format!("x-amz-{prefix}server-side-encryption-customer-{what}");
    vec![
        (name("algorithm"), "AES256".into()),
        (name("key"), STANDARD.encode(key)),
        (name("key-MD5").to_lowercase(), STANDARD.encode(Md5::digest(key))),
    ]
}

/// The headers that a mode is asked for with, and those with which it is read.
fn mode(name: &str, prefix: &str) -> (Headers, Headers) {
    let with = |pairs: &[(&str, &str)]| pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    match name {
        "SSE-S3" => (with(&[(SSE, "AES256")]), vec![]),
        "SSE-KMS" => (with(&[(SSE, "aws:kms")]), vec![]),
        "bucket key" => (with(&[(SSE, "aws:kms"), (BUCKET_KEY, "true")]), vec![]),
        "DSSE-KMS" => (with(&[(SSE, "aws:kms:dsse")]), vec![]),
        "SSE-C" => (customer("", 7), customer(prefix, 7)),
        other => panic!("no mode {other}"),
    }
}

const MODES: [&str; 5] = ["SSE-S3", "SSE-KMS", "bucket key", "DSSE-KMS", "SSE-C"];

async fn send(bench: &Bench, line: &str, headers: &Headers, body: impl Into<Bytes>) -> Answer {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    bench.send(line, &headers, body).await
}

/// A bench whose bucket takes customers' keys.
async fn open_bench() -> Bench {
    let bench = Bench::with_bucket().await;
    let lift = "<ServerSideEncryptionConfiguration><Rule><BlockedEncryptionTypes><EncryptionType>NONE</EncryptionType>\
                </BlockedEncryptionTypes></Rule></ServerSideEncryptionConfiguration>";
    assert_eq!(bench.send("PUT /bkt?encryption", &[], lift).await.status, 200);
    bench
}

fn shown(answer: &Answer) -> String {
    let mut shown = answer.status.to_string();
    for (name, short) in [("", "sse"), ("-bucket-key-enabled", "bucket-key"), ("-customer-algorithm", "customer")] {
        let value = answer.header(&format!("{SSE}{name}"));
        if !value.is_empty() {
            shown += &format!(" {short}={value}");
        }
    }
    if !answer.header(KEY_ID).is_empty() {
        shown += " key";
    }
    shown
}

fn context_of(bench: &Bench) -> Vec<String> {
    let short = |arn: &String| arn.trim_start_matches("arn:aws:s3:::").to_owned();
    bench
        .kms
        .calls()
        .iter()
        .map(|call| format!("{} {}", call.operation, short(&call.encryption_context["aws:s3:arn"])))
        .collect()
}

#[tokio::test]
async fn each_mode_tells_what_it_is_and_gives_back_what_it_got() {
    let mut told = String::new();
    for name in MODES {
        for len in [0, 43, 300_000] {
            let bench = open_bench().await;
            let (write, read) = mode(name, "");
            let body = pattern(len);
            let put = send(&bench, "PUT /bkt/k", &write, body.clone()).await;
            let head = send(&bench, "HEAD /bkt/k", &read, "").await;
            let got = send(&bench, "GET /bkt/k", &read, "").await;
            assert!(got.body == body, "{name} {len}");
            assert_eq!((shown(&put), shown(&head)), (shown(&got), shown(&got)), "{name}");
            let is_md5 = put.header("etag").trim_matches('"') == hex::encode(Md5::digest(&body));
            assert_eq!(is_md5, name == "SSE-S3", "{name}");
            if len > 10 {
                let range = [&read[..], &[("range".into(), format!("bytes={}-{}", len - 10, len - 3))]].concat();
                assert!(send(&bench, "GET /bkt/k", &range, "").await.body == body.slice(len - 10..len - 2));
            }
            if len == 43 {
                told += &format!("{name:11}| {} | {}\n", shown(&put), context_of(&bench).join(", "));
            }
        }
    }
    expect![[r#"
        SSE-S3     | 200 sse=AES256 | 
        SSE-KMS    | 200 sse=aws:kms key | GenerateDataKey bkt/k, Decrypt bkt/k, Decrypt bkt/k
        bucket key | 200 sse=aws:kms bucket-key=true key | GenerateDataKey bkt
        DSSE-KMS   | 200 sse=aws:kms:dsse key | GenerateDataKey bkt/k, Decrypt bkt/k, Decrypt bkt/k
        SSE-C      | 200 customer=AES256 | 
    "#]]
    .assert_eq(&told);
}

#[tokio::test]
async fn an_object_is_copied_from_every_mode_to_every_mode() {
    let body = pattern(150_000);
    for from in MODES {
        for to in MODES {
            let bench = open_bench().await;
            let ((write, _), (_, from_key)) = (mode(from, ""), mode(from, "copy-source-"));
            let (ask, read) = mode(to, "");
            send(&bench, "PUT /bkt/from", &write, body.clone()).await;
            let source = ("x-amz-copy-source".to_owned(), "bkt/from".to_owned());
            let headers = [&ask[..], &from_key[..], std::slice::from_ref(&source)].concat();
            let copied = send(&bench, "PUT /bkt/to", &headers, "").await;
            assert_eq!(copied.status, 200, "{from} to {to}: {}", copied.text());
            let got = send(&bench, "GET /bkt/to", &read, "").await;
            assert!(got.body == body && shown(&got) == shown(&copied), "{from} to {to}");
            if from == "SSE-C" {
                let without = send(&bench, "PUT /bkt/to", &[&ask[..], &[source]].concat(), "").await;
                assert_eq!(without.status, 400, "the source's key must come along");
            }
        }
    }
}

#[tokio::test]
async fn an_upload_in_parts_works_in_every_mode_from_bodies_and_from_copies() {
    let source = pattern(6 << 20);
    for name in MODES {
        let bench = open_bench().await;
        let (write, read) = mode(name, "");
        send(&bench, "PUT /bkt/source", &customer("", 9), source.clone()).await;
        let id = send(&bench, "POST /bkt/k?uploads", &write, "").await.element("UploadId");
        let copy = [&read[..], &customer("copy-source-", 9)[..], &[("x-amz-copy-source".into(), "bkt/source".into())]]
            .concat();
        let one = send(&bench, &format!("PUT /bkt/k?partNumber=1&uploadId={id}"), &copy, "").await;
        assert_eq!(one.status, 200, "{name}: {}", one.text());
        let two = send(&bench, &format!("PUT /bkt/k?partNumber=2&uploadId={id}"), &read, pattern(70_000)).await;
        let parts = format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}</ETag></Part><Part><PartNumber>2\
             </PartNumber><ETag>{}</ETag></Part></CompleteMultipartUpload>",
            one.element("ETag"),
            two.header("etag")
        );
        let done = send(&bench, &format!("POST /bkt/k?uploadId={id}"), &vec![], parts).await;
        assert_eq!(done.status, 200, "{name}: {}", done.text());
        assert_eq!(done.header("x-amz-server-side-encryption-customer-algorithm"), "", "Complete does not echo it");
        let got = send(&bench, "GET /bkt/k", &read, "").await;
        assert!(got.body == [&source[..], &pattern(70_000)].concat(), "{name}");
        if name == "bucket key" {
            assert_eq!(context_of(&bench), ["GenerateDataKey bkt"], "one call for the whole upload, and the reading");
        }
    }
}

#[tokio::test]
async fn a_customers_key_is_demanded_in_awss_words() {
    let bench = open_bench().await;
    send(&bench, "PUT /bkt/c", &customer("", 7), "secret").await;
    bench.send("PUT /bkt/plain", &[], "x").await;
    let (right, wrong) = (customer("", 7), customer("", 8));
    let short: Headers = {
        let mut headers = right.clone();
        headers[1].1 = STANDARD.encode([7; 16]);
        headers[2].1 = STANDARD.encode(Md5::digest([7; 16]));
        headers
    };
    let torn: Headers = [&right[..2], &wrong[2..]].concat();
    let named = |algorithm: &str| [&[(right[0].0.clone(), algorithm.to_owned())], &right[1..]].concat();
    let sse = [&right[..], &[(SSE.into(), "AES256".into())]].concat();
    let mut told = String::new();
    for (what, line, headers) in [
        ("no key", "GET /bkt/c", &vec![]),
        ("wrong key", "GET /bkt/c", &wrong),
        ("short key, read", "GET /bkt/c", &short),
        ("not needed", "GET /bkt/plain", &right),
        ("short key, write", "PUT /bkt/x", &short),
        ("MD5 of another", "PUT /bkt/x", &torn),
        ("no algorithm", "PUT /bkt/x", &right[1..].to_vec()),
        ("no key sent", "PUT /bkt/x", &right[..1].to_vec()),
        ("no MD5", "PUT /bkt/x", &right[..2].to_vec()),
        ("AES192", "PUT /bkt/x", &named("AES192")),
        ("and SSE-S3", "PUT /bkt/x", &sse),
    ] {
        let answer = send(&bench, line, headers, "x").await;
        let argument = [answer.element("ArgumentName"), answer.element("ArgumentValue")].join("=");
        let argument = argument.replace("x-amz-server-side-encryption", "SSE");
        told += &format!("{what:17}| {} | {}\n", answer.refusal(), argument.trim_start_matches('='));
    }
    expect![[r#"
        no key           | 400 InvalidRequest The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object. | 
        wrong key        | 403 AccessDenied Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key. | 
        short key, read  | 403 AccessDenied Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key. | 
        not needed       | 400 InvalidRequest The encryption parameters are not applicable to this object. | 
        short key, write | 400 InvalidArgument The secret key was invalid for the specified algorithm. | SSE=null
        MD5 of another   | 400 InvalidArgument The calculated MD5 hash of the key did not match the hash that was provided. | SSE=null
        no algorithm     | 400 InvalidArgument Requests specifying Server Side Encryption with Customer provided keys must provide a valid encryption algorithm. | SSE=null
        no key sent      | 400 InvalidArgument Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key. | SSE=null
        no MD5           | 400 InvalidArgument Requests specifying Server Side Encryption with Customer provided keys must provide the client calculated MD5 of the secret key. | SSE=null
        AES192           | 400 InvalidEncryptionAlgorithmError The Encryption request you specified is not valid. Supported value: AES256. | SSE=AES192
        and SSE-S3       | 400 InvalidArgument Server Side Encryption with Customer provided key is incompatible with the encryption method specified | SSE=AES256
    "#]]
    .assert_eq(&told);
    for (headers, status) in [(vec![], 400), (wrong, 403)] {
        let head = send(&bench, "HEAD /bkt/c", &headers, "").await;
        assert_eq!((head.status, head.body.len()), (status, 0));
    }
    assert_eq!(send(&bench, "GET /bkt/c", &right, "").await.text(), "secret");
}

#[tokio::test]
async fn parts_of_an_upload_all_come_with_its_key() {
    let bench = open_bench().await;
    let id = send(&bench, "POST /bkt/k?uploads", &customer("", 7), "").await.element("UploadId");
    let plain = send(&bench, "POST /bkt/k?uploads", &vec![], "").await.element("UploadId");
    let part = |id: &str| format!("PUT /bkt/k?partNumber=1&uploadId={id}");
    let initiate = "400 InvalidRequest The multipart upload initiate requested encryption. Subsequent part requests \
                    must include the appropriate encryption parameters.";
    assert_eq!(send(&bench, &part(&id), &vec![], "x").await.refusal(), initiate);
    assert_eq!(send(&bench, &part(&plain), &customer("", 7), "x").await.refusal(), initiate);
    let other = send(&bench, &part(&id), &customer("", 8), "x").await;
    assert_eq!(
        other.refusal(),
        "400 InvalidRequest The provided encryption parameters did not match the ones used originally."
    );
    assert_eq!(shown(&send(&bench, &part(&id), &customer("", 7), "x").await), "200 customer=AES256");
}

#[tokio::test]
async fn a_new_bucket_takes_no_customers_keys() {
    let bench = Bench::with_bucket().await;
    let refused = send(&bench, "PUT /bkt/k", &customer("", 7), "x").await;
    assert_eq!(
        refused.refusal(),
        format!(
            "403 AccessDenied User: arn:aws:iam::{ACCOUNT}:root is not authorized to perform: s3:PutObject on resource: \
             \"arn:aws:s3:::bkt/k\" because this bucket has blocked upload requests that specify Server Side Encryption \
             with Customer provided keys (SSE-C). Please specify a different server-side encryption type"
        )
    );
    assert_eq!(send(&bench, "POST /bkt/k?uploads", &customer("", 7), "").await.status, 403);
    assert_eq!(bench.send("GET /bkt/k", &[], "").await.status, 404);
}

#[tokio::test]
async fn nothing_of_a_customers_key_is_kept_or_told() {
    let bench = open_bench().await;
    send(&bench, "PUT /bkt/k", &customer("", 7), "x").await;
    let row = format!("{:?}", bench.sim.rows.find_object("bkt", "k").unwrap().unwrap());
    let trail = format!("{:?}", bench.calls());
    for form in [STANDARD.encode([7; 32]), STANDARD.encode(Md5::digest([7; 32])), "7, 7, 7, 7".into()] {
        assert!(!row.contains(&form) && !trail.contains(&form), "{form}");
    }
    assert!(trail.contains("SSE_C"), "the trail says what was done");
}

fn people() -> [Principal; 2] {
    ["A", "B"].map(|name| Principal::AssumedRole {
        account: AccountId::parse(ACCOUNT).unwrap(),
        role_id: format!("AROA{name}"),
        path: "/".into(),
        role: name.into(),
        session: "s".into(),
    })
}

/// The story that surprises: a disabled key goes on working for whoever holds the bucket key, and for nobody else.
#[tokio::test]
async fn a_bucket_key_outlives_its_kms_key_for_as_long_as_it_is_held() {
    let bench = Bench::with_bucket().await;
    let key = bench.kms.create_key();
    let ask = [(SSE, "aws:kms"), (KEY_ID, key.as_str()), (BUCKET_KEY, "true")];
    for n in 0..5 {
        assert_eq!(bench.send(&format!("PUT /bkt/k{n}"), &ask, "x").await.status, 200);
        assert_eq!(bench.send(&format!("GET /bkt/k{n}"), &[], "").await.text(), "x");
    }
    assert_eq!(context_of(&bench), ["GenerateDataKey bkt"], "ten requests, one call");
    let memory =
        |bench: &Bench| bench.ledger().subjects()["bucket-key/bkt"].contains_key(&aws_core::event::Place::S3Memory);
    assert!(memory(&bench));

    bench.kms.disable(&key);
    assert_eq!(bench.send("GET /bkt/k0", &[], "").await.text(), "x");
    assert_eq!(bench.send("PUT /bkt/k9", &ask, "x").await.status, 200);
    bench.clock.advance(SignedDuration::from_secs(299));
    bench.sim.expire_bucket_keys();
    assert!(memory(&bench), "not yet");
    bench.clock.advance(SignedDuration::from_secs(1));
    bench.sim.expire_bucket_keys();
    assert!(!memory(&bench), "its time is over, and the ledger knows");
    assert_eq!(bench.send("GET /bkt/k0", &[], "").await.element("Code"), "KMS.DisabledException");
    assert_eq!(bench.send("PUT /bkt/k9", &ask, "x").await.element("Code"), "KMS.DisabledException");

    bench.kms.enable(&key);
    assert_eq!(bench.send("GET /bkt/k0", &[], "").await.text(), "x");
    assert_eq!(context_of(&bench).last().unwrap(), "Decrypt bkt", "the stored form is unwrapped again");
    let bench = bench.restarted();
    assert_eq!(bench.send("GET /bkt/k9", &[], "").await.text(), "x");
}

#[tokio::test]
async fn each_requester_each_key_and_each_context_has_a_bucket_key_of_its_own() {
    let bench = Bench::with_bucket().await;
    let bucket = bench.sim.rows.bucket("bkt").unwrap();
    let [a, b] = people().map(|principal| crate::call::Call::new(bench.as_caller(principal)));
    let (one, two) = (bench.kms.create_key(), bench.kms.create_key());
    let plain = kms_api::shapes::ContextMap::new();
    let mine = kms_api::shapes::ContextMap::from([("project".to_owned(), "x".to_owned())]);
    let keys = &bench.sim.keys.bucket_keys;
    let mut ids = Vec::new();
    for (call, key, context) in
        [(&a, &one, &plain), (&a, &one, &plain), (&b, &one, &plain), (&a, &two, &plain), (&a, &one, &mine)]
    {
        ids.push(keys.to_seal(call, &bucket, Some(key), context).await.unwrap().row.id);
    }
    assert_eq!(ids[0], ids[1]);
    let distinct: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), 4);
    keys.to_open(&b, &bucket, &ids[0]).await.unwrap();
    assert_eq!(bench.kms.operations().last(), Some(&"Decrypt"), "what a holds, b must ask for");
    keys.forget("bkt");
    keys.to_open(&a, &bucket, &ids[0]).await.unwrap();
    assert_eq!(bench.kms.operations().len(), 6);
}

#[tokio::test]
async fn the_bucket_asks_for_its_bucket_key_and_a_request_may_decline() {
    let bench = Bench::with_bucket().await;
    let rule = "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms\
                </SSEAlgorithm></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled></Rule>\
                </ServerSideEncryptionConfiguration>";
    assert_eq!(bench.send("PUT /bkt?encryption", &[], rule).await.status, 200);
    assert_eq!(bench.send("GET /bkt?encryption", &[], "").await.element("BucketKeyEnabled"), "true");
    for (headers, expected) in [
        (vec![], "200 sse=aws:kms bucket-key=true key"),
        (vec![(SSE, "aws:kms")], "200 sse=aws:kms bucket-key=true key"),
        (vec![(BUCKET_KEY, "false")], "200 sse=aws:kms key"),
        (vec![(SSE, "aws:kms:dsse")], "200 sse=aws:kms:dsse key"),
        (vec![(SSE, "AES256")], "200 sse=AES256"),
    ] {
        assert_eq!(shown(&bench.send("PUT /bkt/k", &headers, "x").await), expected);
    }
}

#[tokio::test]
async fn encryption_changes_without_a_byte_of_the_body_moving() {
    for from in MODES {
        for bucket_key in [false, true] {
            let bench = open_bench().await;
            let key = bench.kms.create_key();
            let (write, read) = mode(from, "");
            let before = send(&bench, "PUT /bkt/k", &write, pattern(200_000)).await;
            let modified = send(&bench, "HEAD /bkt/k", &read, "").await.header("last-modified").to_owned();
            let files = bench.sim.disk("bkt", "k").unwrap().files;
            bench.clock.advance(SignedDuration::from_secs(60));
            let body = format!(
                "<ObjectEncryption><SSE-KMS><KMSKeyArn>{key}</KMSKeyArn><BucketKeyEnabled>{bucket_key}\
                 </BucketKeyEnabled></SSE-KMS></ObjectEncryption>"
            );
            let changed = bench.send("PUT /bkt/k?encryption", &[], body).await;
            if matches!(from, "DSSE-KMS" | "SSE-C") {
                assert_eq!(changed.element("Code"), "InvalidRequest", "{from}");
                continue;
            }
            assert_eq!(changed.status, 200, "{from}: {}", changed.text());
            let got = bench.send("GET /bkt/k", &[], "").await;
            assert!(got.body == pattern(200_000), "{from} {bucket_key}");
            assert_eq!(got.header(KEY_ID), key);
            assert_eq!(got.header(BUCKET_KEY), if bucket_key { "true" } else { "" });
            assert_eq!((got.header("etag"), got.header("last-modified")), (before.header("etag"), modified.as_str()));
            assert_eq!(bench.sim.disk("bkt", "k").unwrap().files, files);
            if (from, bucket_key) == ("SSE-KMS", false) {
                assert_eq!(bench.kms.operations(), ["GenerateDataKey", "ReEncrypt", "Decrypt"]);
            }
            bench.kms.disable(&key);
            bench.clock.advance(SignedDuration::from_secs(600));
            assert_eq!(bench.send("GET /bkt/k", &[], "").await.element("Code"), "KMS.DisabledException");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_rewrapped_is_refused_in_awss_words() {
    let bench = Bench::with_bucket().await;
    bench.send("PUT /bkt/k", &[], "x").await;
    let ask =
        |key: &str| format!("<ObjectEncryption><SSE-KMS><KMSKeyArn>{key}</KMSKeyArn></SSE-KMS></ObjectEncryption>");
    let foreign = "arn:aws:kms:us-east-1:999999999999:key/0d990263-018e-4e65-a703-eff731de951e";
    for (body, expected) in [
        (
            ask("alias/mine"),
            "400 InvalidRequest Requests that modify an object's encryption type to SSE-KMS require a valid",
        ),
        (
            ask(foreign),
            "403 AccessDenied The Amazon Web Services KMS key in the request must be owned by the same account",
        ),
        (
            "<ObjectEncryption/>".into(),
            "400 InvalidRequest Requests that modify an object encryption configuration require",
        ),
    ] {
        let refusal = bench.send("PUT /bkt/k?encryption", &[], body).await.refusal();
        assert!(refusal.starts_with(expected), "{refusal}");
    }
    let absent = bench.send("PUT /bkt/nothing?encryption", &[], ask(&bench.kms.create_key())).await;
    assert_eq!(absent.element("Code"), "NoSuchKey");
}

/// Two real layers: what the outer key opens is the inner form, and without the inner key it stays shut.
#[tokio::test]
async fn dsse_seals_twice() {
    let bench = Bench::with_bucket().await;
    let body = pattern(200_000);
    for (key, mode) in [("one", "aws:kms"), ("two", "aws:kms:dsse")] {
        bench.send(&format!("PUT /bkt/{key}"), &[(SSE, mode)], body.clone()).await;
    }
    let len = |key| std::fs::metadata(&bench.sim.disk("bkt", key).unwrap().files[0]).unwrap().len();
    let one = envelope::segment::sealed_len(200_000).unwrap();
    assert_eq!((len("one"), len("two")), (one, envelope::segment::sealed_len(one).unwrap()));

    let mut object = bench.sim.rows.find_object("bkt", "two").unwrap().unwrap();
    let whole = object.clone();
    let Wrapping::Dsse { outer, .. } = &mut object.wrapped.wrapping else { panic!("not two layers") };
    outer[40] ^= 1;
    bench.sim.rows.put_object("bkt", "two", object, Guard::Always).await.unwrap();
    assert_eq!(bench.send("GET /bkt/two", &[], "").await.status, 500, "the outer key is needed");
    bench.sim.rows.put_object("bkt", "two", whole, Guard::Always).await.unwrap();
    let file = bench.sim.disk("bkt", "two").unwrap().files.remove(0);
    let sealed = std::fs::read(&file).unwrap();
    for at in [4, 100, 96 + 65_552, sealed.len() - 1] {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        std::fs::write(&file, changed).unwrap();
        assert_eq!(bench.send("GET /bkt/two", &[], "").await.status, 500, "byte {at}");
    }
}

/// Whoever exchanges wrapped keys or locks between rows gets an error, and never plaintext.
#[tokio::test]
async fn a_wrapped_key_from_elsewhere_does_not_open() {
    for name in ["bucket key", "DSSE-KMS", "SSE-C"] {
        let bench = open_bench().await;
        let (write, read) = mode(name, "");
        for key in ["a", "b"] {
            send(&bench, &format!("PUT /bkt/{key}"), &write, "secret").await;
        }
        let row = |key| bench.sim.rows.find_object("bkt", key).unwrap().unwrap();
        let mut changed = row("a");
        changed.wrapped = row("b").wrapped;
        bench.sim.rows.put_object("bkt", "a", changed, Guard::Always).await.unwrap();
        let got = send(&bench, "GET /bkt/a", &read, "").await;
        assert!(got.status >= 400 && !got.text().contains("secret"), "{name}: {}", got.status);
    }
}
