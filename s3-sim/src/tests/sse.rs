//! Encryption through the door: which headers come back, what KMS is asked and by whom, and what is refused how.

use aws_core::id::{AccountId, Region};
use expect_test::{Expect, expect};
use kms_api::error::KmsError;

use super::{ACCOUNT, Answer, Bench, pattern};
use crate::BucketDefault;

const SSE: &str = "x-amz-server-side-encryption";
const KEY: &str = "x-amz-server-side-encryption-aws-kms-key-id";
const CONTEXT: &str = "x-amz-server-side-encryption-context";

/// The encryption headers of an answer, the key's ARN by its alias.
fn shown(answer: &Answer, keys: &[(&str, &str)]) -> String {
    let mut shown = answer.status.to_string();
    for name in ["", "-aws-kms-key-id", "-bucket-key-enabled", "-context"] {
        let value = answer.header(&format!("{SSE}{name}"));
        if !value.is_empty() {
            let value = keys.iter().find(|(_, arn)| *arn == value).map_or(value, |(alias, _)| alias);
            shown += &format!(" {}={value}", if name.is_empty() { "sse" } else { &name[1..] });
        }
    }
    shown
}

async fn configure(bench: &Bench, default: &str) {
    let body = match default.split_once('=') {
        None => format!("<SSEAlgorithm>{default}</SSEAlgorithm>"),
        Some((algorithm, key)) => {
            format!("<SSEAlgorithm>{algorithm}</SSEAlgorithm><KMSMasterKeyID>{key}</KMSMasterKeyID>")
        }
    };
    let body = format!(
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>{body}\
         </ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
    );
    let put = bench.send("PUT /bkt?encryption", &[], body).await;
    assert_eq!(put.status, 200, "{}", put.text());
}

#[tokio::test]
async fn the_header_matrix() {
    let bench = Bench::with_bucket().await;
    let (mine, other) = (bench.kms.create_key(), bench.kms.create_key());
    bench.kms.alias("alias/mine", &mine);
    let id = mine.rsplit('/').next().unwrap().to_owned();
    bench.send("PUT /bkt/warm-up", &[(SSE, "aws:kms")], "").await;
    let managed = bench.send("HEAD /bkt/warm-up", &[], "").await.header(KEY).to_owned();
    let keys = [("mine", mine.as_str()), ("other", other.as_str()), ("aws/s3", managed.as_str())];
    let mut told = String::new();
    for default in ["AES256", "aws:kms", &format!("aws:kms={other}")] {
        configure(&bench, default).await;
        let name = if default.len() > 7 { "aws:kms=other" } else { default };
        for asked in ["", "AES256", "aws:kms", "aws:kms id", "aws:kms alias", "aws:kms arn"] {
            let mut headers = Vec::new();
            let mut words = asked.split(' ').filter(|word| !word.is_empty());
            headers.extend(words.next().map(|sse| (SSE, sse)));
            let key = match words.next() {
                Some("id") => Some(id.as_str()),
                Some("alias") => Some("alias/mine"),
                Some(_) => Some(mine.as_str()),
                None => None,
            };
            headers.extend(key.map(|key| (KEY, key)));
            let put = shown(&bench.send("PUT /bkt/k", &headers, "x").await, &keys);
            let put = put.split(" context=").next().unwrap().to_owned();
            let get = shown(&bench.send("GET /bkt/k", &[], "").await, &keys);
            let head = shown(&bench.send("HEAD /bkt/k", &[], "").await, &keys);
            assert_eq!((&put, &get), (&get, &head), "reading never tells the context");
            told += &format!("{name:14}| {asked:14}| {put}\n");
        }
    }
    expect![[r#"
        AES256        |               | 200 sse=AES256
        AES256        | AES256        | 200 sse=AES256
        AES256        | aws:kms       | 200 sse=aws:kms aws-kms-key-id=aws/s3
        AES256        | aws:kms id    | 200 sse=aws:kms aws-kms-key-id=mine
        AES256        | aws:kms alias | 200 sse=aws:kms aws-kms-key-id=mine
        AES256        | aws:kms arn   | 200 sse=aws:kms aws-kms-key-id=mine
        aws:kms       |               | 200 sse=aws:kms aws-kms-key-id=aws/s3
        aws:kms       | AES256        | 200 sse=AES256
        aws:kms       | aws:kms       | 200 sse=aws:kms aws-kms-key-id=aws/s3
        aws:kms       | aws:kms id    | 200 sse=aws:kms aws-kms-key-id=mine
        aws:kms       | aws:kms alias | 200 sse=aws:kms aws-kms-key-id=mine
        aws:kms       | aws:kms arn   | 200 sse=aws:kms aws-kms-key-id=mine
        aws:kms=other |               | 200 sse=aws:kms aws-kms-key-id=other
        aws:kms=other | AES256        | 200 sse=AES256
        aws:kms=other | aws:kms       | 200 sse=aws:kms aws-kms-key-id=aws/s3
        aws:kms=other | aws:kms id    | 200 sse=aws:kms aws-kms-key-id=mine
        aws:kms=other | aws:kms alias | 200 sse=aws:kms aws-kms-key-id=mine
        aws:kms=other | aws:kms arn   | 200 sse=aws:kms aws-kms-key-id=mine
    "#]]
    .assert_eq(&told);
}

#[tokio::test]
async fn kms_is_asked_as_the_caller_through_s3_with_the_objects_arn() {
    let bench = Bench::with_bucket().await;
    let headers = [(SSE, "aws:kms"), (CONTEXT, "eyJwcm9qZWN0IjoieCJ9")];
    let put = bench.send("PUT /bkt/folder/k", &headers, pattern(100_000)).await;
    let told = serde_json::json!({"aws:s3:arn": "arn:aws:s3:::bkt/folder/k", "project": "x"}).to_string();
    use base64::Engine;
    assert_eq!(put.header(CONTEXT), base64::engine::general_purpose::STANDARD.encode(&told));
    bench.send("GET /bkt/folder/k", &[("range", "bytes=0-9")], "").await;
    bench.send("GET /bkt/folder/k", &[("range", "bytes=10-19")], "").await;
    let calls = bench.kms.calls();
    assert_eq!(bench.kms.operations(), ["GenerateDataKey", "Decrypt", "Decrypt"]);
    for call in &calls {
        assert_eq!(serde_json::to_string(&call.encryption_context).unwrap(), told);
        let via = call.context.via.as_ref().unwrap();
        assert_eq!(via.via_service.as_deref(), Some("s3.us-east-1.amazonaws.com"));
        assert_eq!(via.invoked_by, "fas.s3.amazonaws.com");
        assert_eq!(call.context.principal_arn(), format!("arn:aws:iam::{ACCOUNT}:root"));
    }
    // The S3 call precedes the KMS calls that it causes, and says how the object was sealed.
    let trail = bench.calls();
    assert_eq!(trail[0].name, "PutObject");
    assert_eq!(trail[0].additional_event_data.as_ref().unwrap()["SSEApplied"], "SSE_KMS");
}

#[tokio::test]
async fn a_disabled_key_shuts_its_objects_and_kms_words_come_through() {
    let bench = Bench::with_bucket().await;
    let key = bench.kms.create_key();
    let with_key = [(SSE, "aws:kms"), (KEY, key.as_str())];
    bench.send("PUT /bkt/k", &with_key, "secret").await;
    let tell = |answer: Answer| answer.refusal().replace(&key, "KEY");

    bench.kms.disable(&key);
    expect!["400 KMS.DisabledException KEY is disabled."].assert_eq(&tell(bench.send("GET /bkt/k", &[], "").await));
    expect!["400 KMS.DisabledException KEY is disabled."]
        .assert_eq(&tell(bench.send("PUT /bkt/k2", &with_key, "x").await));
    let head = bench.send("HEAD /bkt/k", &[], "").await;
    assert_eq!(head.status, 200, "the facts of an object need no key");
    let head = bench.send("HEAD /bkt/k", &[("x-amz-checksum-mode", "ENABLED")], "").await;
    assert_eq!((head.status, head.body.len()), (400, 0), "HEAD has no body, even of an error");
    bench.kms.enable(&key);
    assert_eq!(bench.send("GET /bkt/k", &[], "").await.text(), "secret");

    bench.kms.schedule_deletion(&key);
    expect!["400 KMS.KMSInvalidStateException KEY is pending deletion."]
        .assert_eq(&tell(bench.send("GET /bkt/k", &[], "").await));

    let sentence = "User: u is not authorized to perform: kms:GenerateDataKey on resource: KEY because no \
                    identity-based policy allows the kms:GenerateDataKey action";
    bench.kms.fail_next(KmsError::AccessDenied(sentence.into()));
    let denied = bench.send("PUT /bkt/k3", &[(SSE, "aws:kms")], "x").await;
    assert_eq!(denied.refusal(), format!("403 AccessDenied {sentence}"));
    let trail = bench.calls();
    assert_eq!(trail.last().unwrap().error.as_ref().unwrap().code, "AccessDenied");
}

async fn refused(bench: &Bench, line: &str, headers: &[(&str, &str)], expected: Expect) {
    let answer = bench.send(line, headers, "x").await;
    let mut told = answer.refusal();
    for name in ["ArgumentName", "ArgumentValue", "Header"] {
        let value = answer.element(name);
        if !value.is_empty() {
            told += &format!(" | {name}={value}");
        }
    }
    expected.assert_eq(&told);
    assert!(!answer.element("RequestId").is_empty() && !answer.element("HostId").is_empty());
}

#[tokio::test]
async fn what_cannot_be_is_refused_in_awss_words() {
    let bench = Bench::with_bucket().await;
    bench.send("PUT /bkt/there", &[], "x").await;
    bench.kms.fail_next(KmsError::NotFound("Invalid keyId 'fake-key-id'".into()));
    refused(
        &bench,
        "PUT /bkt/k",
        &[(SSE, "aws:kms"), (KEY, "fake-key-id")],
        expect!["400 KMS.NotFoundException Invalid keyId 'fake-key-id'"],
    )
    .await;
    refused(
        &bench,
        "PUT /bkt/k",
        &[(SSE, "aws:kms"), (KEY, "0d990263-018e-4e65-a703-eff731de951e")],
        expect!["400 KMS.NotFoundException Key 'arn:aws:kms:us-east-1:111122223333:key/0d990263-018e-4e65-a703-eff731de951e' does not exist"],
    )
    .await;
    let west = "arn:aws:kms:us-west-2:111122223333:key/0d990263-018e-4e65-a703-eff731de951e";
    refused(
        &bench,
        "PUT /bkt/k",
        &[(SSE, "aws:kms"), (KEY, west)],
        expect!["400 KMS.NotFoundException Invalid arn us-west-2"],
    )
    .await;
    refused(&bench, "PUT /bkt/k", &[(KEY, "k")], expect!["400 InvalidArgument Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms | ArgumentName=x-amz-server-side-encryption-aws-kms-key-id | ArgumentValue=k"]).await;
    refused(&bench, "PUT /bkt/k", &[(SSE, "AES128")], expect!["400 InvalidArgument The encryption method specified is not supported | ArgumentName=x-amz-server-side-encryption | ArgumentValue=AES128"]).await;
    refused(&bench, "PUT /bkt/k", &[(SSE, "aws:kms"), (CONTEXT, "bm90IGpzb24=")], expect!["400 InvalidArgument The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map | ArgumentName=x-amz-server-side-encryption-context | ArgumentValue=bm90IGpzb24="]).await;
    refused(&bench, "GET /bkt/there", &[(SSE, "AES256")], expect!["400 InvalidArgument x-amz-server-side-encryption header is not supported for this operation. | ArgumentName=x-amz-server-side-encryption | ArgumentValue=AES256"]).await;
    assert_eq!(bench.send("GET /bkt/k", &[], "").await.status, 404, "nothing was stored by any of these");
}

#[tokio::test]
async fn the_flag_makes_kms_the_default_of_every_new_bucket() {
    let identities = std::sync::Arc::new(aws_core::identity::NoIdentities);
    let bench = Bench::with(::store::Store::in_memory(), identities, BucketDefault::Kms { key: None });
    bench.send("PUT /bkt", &[], "").await;
    let put = bench.send("PUT /bkt/k", &[], "x").await;
    assert_eq!(put.header(SSE), "aws:kms");
    assert_eq!(bench.send("GET /bkt?encryption", &[], "").await.element("SSEAlgorithm"), "aws:kms");
    assert_eq!(bench.kms.calls()[0].key_id.as_deref(), Some("alias/aws/s3"));
}

#[tokio::test]
async fn a_bare_id_means_the_buckets_account_and_not_the_callers() {
    let bench = Bench::with_bucket().await;
    let key = bench.kms.create_key();
    let id = key.rsplit('/').next().unwrap();
    bench.send("PUT /bkt/k", &[(SSE, "aws:kms"), (KEY, id)], "x").await;
    assert_eq!(bench.kms.calls()[0].key_id.as_deref(), Some(key.as_str()));
    assert_eq!(bench.kms.calls()[0].context.region, Region::default_region());
    assert_eq!(AccountId::parse(ACCOUNT).unwrap().as_str(), key.split(':').nth(4).unwrap());
}
