//! The gate against Amazon's published examples, against aws-sigv4's signer, and against tampering.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_core::identity::{Credential, IdentityPolicies};
use aws_core::time::{ManualClock, Timestamp};
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use http::Request;
use proptest::prelude::*;

use super::*;
use crate::service::Dialect;

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const IAM: Protocol = Protocol::Query(Dialect::Query { xmlns: "" });

/// An IAM with one user's key.
struct OneKey(Credential);

impl Identities for OneKey {
    fn credential(&self, access_key_id: &str) -> Option<Credential> {
        (access_key_id == self.0.caller.access_key_id).then(|| self.0.clone())
    }

    fn policies(&self, _caller: &Caller) -> IdentityPolicies {
        IdentityPolicies::default()
    }

    fn principal_exists(&self, _arn: &aws_core::arn::Arn) -> bool {
        true
    }

    fn unique_id(&self, _arn: &aws_core::arn::Arn) -> Option<String> {
        None
    }
}

fn credential(key: &str, secret: &str) -> Credential {
    let account = AccountId::parse("111122223333").unwrap();
    let user = Principal::User { account, id: "AIDAX".into(), path: "/".into(), name: "ann".into() };
    Credential {
        caller: Caller::new(user, key),
        secret: secret.into(),
        session_token: None,
        expires_at: None,
        active: true,
    }
}

fn gate_with(credential: Credential, mode: AuthMode, wall: &str) -> Gate {
    let clock = Arc::new(ManualClock::at(wall.parse().unwrap()));
    Gate {
        identities: Arc::new(OneKey(credential)),
        mode,
        wall: clock.clone(),
        sim: clock,
        request_ids: Arc::new(|| [7; 16]),
        peer_secret: None,
    }
}

fn gate() -> Gate {
    gate_with(credential(KEY, SECRET), AuthMode::Verify, "2013-05-24T00:00:00Z")
}

fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let request = headers.iter().fold(Request::builder().method(method).uri(uri), |r, (n, v)| r.header(*n, *v));
    request.body(()).unwrap().into_parts().0
}

fn admit(gate: &Gate, parts: &Parts, protocol: Protocol, payload: Payload<'_>) -> Result<Admission, Refusal> {
    let claim = Claim::read(parts)?;
    gate.admit(&Knock { parts, claim: claim.as_ref(), payload, protocol, service: None }, "r".into())
}

fn on_s3(gate: &Gate, parts: &Parts) -> Result<Admission, Refusal> {
    admit(gate, parts, Protocol::S3, Payload::Streamed)
}

fn authorization(signed_headers: &str, signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={KEY}/20130524/us-east-1/s3/aws4_request,SignedHeaders={signed_headers},\
         Signature={signature}"
    )
}

/// "Authenticating Requests: Using the Authorization Header", S3 API Reference: GetObject with a Range.
fn get_object() -> Parts {
    let signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
    let authorization = authorization("host;range;x-amz-content-sha256;x-amz-date", signature);
    request(
        "GET",
        "/test.txt",
        &[
            ("host", "examplebucket.s3.amazonaws.com"),
            ("range", "bytes=0-9"),
            ("x-amz-content-sha256", EMPTY),
            ("x-amz-date", "20130524T000000Z"),
            ("authorization", &authorization),
        ],
    )
}

#[test]
fn amazons_examples_of_the_header_are_admitted() {
    let admission = on_s3(&gate(), &get_object()).unwrap();
    assert_eq!(admission.context.principal_arn(), "arn:aws:iam::111122223333:user/ann");

    let put = authorization(
        "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    );
    let put = request(
        "PUT",
        "/test$file.text",
        &[
            ("date", "Fri, 24 May 2013 00:00:00 GMT"),
            ("host", "examplebucket.s3.amazonaws.com"),
            ("x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("authorization", &put),
        ],
    );
    assert!(on_s3(&gate(), &put).is_ok());

    let list = authorization(
        "host;x-amz-content-sha256;x-amz-date",
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    );
    let list = request(
        "GET",
        "/?prefix=J&max-keys=2",
        &[
            ("host", "examplebucket.s3.amazonaws.com"),
            ("x-amz-content-sha256", EMPTY),
            ("x-amz-date", "20130524T000000Z"),
            ("authorization", &list),
        ],
    );
    assert!(on_s3(&gate(), &list).is_ok());
}

#[test]
fn amazons_streaming_example_yields_the_seed() {
    let seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    let signed = "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;\
                  x-amz-storage-class";
    let parts = request(
        "PUT",
        "/examplebucket/chunkObject.txt",
        &[
            ("host", "s3.amazonaws.com"),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            ("content-encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", "66560"),
            ("content-length", "66824"),
            ("authorization", &authorization(signed, seed)),
        ],
    );
    let proof = on_s3(&gate(), &parts).unwrap().proof.unwrap();
    assert_eq!((proof.signature.as_str(), proof.scope.as_str()), (seed, "20130524/us-east-1/s3/aws4_request"));
}

const PRESIGNED: &str = "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F\
    us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=\
    aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

#[test]
fn amazons_presigned_url_is_good_for_its_day_and_no_longer() {
    let parts = request("GET", PRESIGNED, &[("host", "examplebucket.s3.amazonaws.com")]);
    let at = |wall| on_s3(&gate_with(credential(KEY, SECRET), AuthMode::Verify, wall), &parts);
    assert!(at("2013-05-24T23:59:59Z").is_ok());
    assert!(matches!(at("2013-05-25T00:00:00Z"), Err(Refusal::PresignExpired { .. })));
    assert!(matches!(at("2013-05-23T23:00:00Z"), Err(Refusal::PresignEarly)));
}

#[test]
fn get_vanilla_of_the_sigv4_suite_is_admitted() {
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
        SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    let headers =
        [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z"), ("authorization", authorization)];
    let suite = credential("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    let gate = gate_with(suite, AuthMode::Verify, "2015-08-30T12:36:00Z");
    assert!(admit(&gate, &request("GET", "/", &headers), Protocol::Json, Payload::Whole(b"")).is_ok());
}

#[test]
fn a_url_that_boto3_presigned_by_version_two_is_good_until_it_expires() {
    // Made by botocore 1.x: generate_presigned_url("get_object", …) with the key above, for second 1369440000.
    let parts = request("GET", BOTO3_V2, &[("host", "127.0.0.1:4566")]);
    let at = |wall| on_s3(&gate_with(credential(KEY, SECRET), AuthMode::Verify, wall), &parts);
    assert!(at("2013-05-24T23:59:59Z").is_ok());
    assert!(matches!(at("2013-05-25T00:00:00Z"), Err(Refusal::PresignExpired { .. })));
    let tampered = request("GET", &BOTO3_V2.replace("test.txt", "test.txT"), &[("host", "127.0.0.1:4566")]);
    assert!(matches!(on_s3(&gate(), &tampered), Err(Refusal::WrongSignature(_))));
}

const BOTO3_V2: &str = "/examplebucket/a%20dir/test.txt?versionId=v%201&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=qX%2FE378jsxxiqGPfOzTFWP9590c%3D&Expires=1369440000";

#[test]
fn a_known_key_is_verified_in_open_mode_too() {
    let mut parts = get_object();
    parts.headers.insert("range", "bytes=0-10".parse().unwrap());
    let open = gate_with(credential(KEY, SECRET), AuthMode::Open, "2013-05-24T00:00:00Z");
    assert!(matches!(on_s3(&open, &parts), Err(Refusal::WrongSignature(_))));
}

#[test]
fn open_mode_looks_at_nothing_of_an_unknown_keys_signature() {
    let open = gate_with(credential("other", "x"), AuthMode::Open, "2026-01-15T00:00:00Z");
    let account = |key: &str| {
        let header = format!("AWS4-HMAC-SHA256 Credential={key}/19700101/eu-west-1/kms/aws4_request");
        let parts = request("POST", "/", &[("authorization", &header)]);
        let context = admit(&open, &parts, Protocol::Json, Payload::Whole(b"{}")).unwrap().context;
        assert_eq!(context.region.as_str(), "eu-west-1");
        context.principal_arn()
    };
    assert_eq!(account("test"), "arn:aws:iam::000000000000:root");
    assert_eq!(account("123456789012"), "arn:aws:iam::123456789012:root");
    let nobody = admit(&open, &request("POST", "/", &[]), Protocol::Json, Payload::Whole(b"")).unwrap().context;
    assert_eq!(
        (nobody.principal_arn().as_str(), nobody.region.as_str()),
        ("arn:aws:iam::000000000000:root", "us-east-1")
    );
}

#[test]
fn open_mode_does_not_answer_to_foreign_web_pages_that_sign_nothing() {
    let open = gate_with(credential("other", "x"), AuthMode::Open, "2026-01-15T00:00:00Z");
    let page = |origin| request("POST", "/", &[("host", "127.0.0.1:4566"), ("origin", origin)]);
    let asked = |origin| admit(&open, &page(origin), IAM, Payload::Whole(b"Action=DeleteUser"));
    assert!(matches!(asked("http://evil.example"), Err(Refusal::ForeignOrigin)));
    assert!(asked("http://127.0.0.1:4566").is_ok());
}

#[test]
fn verify_mode_refuses_strangers() {
    let unknown = request("GET", PRESIGNED, &[("host", "examplebucket.s3.amazonaws.com")]);
    let other = gate_with(credential("other", "x"), AuthMode::Verify, "2013-05-24T00:00:00Z");
    assert!(matches!(on_s3(&other, &unknown), Err(Refusal::UnknownKey { .. })));
    assert!(matches!(on_s3(&other, &request("GET", "/", &[])), Err(Refusal::Missing)));
}

#[test]
fn clocks_tokens_and_idle_keys_are_checked() {
    let with = |change: fn(&mut Credential), wall| {
        let mut known = credential(KEY, SECRET);
        change(&mut known);
        on_s3(&gate_with(known, AuthMode::Open, wall), &get_object()).err()
    };
    let on_time = "2013-05-24T00:15:00Z";
    assert_eq!(with(|_| (), on_time), None);
    assert!(matches!(with(|_| (), "2013-05-24T00:15:01Z"), Some(Refusal::Skewed { .. })));
    assert!(matches!(with(|_| (), "2013-05-23T23:44:59Z"), Some(Refusal::Skewed { .. })));
    assert!(matches!(with(|known| known.active = false, on_time), Some(Refusal::UnknownKey { .. })));
    assert!(matches!(with(|known| known.session_token = Some("t".into()), on_time), Some(Refusal::WrongToken)));
    let over = |known: &mut Credential| known.expires_at = Some(Timestamp::from_second(1_369_353_600).unwrap());
    assert!(matches!(with(over, on_time), Some(Refusal::TokenExpired)));
}

#[test]
fn an_unsigned_amz_header_is_refused_on_s3() {
    let mut parts = get_object();
    parts.headers.insert("x-amz-acl", "public-read".parse().unwrap());
    assert_eq!(on_s3(&gate(), &parts).err(), Some(Refusal::NotSigned { headers: vec!["x-amz-acl".into()] }));
}

#[test]
fn a_signature_for_another_service_or_region_is_refused() {
    let parts = get_object();
    let claim = Claim::read(&parts).unwrap();
    let knock = Knock {
        parts: &parts,
        claim: claim.as_ref(),
        payload: Payload::Whole(b""),
        protocol: Protocol::Json,
        service: Some("kms"),
    };
    assert!(matches!(gate().admit(&knock, "r".into()), Err(Refusal::WrongService { expected: "kms", .. })));
    let mut parts = get_object();
    parts.headers.insert("host", "examplebucket.s3.eu-west-1.amazonaws.com".parse().unwrap());
    assert!(matches!(on_s3(&gate(), &parts), Err(Refusal::WrongRegion { .. })));
}

#[test]
fn a_peer_is_believed_about_its_caller_under_the_shared_secret_only() {
    use crate::peer::tests::{SECRET, header};
    let mut parts = request("POST", "/", &[("x-amz-target", "TrentService.Decrypt")]);
    parts.headers.extend(header(b"body", "TrentService.Decrypt", SECRET));
    let asked = |secret: Option<&[u8]>, body| {
        let mut gate = gate_with(credential(KEY, self::SECRET), AuthMode::Verify, "1970-01-01T00:00:00Z");
        gate.peer_secret = secret.map(|secret| Arc::new(PeerSecret::new(secret)));
        admit(&gate, &parts, Protocol::Json, Payload::Whole(body)).map(|admission| admission.context.request_id)
    };
    assert_eq!(asked(Some(SECRET), b"body"), Ok("r-1".into()));
    assert!(matches!(asked(Some(SECRET), b"other"), Err(Refusal::Peer(_))));
    assert!(matches!(asked(Some(b"quite another secret"), b"body"), Err(Refusal::Peer(_))));
    assert!(matches!(asked(None, b"body"), Err(Refusal::Peer(_))));
}

/// What aws-sigv4 is asked to sign.
#[derive(Debug, Clone)]
struct Case {
    method: &'static str,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    token: Option<String>,
    s3: bool,
    presign: bool,
}

fn cases() -> impl Strategy<Value = Case> {
    let path = prop::collection::vec("[a-zA-Z0-9._~!$&'()*+,;=:@-]{0,6}|%20|%25|%C3%A9|\\.\\.|\\.", 0..5);
    let query = prop::collection::vec(("[a-zA-Z0-9._~-]{1,6}", "[a-zA-Z0-9._~/+:-]{0,6}|%20|%2B|%3D"), 0..4);
    let headers = prop::collection::vec(("x-amz-meta-[a-z]{1,5}", "[ -~]{0,12}"), 0..3);
    let body = prop::collection::vec(any::<u8>(), 0..40);
    let token = prop::option::of("[A-Za-z0-9/+=]{4,20}");
    let method = prop::sample::select(vec!["GET", "PUT", "POST", "DELETE"]);
    (method, path, query, headers, body, token, any::<bool>(), any::<bool>()).prop_map(
        |(method, path, query, headers, body, token, s3, presign)| Case {
            method,
            path: format!("/{}", path.join("/")),
            query: query.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join("&"),
            headers,
            body,
            token,
            s3,
            presign,
        },
    )
}

fn settings(case: &Case) -> SigningSettings {
    let mut settings = SigningSettings::default();
    if case.s3 {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    if case.presign {
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(60));
    }
    settings
}

/// The request as aws-sigv4's signer sends it.
fn signed(case: &Case) -> Request<()> {
    let mark = if case.query.is_empty() { "" } else { "?" };
    let uri = format!("http://127.0.0.1:4566{}{mark}{}", case.path, case.query);
    let mut request = Request::builder().method(case.method).uri(&uri).header("host", "127.0.0.1:4566");
    for (name, value) in &case.headers {
        request = request.header(name, value);
    }
    let mut request = request.body(()).unwrap();
    let identity = Credentials::new(KEY, SECRET, case.token.clone(), None, "test").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name(if case.s3 { "s3" } else { "kms" })
        .time(SystemTime::UNIX_EPOCH + Duration::from_secs(1_369_353_600))
        .settings(settings(case))
        .build()
        .unwrap()
        .into();
    let body = match case.presign && case.s3 {
        true => SignableBody::UnsignedPayload,
        false => SignableBody::Bytes(&case.body),
    };
    let headers: Vec<_> =
        request.headers().iter().map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).collect();
    let headers = headers.iter().map(|(n, v)| (n.as_str(), v.as_str()));
    let signable = SignableRequest::new(case.method, &uri, headers, body).unwrap();
    sign(signable, &params).unwrap().into_parts().0.apply_to_request_http1x(&mut request);
    request
}

fn outcome(case: &Case, request: Request<()>, body: &[u8]) -> Result<Admission, Refusal> {
    let mut known = credential(KEY, SECRET);
    known.session_token = case.token.clone();
    let gate = gate_with(known, AuthMode::Open, "2013-05-24T00:00:10Z");
    let (protocol, payload) =
        if case.s3 { (Protocol::S3, Payload::Streamed) } else { (Protocol::Json, Payload::Whole(body)) };
    admit(&gate, &request.into_parts().0, protocol, payload)
}

proptest! {
    #[test]
    fn what_aws_sigv4_signs_is_admitted(case in cases()) {
        let admitted = outcome(&case, signed(&case), &case.body);
        prop_assert!(admitted.is_ok(), "{:?}", admitted.err());
    }

    #[test]
    fn any_tampering_is_refused(case in cases(), what in 0..5usize) {
        let mut request = signed(&case);
        let mut body = case.body.clone();
        match what {
            0 => *request.method_mut() = http::Method::PATCH,
            1 => {
                let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
                *request.uri_mut() = format!("http://127.0.0.1:4566{}/zz{query}", case.path).parse().unwrap();
            }
            2 => {
                let mark = if request.uri().query().is_some() { "&" } else { "?" };
                *request.uri_mut() = format!("{}{mark}zz=1", request.uri()).parse().unwrap();
            }
            3 => drop(request.headers_mut().insert("host", "127.0.0.1:4567".parse().unwrap())),
            _ if case.s3 => drop(request.headers_mut().insert("x-amz-content-sha256", EMPTY.replace('e', "f").parse().unwrap())),
            _ => body.push(b'!'),
        }
        prop_assert!(outcome(&case, request, &body).is_err());
    }
}
