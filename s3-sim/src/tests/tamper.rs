//! Whoever writes to the disk or to a row gets an error, and never plaintext.

use super::{Bench, pattern};
use crate::model::object::{Object, Wrapping};
use crate::store::Guard;

const KMS: [(&str, &str); 1] = [("x-amz-server-side-encryption", "aws:kms")];

async fn refuses(bench: &Bench, line: &str, what: &str) {
    let got = bench.send(line, &[], "").await;
    assert!(got.status >= 400, "{what}: {} {}", got.status, got.body.len());
}

async fn rewrite(bench: &Bench, change: impl FnOnce(&mut Object)) -> Object {
    let before = bench.sim.rows.find_object("bkt", "k").unwrap().unwrap();
    let mut object = before.clone();
    change(&mut object);
    bench.sim.rows.put_object("bkt", "k", object, Guard::Always).await.unwrap();
    before
}

#[tokio::test]
async fn a_changed_blob_does_not_open() {
    let bench = Bench::with_bucket().await;
    let body = pattern(200_000);
    bench.send("PUT /bkt/k", &KMS, body.clone()).await;
    let file = bench.sim.disk("bkt", "k").unwrap().files.remove(0);
    let sealed = std::fs::read(&file).unwrap();
    // A byte of each kind: magic, suite, uuid, salt, commitment, reserved, ciphertext, tags, last segment.
    for at in [0, 4, 9, 25, 60, 90, 96, 96 + 65_536, 96 + 65_552, sealed.len() - 1] {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        std::fs::write(&file, changed).unwrap();
        refuses(&bench, "GET /bkt/k", &format!("byte {at}")).await;
    }
    for cut in [0, 50, 96, 96 + 65_552, sealed.len() - 1] {
        std::fs::write(&file, &sealed[..cut]).unwrap();
        refuses(&bench, "GET /bkt/k", &format!("cut at {cut}")).await;
    }
    let (first, second) = (96..96 + 65_552, 96 + 65_552..96 + 2 * 65_552);
    let swapped = [&sealed[..96], &sealed[second.clone()], &sealed[first], &sealed[second.end..]].concat();
    std::fs::write(&file, swapped).unwrap();
    refuses(&bench, "GET /bkt/k", "swapped segments").await;
    std::fs::write(&file, &sealed).unwrap();
    assert!(bench.send("GET /bkt/k", &[], "").await.body == body);
    std::fs::remove_file(&file).unwrap();
    refuses(&bench, "GET /bkt/k", "no file").await;
}

#[tokio::test]
async fn damage_behind_the_first_batch_tears_the_body() {
    let bench = Bench::with_bucket().await;
    bench.send("PUT /bkt/k", &[], pattern(3 << 20)).await;
    let file = bench.sim.disk("bkt", "k").unwrap().files.remove(0);
    let mut sealed = std::fs::read(&file).unwrap();
    let at = sealed.len() - 1;
    sealed[at] ^= 1;
    std::fs::write(&file, sealed).unwrap();
    let got = bench.send("GET /bkt/k", &[], "").await;
    assert_eq!(got.text(), "(torn)");
    assert_eq!(bench.send("GET /bkt/k", &[("range", "bytes=0-99")], "").await.status, 206);
}

#[tokio::test]
async fn bodies_of_two_objects_cannot_be_exchanged() {
    let bench = Bench::with_bucket().await;
    for key in ["k", "other"] {
        bench.send(&format!("PUT /bkt/{key}"), &[], pattern(100_000)).await;
    }
    let path = |key| bench.sim.disk("bkt", key).unwrap().files.remove(0);
    std::fs::copy(path("other"), path("k")).unwrap();
    refuses(&bench, "GET /bkt/k", "another object's body").await;
}

type Change = Box<dyn FnOnce(&mut Object)>;

#[tokio::test]
async fn a_changed_row_does_not_open() {
    for headers in [&KMS[..], &[]] {
        let bench = Bench::with_bucket().await;
        bench.send("PUT /bkt/k", headers, pattern(1000)).await;
        bench.send("PUT /bkt/other", headers, pattern(1000)).await;
        let other = bench.sim.rows.find_object("bkt", "other").unwrap().unwrap();
        let changes: Vec<(&str, Change)> = vec![
            ("size", Box::new(|o| o.facts.size -= 1)),
            (
                "size and piece",
                Box::new(|o| {
                    o.facts.size = 10;
                    o.facts.pieces[0].size = 10;
                }),
            ),
            ("etag", Box::new(|o| o.facts.etag = "0".repeat(32))),
            (
                "metadata",
                Box::new(|o| {
                    o.facts.headers.metadata.insert("role".into(), "admin".into());
                }),
            ),
            ("date", Box::new(|o| o.facts.modified = aws_core::time::Timestamp::UNIX_EPOCH)),
            (
                "piece twice",
                Box::new(|o| {
                    let piece = o.facts.pieces[0].clone();
                    o.facts.pieces.push(piece);
                }),
            ),
            (
                "proof",
                Box::new(|o| {
                    let last = o.proof.len() - 1;
                    o.proof[last] ^= 1;
                }),
            ),
            (
                "wrapped key",
                Box::new(|o| {
                    let last = o.wrapped.blob.len() - 1;
                    o.wrapped.blob[last] ^= 1;
                }),
            ),
            (
                "another's wrapped key",
                Box::new({
                    let other = other.wrapped.clone();
                    move |o| o.wrapped = other
                }),
            ),
            ("another's row", Box::new(move |o| *o = other)),
            (
                "inline body",
                Box::new(|o| {
                    let inline = o.inline.as_mut().unwrap();
                    let last = inline.len() - 1;
                    inline[last] ^= 1;
                }),
            ),
            ("inline body cut", Box::new(|o| o.inline.as_mut().unwrap().truncate(500))),
            ("no body", Box::new(|o| o.inline = None)),
        ];
        for (what, change) in changes {
            let before = rewrite(&bench, change).await;
            refuses(&bench, "GET /bkt/k", what).await;
            rewrite(&bench, |object| *object = before).await;
        }
        assert_eq!(bench.send("GET /bkt/k", &[], "").await.status, 200);
    }
}

#[tokio::test]
async fn a_context_that_was_changed_is_kms_word_against_it() {
    let bench = Bench::with_bucket().await;
    bench.send("PUT /bkt/k", &KMS, "x").await;
    rewrite(&bench, |object| {
        if let Wrapping::Kms { context, .. } = &mut object.wrapped.wrapping {
            context.insert("aws:s3:arn".into(), "arn:aws:s3:::bkt/else".into());
        }
    })
    .await;
    let got = bench.send("GET /bkt/k", &[], "").await;
    assert_eq!((got.status, got.element("Code")), (400, "KMS.InvalidCiphertextException".into()));
}

#[tokio::test]
async fn a_part_that_was_changed_completes_nothing() {
    let bench = Bench::with_bucket().await;
    let id = bench.send("POST /bkt/k?uploads", &[], "").await.element("UploadId");
    let put = bench.send(&format!("PUT /bkt/k?partNumber=1&uploadId={id}"), &[], pattern(1000)).await;
    let mut part = bench.sim.rows.parts(&id).unwrap().remove(0);
    part.piece.size = 999;
    bench.sim.rows.put_part("bkt", &id, part).await.unwrap();
    let body = format!(
        "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{}</ETag></Part></CompleteMultipartUpload>",
        put.header("etag")
    );
    let done = bench.send(&format!("POST /bkt/k?uploadId={id}"), &[], body).await;
    assert_eq!(done.element("Code"), "InternalError");
}
