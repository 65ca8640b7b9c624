//! HttpKms against a socket that tells what it was asked and answers what it is told.

use std::sync::Mutex;

use aws_core::event::{Event, MemorySink, Place};
use aws_core::id::AccountId;
use aws_core::peer::{Claims, HEADER, split};
use aws_core::principal::Principal;
use aws_core::time::ManualClock;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::custody::Custodian;
use crate::shapes::Blob;

const SECRET: &[u8] = b"a secret that two processes share";

/// What reached the socket.
#[derive(Clone, Debug, Default)]
struct Heard {
    head: String,
    body: String,
}

impl Heard {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// Answers every call with `status` and `body`; gives its endpoint and what it heard last.
async fn endpoint(status: u16, body: &'static str) -> (String, Arc<Mutex<Heard>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard = Arc::new(Mutex::new(Heard::default()));
    let telling = heard.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let request = read_request(&mut stream).await;
            *telling.lock().unwrap() = request;
            let length = body.len();
            let answer = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (format!("http://{address}"), heard)
}

async fn read_request(stream: &mut tokio::net::TcpStream) -> Heard {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let heard = Heard { head: head.into(), body: body.into() };
            let length: usize = heard.header("content-length").map_or(0, |length| length.parse().unwrap());
            if body.len() >= length {
                return heard;
            }
        }
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.unwrap();
        assert!(read > 0, "the request ended early: {text}");
        bytes.extend_from_slice(&piece[..read]);
    }
}

fn wall() -> Arc<dyn Clock> {
    Arc::new(ManualClock::at("2026-01-15T09:00:00Z".parse().unwrap()))
}

fn ctx() -> CallContext {
    let account = AccountId::parse("111122223333").unwrap();
    CallContext::local(Principal::Root { account }, Region::parse("eu-west-1").unwrap(), "request-1")
}

fn peer(endpoint: &str) -> HttpKms {
    HttpKms::peer(endpoint, Arc::new(PeerSecret::new(SECRET)), wall()).unwrap()
}

fn foreign(endpoint: &str) -> HttpKms {
    let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret-access-key", Some("token".into()), None, "test");
    let arn = "arn:aws:iam::444455556666:user/storage".into();
    HttpKms::foreign(endpoint, Region::parse("us-east-1").unwrap(), credentials, arn, wall()).unwrap()
}

fn grant() -> CreateGrantRequest {
    CreateGrantRequest {
        key_id: "k".into(),
        grantee_principal: "arn:aws:sts::111122223333:assumed-role/aws:ec2-infrastructure/i-1".into(),
        retiring_principal: Some("ec2.us-east-1.amazonaws.com".into()),
        operations: vec!["Decrypt".into()],
        ..CreateGrantRequest::default()
    }
}

#[tokio::test]
async fn a_peer_is_told_the_caller_under_the_shared_secret() {
    let (endpoint, heard) = endpoint(200, r#"{"GrantId":"g","GrantToken":"t"}"#).await;
    let granted = peer(&endpoint).create_grant(&ctx(), grant()).await.unwrap();
    assert_eq!((granted.grant_id.as_str(), granted.grant_token.as_str()), ("g", "t"));

    let heard = heard.lock().unwrap().clone();
    assert_eq!(heard.header("x-amz-target"), Some("TrentService.CreateGrant"));
    assert!(heard.header("authorization").is_none());
    let (text, mac) = split(heard.header(HEADER).unwrap()).unwrap();
    let mut expected = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
    expected.update(text.as_bytes());
    assert!(expected.verify_slice(&mac).is_ok());
    let claims = Claims::decode(text).unwrap();
    assert_eq!((claims.context, claims.target.as_str()), (ctx(), "TrentService.CreateGrant"));
    assert_eq!(claims.body_sha256, hex::encode(Sha256::digest(heard.body.as_bytes())));
    assert!(heard.body.contains("ec2-infrastructure/i-1") && heard.body.contains("ec2.us-east-1"), "{}", heard.body);
}

#[tokio::test]
async fn elsewhere_calls_are_signed_and_grants_are_made_to_the_signer() {
    let (endpoint, heard) = endpoint(200, r#"{"GrantId":"g","GrantToken":"t"}"#).await;
    foreign(&endpoint).create_grant(&ctx(), grant()).await.unwrap();
    let heard = heard.lock().unwrap().clone();
    let authorization = heard.header("authorization").unwrap();
    assert!(authorization.contains("Credential=AKIAIOSFODNN7EXAMPLE/20260115/us-east-1/kms/aws4_request"));
    assert!(authorization.contains("x-amz-target"), "the operation must be signed: {authorization}");
    assert_eq!(
        (heard.header("x-amz-security-token"), heard.header("x-amz-date")),
        (Some("token"), Some("20260115T090000Z"))
    );
    assert!(heard.header(HEADER).is_none());
    let sent: CreateGrantRequest = serde_json::from_str(&heard.body).unwrap();
    let storage = "arn:aws:iam::444455556666:user/storage";
    assert_eq!((sent.grantee_principal.as_str(), sent.retiring_principal.as_deref()), (storage, Some(storage)));
}

#[tokio::test]
async fn a_plaintext_key_is_born_in_the_custody_it_was_asked_into() {
    let body = r#"{"CiphertextBlob":"AQID","KeyId":"arn:k","Plaintext":"BAUG","KeyMaterialId":"m"}"#;
    let (endpoint, _) = endpoint(200, body).await;
    let sink = Arc::new(MemorySink::default());
    let custody = Custodian::new(sink.clone(), wall()).custody("volume/vol-1", Place::HypervisorMemory);
    let answer = peer(&endpoint).generate_data_key(&ctx(), GenerateDataKeyRequest::default(), custody).await.unwrap();
    assert_eq!((answer.plaintext.expose(), answer.ciphertext_blob), ([4, 5, 6].as_slice(), Blob(vec![1, 2, 3])));
    drop(answer.plaintext);
    assert!(matches!(sink.events().as_slice(), [Event::KeyPlaced(_), Event::KeyDropped(_)]));
}

#[tokio::test]
async fn exceptions_arrive_by_name_and_leave_no_key_behind() {
    let (endpoint, _) = endpoint(400, r#"{"__type":"DisabledException","message":"arn:k is disabled."}"#).await;
    let sink = Arc::new(MemorySink::default());
    let custody = Custodian::new(sink.clone(), wall()).custody("volume/vol-1", Place::HypervisorMemory);
    let refused = peer(&endpoint).decrypt(&ctx(), DecryptRequest::default(), custody).await.unwrap_err();
    assert_eq!(refused, KmsError::Disabled("arn:k".into()));
    assert!(sink.events().is_empty());
}

#[tokio::test]
async fn an_operation_without_a_result_has_an_empty_answer() {
    let (endpoint, _) = endpoint(200, "").await;
    peer(&endpoint).retire_grant(&ctx(), RetireGrantRequest::default()).await.unwrap();
}

#[tokio::test]
async fn a_kms_that_is_not_there_is_said_to_be_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = peer(&endpoint).describe_key(&ctx(), DescribeKeyRequest::default()).await.unwrap_err();
    assert_eq!(error.code(), "KeyUnavailableException");
    assert!(error.to_string().starts_with(&format!("The KMS at {endpoint} cannot be reached: ")), "{error}");
}

#[tokio::test]
async fn sts_says_who_we_are() {
    let xml = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/a</Arn>\
               </GetCallerIdentityResult></GetCallerIdentityResponse>";
    let (endpoint, heard) = endpoint(200, xml).await;
    let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret-access-key", None, None, "test");
    let region = Region::default_region();
    let arn = HttpKms::caller_arn(&endpoint, &region, &credentials, &*wall()).await.unwrap();
    assert_eq!(arn, "arn:aws:iam::1:user/a");
    assert!(heard.lock().unwrap().header("authorization").unwrap().contains("/us-east-1/sts/aws4_request"));
}

#[test]
fn nothing_secret_is_printed() {
    let shown = format!("{:?} {}", foreign("http://h:1/"), foreign("http://h:1/").describe());
    assert!(!shown.contains("secret-access-key") && shown.contains("http://h:1 "), "{shown}");
}
