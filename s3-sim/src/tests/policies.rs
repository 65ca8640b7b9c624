//! Whose word counts: bucket policies, the public access block, ACLs, tags in conditions, regions, origins.

use aws_core::id::{AccountId, Region};
use aws_core::principal::Principal;
use serde_json::{Value, json};

use super::{ACCOUNT, Bench};

const OTHER: &str = "444455556666";

fn root_of(account: &str) -> Principal {
    Principal::Root { account: AccountId::parse(account).unwrap() }
}

/// Everyone in these stories is somebody's root: its own account lets it do everything.
async fn asks(bench: &Bench, account: &str, line: &str, headers: &[(&str, &str)]) -> u16 {
    bench.send_as(bench.as_caller(root_of(account)), line, headers, "x").await.status
}

async fn set_policy(bench: &Bench, statements: Value) -> super::Answer {
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    bench.send("PUT /bkt?policy", &[], policy.to_string()).await
}

#[tokio::test]
async fn a_policy_is_told_as_it_was_written_and_taken_back() {
    let bench = Bench::with_bucket().await;
    let text = r#"{"Version":"2012-10-17",  "Statement":{"Effect":"Deny","Principal":"*","Action":"s3:DeleteBucket","Resource":"arn:aws:s3:::bkt"}}"#;
    assert_eq!(bench.send("PUT /bkt?policy", &[], text).await.status, 204);
    assert_eq!(bench.send("GET /bkt?policy", &[], "").await.text(), text);
    assert_eq!(bench.send("GET /bkt?policyStatus", &[], "").await.element("IsPublic"), "false");
    assert_eq!(bench.send("DELETE /bkt", &[], "").await.status, 403, "an owner's Deny binds the owner");
    assert_eq!(bench.send("DELETE /bkt?policy", &[], "").await.status, 204);
    assert_eq!(bench.send("GET /bkt?policy", &[], "").await.element("Code"), "NoSuchBucketPolicy");
    assert_eq!(
        bench.send("PUT /bkt?policy", &[], "[]").await.refusal(),
        "400 MalformedPolicy Policies must be valid JSON and the first byte must be '{'"
    );
}

#[tokio::test]
async fn another_account_comes_in_by_the_policy_and_only_as_far() {
    let bench = Bench::with_bucket().await;
    bench.send("PUT /bkt/k", &[], "x").await;
    assert_eq!(asks(&bench, OTHER, "GET /bkt/k", &[]).await, 403);
    let allow = json!([{"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bkt/*"}]);
    assert_eq!(set_policy(&bench, allow).await.status, 204);
    assert_eq!(asks(&bench, OTHER, "GET /bkt/k", &[]).await, 200);
    assert_eq!(asks(&bench, OTHER, "PUT /bkt/k", &[]).await, 403);
    let denied = bench.send_as(bench.as_caller(root_of(OTHER)), "PUT /bkt/k", &[], "x").await;
    assert!(denied.element("Message").ends_with("because no resource-based policy allows the s3:PutObject action"));
    let call = bench.calls().pop().unwrap();
    let considered = &call.decision.unwrap().considered;
    assert!(considered.iter().any(|voice| voice.source == "bucket policy of bkt"), "the explanation names the policy");
}

#[tokio::test]
async fn a_deny_on_the_encryption_headers_sees_them_as_sent() {
    let bench = Bench::with_bucket().await;
    let deny = json!([{
        "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bkt/*",
        "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}},
    }]);
    set_policy(&bench, deny).await;
    let sse = "x-amz-server-side-encryption";
    assert_eq!(asks(&bench, ACCOUNT, "PUT /bkt/k", &[(sse, "aws:kms")]).await, 200);
    assert_eq!(asks(&bench, ACCOUNT, "PUT /bkt/k", &[]).await, 403, "the default has not been applied yet");
    assert_eq!(asks(&bench, ACCOUNT, "PUT /bkt/k", &[(sse, "AES192")]).await, 403, "nor the argument been checked");
    let null = json!([{
        "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bkt/*",
        "Condition": {"Null": {"s3:x-amz-server-side-encryption-customer-algorithm": "false"}},
    }]);
    set_policy(&bench, null).await;
    assert_eq!(asks(&bench, ACCOUNT, "PUT /bkt/k", &[]).await, 200);
    let customer = ("x-amz-server-side-encryption-customer-algorithm", "AES192");
    assert_eq!(asks(&bench, ACCOUNT, "PUT /bkt/k", &[customer]).await, 403);
}

#[tokio::test]
async fn the_owners_root_can_mend_a_policy_that_shuts_everybody_out() {
    let bench = Bench::with_bucket().await;
    let shut = json!([{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::bkt", "arn:aws:s3:::bkt/*"]}]);
    set_policy(&bench, shut).await;
    assert_eq!(bench.send("GET /bkt", &[], "").await.status, 403);
    assert_eq!(bench.send("GET /bkt?policy", &[], "").await.status, 200);
    assert_eq!(bench.send("DELETE /bkt?policy", &[], "").await.status, 204);
    assert_eq!(bench.send("GET /bkt", &[], "").await.status, 200);
}

#[tokio::test]
async fn the_public_stays_out_until_the_locks_are_off() {
    let bench = Bench::with_bucket().await;
    bench.send("PUT /bkt/k", &[], "x").await;
    let open =
        || json!([{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bkt/*"}]);
    let refused = set_policy(&bench, open()).await;
    assert_eq!(
        refused.refusal(),
        "403 AccessDenied User: arn:aws:iam::111122223333:root is not authorized to perform: s3:PutBucketPolicy on \
         resource: \"arn:aws:s3:::bkt\" because public policies are blocked by the BlockPublicPolicy block public \
         access setting."
    );
    let block = |policy: bool, restrict: bool| {
        format!(
            "<PublicAccessBlockConfiguration><BlockPublicPolicy>{policy}</BlockPublicPolicy>\
             <RestrictPublicBuckets>{restrict}</RestrictPublicBuckets></PublicAccessBlockConfiguration>"
        )
    };
    bench.send("PUT /bkt?publicAccessBlock", &[], block(false, true)).await;
    assert_eq!(set_policy(&bench, open()).await.status, 204);
    assert_eq!(bench.send("GET /bkt?policyStatus", &[], "").await.element("IsPublic"), "true");
    assert_eq!(asks(&bench, OTHER, "GET /bkt/k", &[]).await, 403, "restricted to the owner's account");
    bench.send("PUT /bkt?publicAccessBlock", &[], block(false, false)).await;
    assert_eq!(asks(&bench, OTHER, "GET /bkt/k", &[]).await, 200);
    assert_eq!(bench.send("DELETE /bkt?publicAccessBlock", &[], "").await.status, 204);
    let gone = bench.send("GET /bkt?publicAccessBlock", &[], "").await;
    assert_eq!(gone.element("Code"), "NoSuchPublicAccessBlockConfiguration");
}

#[tokio::test]
async fn acls_speak_only_where_ownership_lets_them() {
    let bench = Bench::with_bucket().await;
    bench.send("PUT /bkt/k", &[], "x").await;
    let public = [("x-amz-acl", "public-read")];
    assert_eq!(bench.send("PUT /bkt/k?acl", &public, "").await.element("Code"), "AccessControlListNotSupported");
    let rules = "<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>";
    assert_eq!(bench.send("PUT /bkt?ownershipControls", &[], rules).await.status, 200);
    assert_eq!(bench.send("PUT /bkt/k?acl", &public, "").await.status, 403, "public ACLs are still blocked");
    bench.send("DELETE /bkt?publicAccessBlock", &[], "").await;
    assert_eq!(bench.send("PUT /bkt/k?acl", &public, "").await.status, 200);
    assert_eq!(asks(&bench, OTHER, "GET /bkt/k", &[]).await, 200);
    assert_eq!(asks(&bench, OTHER, "GET /bkt", &[]).await, 403, "the object's ACL is not the bucket's");
    assert_eq!(bench.send("PUT /bkt?acl", &public, "").await.status, 200);
    assert_eq!(asks(&bench, OTHER, "GET /bkt", &[]).await, 200);
    assert_eq!(bench.send("GET /bkt?acl", &[], "").await.elements("Permission"), ["FULL_CONTROL", "READ"]);
    assert_eq!(bench.send("PUT /bkt/k?acl", &[("x-amz-acl", "private")], "").await.status, 200);
    assert_eq!(asks(&bench, OTHER, "GET /bkt/k", &[]).await, 403);
}

#[tokio::test]
async fn tags_decide_where_a_policy_asks_for_them() {
    let bench = Bench::with_bucket().await;
    bench.send("PUT /bkt/open", &[("x-amz-tagging", "team=red")], "x").await;
    bench.send("PUT /bkt/shut", &[("x-amz-tagging", "team=blue")], "x").await;
    let allow = json!([{
        "Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bkt/*",
        "Condition": {"StringEquals": {"s3:ExistingObjectTag/team": "red"}},
    }]);
    set_policy(&bench, allow).await;
    assert_eq!(asks(&bench, OTHER, "GET /bkt/open", &[]).await, 200);
    assert_eq!(asks(&bench, OTHER, "GET /bkt/shut", &[]).await, 403);
    let deny = json!([{
        "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::bkt/*",
        "Condition": {"StringNotEquals": {"s3:RequestObjectTag/team": "red"}},
    }]);
    set_policy(&bench, deny).await;
    assert_eq!(asks(&bench, ACCOUNT, "PUT /bkt/k", &[("x-amz-tagging", "team=red")]).await, 200);
    assert_eq!(asks(&bench, ACCOUNT, "PUT /bkt/k", &[("x-amz-tagging", "team=blue")]).await, 403);
}

#[tokio::test]
async fn a_bucket_of_another_region_sends_its_callers_there() {
    let bench = Bench::with_bucket().await;
    let mut elsewhere = bench.as_caller(root_of(ACCOUNT));
    elsewhere.region = Region::parse("eu-west-1").unwrap();
    elsewhere.caller.access_key_id = ACCOUNT.into();
    let sent = bench.send_as(elsewhere.clone(), "GET /bkt/k", &[], "").await;
    assert_eq!((sent.status, sent.header("x-amz-bucket-region")), (301, "us-east-1"));
    assert_eq!((sent.element("Code"), sent.element("Bucket")), ("PermanentRedirect".into(), "bkt".into()));
    let head = bench.send_as(elsewhere.clone(), "HEAD /bkt", &[], "").await;
    assert_eq!((head.status, head.header("x-amz-bucket-region"), head.body.len()), (301, "us-east-1", 0));
    assert_eq!(bench.send_as(elsewhere, "GET /bkt?location", &[], "").await.status, 200);
}

#[tokio::test]
async fn a_page_may_read_what_the_rules_let_it() {
    let bench = Bench::with_bucket().await;
    bench.send("PUT /bkt/k", &[], "x").await;
    let page = [("origin", "https://app.example"), ("access-control-request-method", "PUT")];
    let before = bench.send("OPTIONS /bkt/k", &page, "").await;
    assert_eq!(before.refusal(), "403 AccessForbidden CORSResponse: CORS is not enabled for this bucket.");
    let rules = "<CORSConfiguration><CORSRule><AllowedOrigin>https://*.example</AllowedOrigin>\
                 <AllowedMethod>PUT</AllowedMethod><AllowedMethod>GET</AllowedMethod>\
                 <AllowedHeader>x-amz-*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>\
                 <MaxAgeSeconds>60</MaxAgeSeconds></CORSRule></CORSConfiguration>";
    assert_eq!(bench.send("PUT /bkt?cors", &[], rules).await.status, 200);
    let told = bench.send("OPTIONS /bkt/k", &page, "").await;
    assert_eq!((told.status, told.header("access-control-allow-origin")), (200, "https://app.example"));
    assert_eq!(
        (told.header("access-control-allow-methods"), told.header("access-control-max-age")),
        ("PUT, GET", "60")
    );
    let with = |extra| [page[0], page[1], ("access-control-request-headers", extra)];
    assert_eq!(bench.send("OPTIONS /bkt/k", &with("X-Amz-Date"), "").await.status, 200);
    assert_eq!(bench.send("OPTIONS /bkt/k", &with("authorization"), "").await.status, 403);
    let got = bench.send("GET /bkt/k", &[page[0]], "").await;
    assert_eq!(got.header("access-control-expose-headers"), "ETag");
    assert_eq!(bench.send("GET /bkt/k", &[], "").await.header("access-control-allow-origin"), "");
    let foreign = bench.send("GET /bkt/k", &[("origin", "https://elsewhere.test")], "").await;
    assert_eq!((foreign.status, foreign.header("access-control-allow-origin")), (200, ""));
}

#[tokio::test]
async fn a_configuration_must_arrive_as_it_was_promised() {
    let bench = Bench::with_bucket().await;
    let tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>";
    let wrong = super::md5_of(b"something else");
    let refused = bench.send("PUT /bkt?tagging", &[("content-md5", &wrong)], tags).await;
    assert_eq!(refused.element("Code"), "BadDigest", "{}", refused.text());
    assert_eq!(bench.send("GET /bkt?tagging", &[], "").await.element("Code"), "NoSuchTagSet");
    let right = super::md5_of(tags.as_bytes());
    assert_eq!(bench.send("PUT /bkt?tagging", &[("content-md5", &right)], tags).await.status, 204);
    assert_eq!(bench.send("GET /bkt?tagging", &[], "").await.element("Key"), "a");
    let list = "<Delete><Object><Key>k</Key></Object></Delete>";
    let refused = bench.send("POST /bkt?delete", &[("content-md5", &wrong)], list).await;
    assert_eq!(refused.element("Code"), "BadDigest");
    let crc = ("x-amz-checksum-crc32", "AAAAAA==");
    assert_eq!(bench.send("PUT /bkt?tagging", &[crc], tags).await.element("Code"), "BadDigest");
}
