//! Versions: told in stories, and held against a reference model under random operations.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Answer, Bench, pattern};

async fn version(bench: &Bench, status: &str) {
    let body = format!("<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>");
    assert_eq!(bench.send("PUT /bkt?versioning", &[], body).await.status, 200);
}

async fn put(bench: &Bench, key: &str, body: &'static str) -> String {
    bench.send(&format!("PUT /bkt/{key}"), &[], body).await.header("x-amz-version-id").to_owned()
}

/// `key body-or-marker latest` of every version, in the order told. Markers come after objects within an answer, so
/// order is told per kind.
async fn listed(bench: &Bench) -> (Vec<String>, Vec<String>) {
    let answer = bench.send("GET /bkt?versions", &[], "").await;
    let shown = |name: &str| -> Vec<String> {
        let entry = |xml: &String| {
            let of = |name: &str| {
                let start = xml.find(&format!("<{name}>")).unwrap() + name.len() + 2;
                xml[start..].split('<').next().unwrap().to_owned()
            };
            format!("{} {} {}", of("Key"), of("VersionId"), of("IsLatest"))
        };
        answer.elements(name).iter().map(entry).collect()
    };
    (shown("Version"), shown("DeleteMarker"))
}

#[tokio::test]
async fn a_write_adds_a_version_and_a_delete_hides_them_all() {
    let bench = Bench::with_bucket().await;
    assert_eq!(put(&bench, "k", "zero").await, "", "a bucket without versions tells none");
    version(&bench, "Enabled").await;
    let (one, two) = (put(&bench, "k", "one").await, put(&bench, "k", "two").await);
    assert_eq!(one.len(), 32);
    assert_eq!(bench.send("GET /bkt/k", &[], "").await.text(), "two");
    let got = bench.send(&format!("GET /bkt/k?versionId={one}"), &[], "").await;
    assert_eq!((got.text().as_str(), got.header("x-amz-version-id")), ("one", one.as_str()));
    assert_eq!(bench.send("GET /bkt/k?versionId=null", &[], "").await.text(), "zero");

    let deleted = bench.send("DELETE /bkt/k", &[], "").await;
    let marker = deleted.header("x-amz-version-id").to_owned();
    assert_eq!((deleted.status, deleted.header("x-amz-delete-marker")), (204, "true"));
    let hidden = bench.send("GET /bkt/k", &[], "").await;
    assert_eq!((hidden.status, hidden.header("x-amz-delete-marker")), (404, "true"));
    assert_eq!(hidden.header("x-amz-version-id"), marker);
    let of_marker = bench.send(&format!("GET /bkt/k?versionId={marker}"), &[], "").await;
    assert_eq!((of_marker.element("Code"), of_marker.header("allow")), ("MethodNotAllowed".into(), "DELETE"));
    assert!(bench.send("GET /bkt?list-type=2", &[], "").await.elements("Key").is_empty());
    let (versions, markers) = listed(&bench).await;
    assert_eq!(versions, [format!("k {two} false"), format!("k {one} false"), "k null false".into()]);
    assert_eq!(markers, [format!("k {marker} true")]);
    assert_eq!(bench.send("DELETE /bkt", &[], "").await.element("Code"), "BucketNotEmpty");

    let undone = bench.send(&format!("DELETE /bkt/k?versionId={marker}"), &[], "").await;
    assert_eq!((undone.header("x-amz-delete-marker"), undone.header("x-amz-version-id")), ("true", marker.as_str()));
    assert_eq!(bench.send("GET /bkt/k", &[], "").await.text(), "two", "what the marker hid comes to light");
    bench.send(&format!("DELETE /bkt/k?versionId={two}"), &[], "").await;
    assert_eq!(bench.send("GET /bkt/k", &[], "").await.text(), "one");
    let gone = bench.send(&format!("GET /bkt/k?versionId={two}"), &[], "").await;
    assert_eq!(gone.refusal(), "404 NoSuchVersion The specified version does not exist.");
    let nonsense = bench.send("GET /bkt/k?versionId=nonsense", &[], "").await;
    assert_eq!(nonsense.refusal(), "400 InvalidArgument Invalid version id specified");
}

#[tokio::test]
async fn suspended_writes_replace_the_null_version_only() {
    let bench = Bench::with_bucket().await;
    version(&bench, "Enabled").await;
    let one = put(&bench, "k", "one").await;
    version(&bench, "Suspended").await;
    assert_eq!(put(&bench, "k", "null a").await, "null");
    assert_eq!(put(&bench, "k", "null b").await, "null");
    assert_eq!(listed(&bench).await.0, ["k null true".to_owned(), format!("k {one} false")]);
    let deleted = bench.send("DELETE /bkt/k", &[], "").await;
    assert_eq!(deleted.header("x-amz-version-id"), "null");
    let (versions, markers) = listed(&bench).await;
    assert_eq!((versions, markers), (vec![format!("k {one} false")], vec!["k null true".into()]));
    assert_eq!(bench.send("GET /bkt/k", &[], "").await.status, 404);
}

#[tokio::test]
async fn each_version_keeps_its_key_and_its_blob_across_a_restart() {
    let mut bench = Bench::with_bucket().await;
    version(&bench, "Enabled").await;
    let sse = [("x-amz-server-side-encryption", "aws:kms")];
    let first = bench.send("PUT /bkt/k", &sse, pattern(100_000)).await.header("x-amz-version-id").to_owned();
    bench.send("PUT /bkt/k", &[], pattern(200_000)).await;
    bench.send("DELETE /bkt/k", &[], "").await;
    bench = bench.restarted();
    let got = bench.send(&format!("GET /bkt/k?versionId={first}"), &[], "").await;
    assert!(got.body == pattern(100_000), "the sweep at start spares old versions");
    let later = put(&bench, "k", "later").await;
    assert_eq!(listed(&bench).await.0[0], format!("k {later} true"), "order goes on after a restart");
    let subject = format!("object/bkt/k?versionId={first}");
    assert!(bench.ledger().subjects().contains_key(&subject));
    bench.send(&format!("DELETE /bkt/k?versionId={first}"), &[], "").await;
    assert!(!bench.ledger().subjects().contains_key(&subject));
}

#[tokio::test]
async fn a_copy_of_an_old_version_becomes_the_newest() {
    let bench = Bench::with_bucket().await;
    version(&bench, "Enabled").await;
    let one = put(&bench, "k", "one").await;
    put(&bench, "k", "two").await;
    let source = format!("/bkt/k?versionId={one}");
    let copied = bench.send("PUT /bkt/k", &[("x-amz-copy-source", &source)], "").await;
    assert_eq!(
        (copied.status, copied.header("x-amz-copy-source-version-id")),
        (200, one.as_str()),
        "{}",
        copied.text()
    );
    assert_eq!(bench.send("GET /bkt/k", &[], "").await.text(), "one");
}

#[tokio::test]
async fn tags_belong_to_a_version() {
    let bench = Bench::with_bucket().await;
    version(&bench, "Enabled").await;
    let one = bench.send("PUT /bkt/k", &[("x-amz-tagging", "n=1")], "x").await.header("x-amz-version-id").to_owned();
    bench.send("PUT /bkt/k", &[], "x").await;
    let tags = "<Tagging><TagSet><Tag><Key>n</Key><Value>2</Value></Tag></TagSet></Tagging>";
    assert_eq!(bench.send("PUT /bkt/k?tagging", &[], tags).await.status, 200);
    assert_eq!(bench.send(&format!("GET /bkt/k?tagging&versionId={one}"), &[], "").await.element("Value"), "1");
    assert_eq!(bench.send("GET /bkt/k?tagging", &[], "").await.element("Value"), "2");
    assert_eq!(bench.send("GET /bkt/k", &[], "").await.header("x-amz-tagging-count"), "1");
    assert_eq!(bench.send(&format!("DELETE /bkt/k?tagging&versionId={one}"), &[], "").await.status, 204);
    assert!(bench.send(&format!("GET /bkt/k?tagging&versionId={one}"), &[], "").await.elements("Key").is_empty());
}

#[tokio::test]
async fn a_locked_version_cannot_be_deleted() {
    let bench = Bench::new();
    assert_eq!(bench.send("PUT /bkt", &[("x-amz-bucket-object-lock-enabled", "true")], "").await.status, 200);
    let lock =
        [("x-amz-object-lock-mode", "GOVERNANCE"), ("x-amz-object-lock-retain-until-date", "2026-02-01T00:00:00Z")];
    let id = bench.send("PUT /bkt/k", &lock, "x").await.header("x-amz-version-id").to_owned();
    assert_eq!(bench.send("HEAD /bkt/k", &[], "").await.header("x-amz-object-lock-mode"), "GOVERNANCE");
    let line = format!("DELETE /bkt/k?versionId={id}");
    assert_eq!(
        bench.send(&line, &[], "").await.refusal(),
        "403 AccessDenied Access Denied because object protected by object lock."
    );
    assert_eq!(bench.send("GET /bkt/k", &[], "").await.text(), "x", "and nothing of the attempt remains");
    assert_eq!(bench.send("DELETE /bkt/k", &[], "").await.status, 204, "a marker deletes nothing");
    let hold = "<LegalHold><Status>ON</Status></LegalHold>";
    assert_eq!(bench.send(&format!("PUT /bkt/k?legal-hold&versionId={id}"), &[], hold).await.status, 200);
    let bypass = [("x-amz-bypass-governance-retention", "true")];
    assert_eq!(bench.send(&line, &bypass, "").await.status, 403, "a legal hold knows no bypass");
    let hold = "<LegalHold><Status>OFF</Status></LegalHold>";
    bench.send(&format!("PUT /bkt/k?legal-hold&versionId={id}"), &[], hold).await;
    assert_eq!(bench.send(&line, &bypass, "").await.status, 204);
}

#[tokio::test]
async fn attributes_are_told_without_quotes() {
    let bench = Bench::with_bucket().await;
    bench.send("PUT /bkt/k", &[], "hello").await;
    let wanted = [("x-amz-object-attributes", "ETag,ObjectSize,Checksum,StorageClass")];
    let told = bench.send("GET /bkt/k?attributes", &wanted, "").await;
    assert_eq!(told.element("ETag"), "5d41402abc4b2a76b9719d911017c592");
    assert_eq!((told.element("ObjectSize"), told.element("StorageClass")), ("5".into(), "STANDARD".into()));
    assert_eq!(told.element("ChecksumType"), "FULL_OBJECT");
    assert_eq!(bench.send("GET /bkt/k?attributes", &[], "").await.status, 400);
}

// ---------------------------------------------------------------- against a model

#[derive(Clone, Debug)]
enum Op {
    Put(usize),
    Delete(usize),
    DeleteVersion(usize, usize),
    Switch(bool),
    List(usize),
    Restart,
}

const KEYS: [&str; 4] = ["a", "a/b", "a/c", "b"];

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let key = 0..KEYS.len();
    let op = prop_oneof![
        6 => key.clone().prop_map(Op::Put),
        3 => key.clone().prop_map(Op::Delete),
        4 => (key, 0..5usize).prop_map(|(key, n)| Op::DeleteVersion(key, n)),
        2 => any::<bool>().prop_map(Op::Switch),
        2 => (1..4usize).prop_map(Op::List),
        1 => Just(Op::Restart),
    ];
    prop::collection::vec(op, 1..40)
}

/// Newest first: version id, and the body unless it is a marker.
type Model = BTreeMap<&'static str, Vec<(String, Option<String>)>>;

/// What a write leaves: in a bucket that is not `Enabled` the version `null` is replaced.
fn add(model: &mut Model, key: &'static str, enabled: bool, id: &str, body: Option<String>) {
    let versions = model.entry(key).or_default();
    if !enabled {
        versions.retain(|(id, _)| id != "null");
    }
    versions.insert(0, (id.to_owned(), body));
}

async fn run(ops: Vec<Op>) {
    let mut bench = Bench::with_bucket().await;
    let (mut model, mut versioned, mut enabled) = (Model::new(), false, false);
    for (n, op) in ops.into_iter().enumerate() {
        match op {
            Op::Put(key) => {
                let body = format!("body {n}");
                let put = bench.send(&format!("PUT /bkt/{}", KEYS[key]), &[], body.clone()).await;
                let id = if versioned { put.header("x-amz-version-id") } else { "null" };
                add(&mut model, KEYS[key], enabled, id, Some(body));
            }
            Op::Delete(key) => {
                let deleted = bench.send(&format!("DELETE /bkt/{}", KEYS[key]), &[], "").await;
                assert_eq!(deleted.status, 204);
                if versioned {
                    add(&mut model, KEYS[key], enabled, deleted.header("x-amz-version-id"), None);
                } else {
                    model.remove(KEYS[key]);
                }
            }
            Op::DeleteVersion(key, nth) => {
                let versions = model.entry(KEYS[key]).or_default();
                let id = versions.get(nth).map_or("null".into(), |(id, _)| id.clone());
                let line = format!("DELETE /bkt/{}?versionId={id}", KEYS[key]);
                assert_eq!(bench.send(&line, &[], "").await.status, 204);
                versions.retain(|(known, _)| *known != id);
            }
            Op::Switch(on) => {
                version(&bench, if on { "Enabled" } else { "Suspended" }).await;
                (versioned, enabled) = (true, on);
            }
            Op::List(size) => list(&bench, &model, size).await,
            Op::Restart => bench = bench.restarted(),
        }
    }
    list(&bench, &model, 1000).await;
    for key in KEYS {
        check(&bench, key, model.get(key).map_or(&[], Vec::as_slice)).await;
    }
}

async fn check(bench: &Bench, key: &str, versions: &[(String, Option<String>)]) {
    let newest = bench.send(&format!("GET /bkt/{key}"), &[], "").await;
    match versions.first() {
        Some((_, Some(body))) => assert_eq!(newest.text(), *body),
        Some((_, None)) | None => assert_eq!(newest.status, 404),
    }
    for (id, body) in versions {
        let got = bench.send(&format!("GET /bkt/{key}?versionId={id}"), &[], "").await;
        match body {
            Some(body) => assert_eq!(got.text(), *body),
            None => assert_eq!(got.status, 405),
        }
    }
}

/// All pages of a listing against the model: objects and markers, each with whether it is the newest.
async fn list(bench: &Bench, model: &Model, size: usize) {
    let (mut found, mut markers, mut next) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page: Answer = bench.send(&format!("GET /bkt?versions&max-keys={size}{next}"), &[], "").await;
        assert!(page.elements("Version").len() + page.elements("DeleteMarker").len() <= size);
        found.extend(page.elements("Version").iter().map(|xml| told(xml)));
        markers.extend(page.elements("DeleteMarker").iter().map(|xml| told(xml)));
        if page.element("IsTruncated") != "true" {
            break;
        }
        let version = page.element("NextVersionIdMarker");
        next = format!("&key-marker={}&version-id-marker={version}", page.element("NextKeyMarker"));
    }
    let expected = |with_body: bool| -> Vec<(String, String, bool)> {
        let of_key = |(key, versions): (&&'static str, &Vec<(String, Option<String>)>)| {
            let shown = versions.iter().enumerate().filter(|(_, (_, body))| body.is_some() == with_body);
            shown.map(|(n, (id, _))| ((*key).to_owned(), id.clone(), n == 0)).collect::<Vec<_>>()
        };
        model.iter().flat_map(of_key).collect()
    };
    assert_eq!((found, markers), (expected(true), expected(false)));
}

fn told(xml: &str) -> (String, String, bool) {
    let of = |name: &str| {
        let start = xml.find(&format!("<{name}>")).unwrap() + name.len() + 2;
        xml[start..].split('<').next().unwrap().to_owned()
    };
    (of("Key"), of("VersionId"), of("IsLatest") == "true")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn versions_are_what_a_list_per_key_says(ops in ops()) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(run(ops));
    }
}
