//! Listings through the door: both versions, delimiters, markers, encodings.

use expect_test::{Expect, expect};

use super::{Answer, Bench};

async fn stocked(keys: &[&str]) -> Bench {
    let bench = Bench::with_bucket().await;
    for key in keys {
        let path = percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC);
        assert_eq!(bench.send(&format!("PUT /bkt/{path}"), &[], "x").await.status, 200);
    }
    bench
}

fn shown(answer: &Answer) -> String {
    let bare = |prefix: &String| prefix.replace("<Prefix>", "").replace("</Prefix>", "");
    let prefixes: Vec<String> = answer.elements("CommonPrefixes").iter().map(bare).collect();
    let more = answer.element("IsTruncated") == "true";
    format!("{:?} {:?}{}", answer.elements("Key"), prefixes, if more { " …" } else { "" })
}

async fn check(bench: &Bench, query: &str, expected: Expect) -> Answer {
    let answer = bench.send(&format!("GET /bkt?list-type=2&{query}"), &[], "").await;
    expected.assert_eq(&shown(&answer));
    answer
}

#[tokio::test]
async fn keys_come_in_byte_order_and_fold_at_the_delimiter() {
    let bench = stocked(&["asdf", "boo/bar", "boo/baz/xyzzy", "cquux/thud", "cquux/bla", "Z", "é"]).await;
    check(&bench, "", expect![[r#"["Z", "asdf", "boo/bar", "boo/baz/xyzzy", "cquux/bla", "cquux/thud", "é"] []"#]])
        .await;
    check(&bench, "delimiter=/", expect![[r#"["Z", "asdf", "é"] ["boo/", "cquux/"]"#]]).await;
    check(&bench, "delimiter=/&prefix=boo/", expect![[r#"["boo/bar"] ["boo/baz/"]"#]]).await;
    check(&bench, "prefix=boo", expect![[r#"["boo/bar", "boo/baz/xyzzy"] []"#]]).await;
    check(&bench, "start-after=boo/bar", expect![[r#"["boo/baz/xyzzy", "cquux/bla", "cquux/thud", "é"] []"#]]).await;
    check(&bench, "max-keys=0", expect!["[] []"]).await;
    let refused = bench.send("GET /bkt?list-type=2&max-keys=-1", &[], "").await;
    assert_eq!(refused.element("Code"), "InvalidArgument");
}

#[tokio::test]
async fn pages_join_to_the_whole_for_both_versions() {
    let bench = stocked(&["a", "b/1", "b/2", "b/3", "c", "d/1", "e"]).await;
    for size in 1..=6 {
        let (mut two, mut one) = (Vec::new(), Vec::new());
        let (mut token, mut marker) = (String::new(), String::new());
        loop {
            let query = format!("GET /bkt?list-type=2&delimiter=/&max-keys={size}{token}");
            let page = bench.send(&query, &[], "").await;
            two.extend(page.elements("Key"));
            two.extend(page.elements("CommonPrefixes"));
            assert!(page.element("KeyCount").parse::<usize>().unwrap() <= size);
            let next = page.element("NextContinuationToken");
            if next.is_empty() {
                break;
            }
            token = format!("&continuation-token={}", next.replace('=', "%3D").replace('+', "%2B"));
        }
        loop {
            let page = bench.send(&format!("GET /bkt?delimiter=/&max-keys={size}&marker={marker}"), &[], "").await;
            one.extend(page.elements("Key"));
            one.extend(page.elements("CommonPrefixes"));
            marker = page.element("NextMarker");
            if marker.is_empty() {
                break;
            }
        }
        two.sort();
        one.sort();
        let expected = ["<Prefix>b/</Prefix>", "<Prefix>d/</Prefix>", "a", "c", "e"];
        assert_eq!((two, one), (expected.map(str::to_owned).to_vec(), expected.map(str::to_owned).to_vec()), "{size}");
    }
}

#[tokio::test]
async fn keys_that_xml_cannot_carry_are_encoded_when_asked() {
    let bench = stocked(&["a b+c/d&e", "tab\u{1}"]).await;
    let answer = bench.send("GET /bkt?list-type=2&encoding-type=url&prefix=a%20b&delimiter=%26", &[], "").await;
    assert_eq!(answer.element("CommonPrefixes"), "<Prefix>a%20b%2Bc/d%26</Prefix>");
    assert_eq!((answer.element("Prefix"), answer.element("Delimiter")), ("a%20b".into(), "%26".into()));
    let all = bench.send("GET /bkt?encoding-type=url", &[], "").await;
    assert_eq!(all.elements("Key"), ["a%20b%2Bc/d%26e", "tab%01"]);
    assert_eq!(bench.send("GET /bkt?encoding-type=base64", &[], "").await.element("Code"), "InvalidArgument");
}

#[tokio::test]
async fn an_entry_tells_the_plaintext_size_and_its_etag() {
    let bench = Bench::with_bucket().await;
    let put = bench.send("PUT /bkt/k", &[("x-amz-server-side-encryption", "aws:kms")], super::pattern(70_000)).await;
    let listed = bench.send("GET /bkt?list-type=2&fetch-owner=true", &[], "").await;
    assert_eq!(listed.element("Size"), "70000");
    assert_eq!(listed.element("ETag"), put.header("etag"));
    assert_eq!(listed.element("LastModified"), "2026-01-15T09:00:00.000Z");
    assert_eq!(
        (listed.element("StorageClass"), listed.element("ChecksumAlgorithm")),
        ("STANDARD".into(), "CRC64NVME".into())
    );
    assert_eq!(listed.element("ID").len(), 64);
}
