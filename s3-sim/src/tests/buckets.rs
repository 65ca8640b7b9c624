//! Buckets: made, found, listed, configured, deleted.

use aws_core::id::{AccountId, Region};
use aws_core::principal::Principal;
use expect_test::expect;

use super::Bench;

#[tokio::test]
async fn a_bucket_lives_and_dies() {
    let bench = Bench::new();
    let made = bench.send("PUT /first-bucket", &[], "").await;
    assert_eq!((made.status, made.header("location")), (200, "/first-bucket"));
    bench.send("PUT /second-bucket", &[], "").await;
    let listed = bench.send("GET /", &[], "").await;
    assert_eq!(listed.elements("Name"), ["first-bucket", "second-bucket"]);
    assert_eq!(listed.elements("CreationDate")[0], "2026-01-15T09:00:00.000Z");
    let head = bench.send("HEAD /first-bucket", &[], "").await;
    assert_eq!((head.status, head.header("x-amz-bucket-region")), (200, "us-east-1"));

    bench.send("PUT /first-bucket/k", &[], "x").await;
    let full = bench.send("DELETE /first-bucket", &[], "").await;
    assert_eq!(full.refusal(), "409 BucketNotEmpty The bucket you tried to delete is not empty");
    bench.send("DELETE /first-bucket/k", &[], "").await;
    assert_eq!(bench.send("DELETE /first-bucket", &[], "").await.status, 204);
    let gone = bench.send("GET /first-bucket", &[], "").await;
    assert_eq!(gone.refusal(), "404 NoSuchBucket The specified bucket does not exist");
    assert_eq!(gone.element("BucketName"), "first-bucket");
    let head = bench.send("HEAD /first-bucket", &[], "").await;
    assert_eq!((head.status, head.body.len()), (404, 0));
    assert_eq!(bench.send("PUT /first-bucket/k", &[], "x").await.status, 404);
}

#[tokio::test]
async fn a_name_is_taken_once_for_all_accounts() {
    let bench = Bench::new();
    let stranger = Principal::Root { account: AccountId::parse("444455556666").unwrap() };
    bench.send("PUT /taken", &[], "").await;
    assert_eq!(bench.send("PUT /taken", &[], "").await.status, 200, "us-east-1 lets the owner make it again");
    let theirs = bench.send_as(bench.as_caller(stranger), "PUT /taken", &[], "").await;
    assert_eq!((theirs.status, theirs.element("Code")), (409, "BucketAlreadyExists".into()));

    let west =
        "<CreateBucketConfiguration><LocationConstraint>us-west-2</LocationConstraint></CreateBucketConfiguration>";
    assert_eq!(bench.send("PUT /west", &[], west).await.status, 200);
    let again = bench.send("PUT /west", &[], west).await;
    assert_eq!((again.status, again.element("Code")), (409, "BucketAlreadyOwnedByYou".into()));
    assert!(bench.send("GET /west?location", &[], "").await.text().contains("us-west-2"));
    for (header, value, code) in [
        ("x-amz-object-ownership", "Everybody", "InvalidArgument"),
        ("x-amz-acl", "public-read", "InvalidBucketAclWithObjectOwnership"),
    ] {
        assert_eq!(bench.send("PUT /not-made", &[(header, value)], "").await.element("Code"), code);
    }
    for name in ["UPPER", "ab", "with_underscore", "192.168.0.1", "a..b", "-dash"] {
        let refused = bench.send(&format!("PUT /{name}"), &[], "").await;
        assert_eq!(refused.refusal(), "400 InvalidBucketName The specified bucket is not valid.", "{name}");
    }
}

#[tokio::test]
async fn kms_is_asked_in_the_buckets_region() {
    let bench = Bench::new();
    let west =
        "<CreateBucketConfiguration><LocationConstraint>us-west-2</LocationConstraint></CreateBucketConfiguration>";
    bench.send("PUT /west", &[], west).await;
    bench.send("PUT /west/k", &[("x-amz-server-side-encryption", "aws:kms")], "x").await;
    let call = bench.kms.calls().remove(0);
    assert_eq!(call.context.region, Region::parse("us-west-2").unwrap());
    assert_eq!(call.context.via.unwrap().via_service.as_deref(), Some("s3.us-west-2.amazonaws.com"));
}

#[tokio::test]
async fn default_encryption_is_set_told_and_reset() {
    let bench = Bench::new();
    bench.send("PUT /bkt", &[], "").await;
    let told = |answer: super::Answer| {
        answer.element("ServerSideEncryptionConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"")
    };
    let fresh = bench.send("GET /bkt?encryption", &[], "").await;
    assert!(fresh.text().contains("<EncryptionType>SSE-C</EncryptionType>"));
    assert_eq!((fresh.element("SSEAlgorithm"), fresh.element("BucketKeyEnabled")), ("AES256".into(), "false".into()));
    let rule = "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms\
                </SSEAlgorithm><KMSMasterKeyID>no-such-key</KMSMasterKeyID></ApplyServerSideEncryptionByDefault>\
                </Rule></ServerSideEncryptionConfiguration>";
    assert_eq!(bench.send("PUT /bkt?encryption", &[], rule).await.status, 200, "the key is not looked at");
    let set = bench.send("GET /bkt?encryption", &[], "").await;
    assert_eq!(set.element("KMSMasterKeyID"), "no-such-key", "{}", told(set));
    let put = bench.send("PUT /bkt/k", &[], "x").await;
    assert_eq!(
        put.refusal(),
        "400 KMS.NotFoundException Key 'arn:aws:kms:us-east-1:111122223333:key/no-such-key' does not exist"
    );
    for _ in 0..2 {
        assert_eq!(bench.send("DELETE /bkt?encryption", &[], "").await.status, 204);
    }
    assert_eq!(bench.send("PUT /bkt/k", &[], "x").await.header("x-amz-server-side-encryption"), "AES256");
    let missing = bench.send("PUT /none?encryption", &[], "not xml").await;
    assert_eq!(missing.element("Code"), "NoSuchBucket", "the bucket is looked for before the XML is read");
    assert_eq!(bench.send("PUT /bkt?encryption", &[], "not xml").await.element("Code"), "MalformedXML");
}

#[tokio::test]
async fn what_a_plain_bucket_does_not_have_is_told_in_awss_words() {
    let bench = Bench::with_bucket().await;
    let mut told = String::new();
    for name in [
        "versioning",
        "tagging",
        "policy",
        "policyStatus",
        "cors",
        "lifecycle",
        "replication",
        "website",
        "object-lock",
        "logging",
        "notification",
        "accelerate",
        "requestPayment",
        "ownershipControls",
        "publicAccessBlock",
        "acl",
        "location",
        "inventory",
        "abac",
    ] {
        let answer = bench.send(&format!("GET /bkt?{name}"), &[], "").await;
        told += &format!("{name} {} {}\n", answer.status, answer.element("Code"));
    }
    expect![[r#"
        versioning 200 
        tagging 404 NoSuchTagSet
        policy 404 NoSuchBucketPolicy
        policyStatus 404 NoSuchBucketPolicy
        cors 404 NoSuchCORSConfiguration
        lifecycle 404 NoSuchLifecycleConfiguration
        replication 404 ReplicationConfigurationNotFoundError
        website 404 NoSuchWebsiteConfiguration
        object-lock 404 ObjectLockConfigurationNotFoundError
        logging 200 
        notification 200 
        accelerate 200 
        requestPayment 200 
        ownershipControls 200 
        publicAccessBlock 200 
        acl 200 
        location 200 
        inventory 501 NotImplemented
        abac 501 NotImplemented
    "#]]
    .assert_eq(&told);
    for name in ["website", "replication"] {
        let refused = bench.send(&format!("PUT /bkt?{name}"), &[], "<x/>").await;
        assert!(refused.status >= 400, "{name} is not kept, so it is not taken");
    }
}

#[tokio::test]
async fn a_virtual_host_names_the_bucket() {
    let bench = Bench::with_bucket().await;
    bench.send("PUT /bkt/dir/k", &[], "x").await;
    let mut request =
        http::Request::get("/dir/k").header("host", "bkt.localhost:4566").body(axum::body::Body::empty()).unwrap();
    request.extensions_mut().insert(bench.ctx.clone());
    request.extensions_mut().insert(aws_wire::route::VirtualBucket("bkt".into()));
    let got = bench.knock(request).await;
    assert_eq!((got.status, got.text().as_str()), (200, "x"));
    for name in ["x-amz-request-id", "x-amz-id-2", "server"] {
        assert!(!got.header(name).is_empty(), "{name}");
    }
}

#[tokio::test]
async fn nobody_comes_in_without_the_wires_word() {
    let bench = Bench::with_bucket().await;
    let request = http::Request::get("/bkt").body(axum::body::Body::empty()).unwrap();
    assert_eq!(bench.knock(request).await.refusal(), "403 AccessDenied Access Denied");
}
