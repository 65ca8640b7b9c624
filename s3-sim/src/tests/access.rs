//! Authority and the trail: who may, in whose words the others are refused, and what is written down.

use std::sync::Arc;

use aws_core::arn::Arn;
use aws_core::id::AccountId;
use aws_core::identity::{Credential, Identities, IdentityPolicies, NamedPolicy};
use aws_core::policy::document::PolicyDocument;
use aws_core::principal::{Caller, Principal};
use serde_json::json;

use super::{ACCOUNT, Bench};
use crate::BucketDefault;

/// An IAM in which every user has one policy.
struct OnePolicy(Arc<PolicyDocument>);

impl Identities for OnePolicy {
    fn credential(&self, _access_key_id: &str) -> Option<Credential> {
        None
    }

    fn policies(&self, caller: &Caller) -> IdentityPolicies {
        if caller.principal.is_root() {
            return IdentityPolicies::default();
        }
        let policy = NamedPolicy { name: "the policy".into(), document: self.0.clone() };
        IdentityPolicies { identity: vec![policy], ..IdentityPolicies::default() }
    }

    fn principal_exists(&self, _arn: &Arn) -> bool {
        true
    }

    fn unique_id(&self, _arn: &Arn) -> Option<String> {
        None
    }
}

fn student() -> Principal {
    let account = AccountId::parse(ACCOUNT).unwrap();
    Principal::User { account, id: "AIDAEXAMPLE".into(), path: "/".into(), name: "student".into() }
}

async fn bench_with(policy: serde_json::Value) -> Bench {
    let policy = json!({"Version": "2012-10-17", "Statement": policy});
    let document = Arc::new(PolicyDocument::from_value(&policy).unwrap());
    let store = ::store::Store::in_memory();
    let bench = Bench::with(store, Arc::new(OnePolicy(document)), BucketDefault::Aes256);
    bench.send("PUT /bkt", &[], "").await;
    bench.send("PUT /bkt/there", &[], "x").await;
    bench.sink_is_forgotten();
    bench
}

#[tokio::test]
async fn a_policy_allows_what_it_names_and_nothing_else() {
    let bench =
        bench_with(json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bkt/*"}])).await;
    let me = || bench.as_caller(student());
    assert_eq!(bench.send_as(me(), "GET /bkt/there", &[], "").await.status, 200);
    let denied = bench.send_as(me(), "PUT /bkt/k", &[], "x").await;
    assert_eq!(
        denied.refusal(),
        "403 AccessDenied User: arn:aws:iam::111122223333:user/student is not authorized to perform: s3:PutObject on \
         resource: \"arn:aws:s3:::bkt/k\" because no identity-based policy allows the s3:PutObject action"
    );
    let missing = bench.send_as(me(), "GET /bkt/missing", &[], "").await;
    assert_eq!(missing.status, 403, "who may not list does not learn what is absent");
    assert!(missing.element("Message").contains("s3:ListBucket"));
    let head = bench.send_as(me(), "HEAD /bkt/missing", &[], "").await;
    assert_eq!((head.status, head.body.len()), (403, 0));
    let copy = bench.send_as(me(), "PUT /bkt/k", &[("x-amz-copy-source", "/bkt/there")], "").await;
    assert_eq!(copy.status, 403);
    let encryption = bench.send_as(me(), "GET /bkt?encryption", &[], "").await;
    assert!(encryption.element("Message").contains("s3:GetEncryptionConfiguration"), "{}", encryption.text());
}

#[tokio::test]
async fn a_deny_on_the_encryption_header_is_judged_on_the_header_as_sent() {
    let bench = bench_with(json!([
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*",
         "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}},
    ]))
    .await;
    let put = |sse: &'static str| {
        let headers = [("x-amz-server-side-encryption", sse)];
        let bench = &bench;
        async move { bench.send_as(bench.as_caller(student()), "PUT /bkt/k", &headers, "x").await.status }
    };
    assert_eq!(put("aws:kms").await, 200);
    assert_eq!(put("AES256").await, 403);
    assert_eq!(put("AES192").await, 403, "policy speaks before the argument is looked at");
}

#[tokio::test]
async fn each_key_of_a_bulk_delete_has_its_own_answer() {
    let bench =
        bench_with(json!([{"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::bkt/mine/*"}]))
            .await;
    let body = "<Delete><Object><Key>mine/a</Key></Object><Object><Key>there</Key></Object></Delete>";
    let answer = bench.send_as(bench.as_caller(student()), "POST /bkt?delete", &[], body).await;
    assert_eq!((answer.status, answer.elements("Code")), (200, vec!["AccessDenied".to_owned()]));
    assert_eq!(bench.send("GET /bkt/there", &[], "").await.status, 200);
}

#[tokio::test]
async fn another_accounts_bucket_is_shut_without_its_word() {
    let bench = Bench::with_bucket().await;
    let stranger = || bench.as_caller(Principal::Root { account: AccountId::parse("444455556666").unwrap() });
    assert_eq!(bench.send_as(stranger(), "GET /bkt", &[], "").await.status, 403);
    assert_eq!(bench.send_as(stranger(), "PUT /bkt/k", &[], "x").await.status, 403);
    let listed = bench.send_as(stranger(), "GET /", &[], "").await;
    assert!(listed.elements("Name").is_empty());
    let expected = [("x-amz-expected-bucket-owner", "444455556666")];
    assert_eq!(bench.send("GET /bkt", &expected, "").await.refusal(), "403 AccessDenied Access Denied");
}

#[tokio::test]
async fn each_call_is_written_down_once_with_what_it_touched() {
    let bench = Bench::with_bucket().await;
    bench.send("PUT /bkt/k", &[("x-amz-server-side-encryption", "aws:kms")], "x").await;
    bench.send("GET /bkt/k", &[], "").await;
    bench.send("HEAD /bkt/none", &[], "").await;
    bench.send("GET /bkt?list-type=2&prefix=p", &[], "").await;
    bench.send("GET /bkt?encryption", &[], "").await;
    bench.send("GET /bkt/k", &[("if-none-match", "*")], "").await;
    let told: Vec<_> = bench
        .calls()
        .into_iter()
        .map(|call| {
            let error = call.error.map(|error| error.code).unwrap_or_default();
            let kinds: Vec<_> = call.resources.iter().map(|resource| resource.arn.as_str()).collect();
            format!("{} ro={} mgmt={} [{}] {error}", call.name, call.read_only, call.management, kinds.join(" "))
        })
        .collect();
    expect_test::expect![[r#"
        PutObject ro=false mgmt=false [arn:aws:s3:::bkt/k arn:aws:s3:::bkt] 
        GetObject ro=true mgmt=false [arn:aws:s3:::bkt/k arn:aws:s3:::bkt] 
        HeadObject ro=true mgmt=false [arn:aws:s3:::bkt/none arn:aws:s3:::bkt] NoSuchKey
        ListObjects ro=true mgmt=false [arn:aws:s3:::bkt] 
        GetBucketEncryption ro=true mgmt=true [arn:aws:s3:::bkt] 
        GetObject ro=true mgmt=false [arn:aws:s3:::bkt/k arn:aws:s3:::bkt] "#]]
    .assert_eq(&told.join("\n"));
    let put = bench.calls().remove(0);
    let parameters = put.request_parameters.unwrap();
    assert_eq!((&parameters["bucketName"], &parameters["key"]), (&json!("bkt"), &json!("k")));
    assert_eq!(parameters["x-amz-server-side-encryption"], "aws:kms");
    let elements = put.response_elements.unwrap();
    assert!(elements["x-amz-server-side-encryption-aws-kms-key-id"].as_str().unwrap().starts_with("arn:aws:kms:"));
    assert!(put.decision.unwrap().allowed());
}

#[tokio::test]
async fn a_refusal_comes_before_any_byte_of_the_body_is_read() {
    let bench = bench_with(json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}])).await;
    let read = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let flag = read.clone();
    let body = futures::stream::once(async move {
        flag.store(true, std::sync::atomic::Ordering::Relaxed);
        Ok::<_, std::io::Error>(bytes::Bytes::from_static(b"hello"))
    });
    let mut request = http::Request::put("/bkt/k").header("content-length", 5);
    request.extensions_mut().unwrap().insert(bench.as_caller(student()));
    let answer = bench.knock(request.body(axum::body::Body::from_stream(body)).unwrap()).await;
    assert_eq!(answer.status, 403);
    assert!(!read.load(std::sync::atomic::Ordering::Relaxed));
    assert!(bench.kms.operations().is_empty());
}
