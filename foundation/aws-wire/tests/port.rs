//! The whole port over real sockets, with services that only tell what reached them.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use aws_core::call::CallContext;
use aws_core::fault::ApiFault;
use aws_core::identity::{AuthMode, NoIdentities};
use aws_core::time::{Clock, ManualClock};
use aws_wire::auth::Gate;
use aws_wire::body::{BodyFault, Trailers};
use aws_wire::query::{Params, invalid_action};
use aws_wire::route::{Doors, S3Door, VirtualBucket, router};
use aws_wire::serve::serve;
use aws_wire::service::{Dialect, JsonService, QueryService, RestService};
use aws_wire::{json, limits};
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tower::ServiceExt;

struct Kms;

#[async_trait]
impl JsonService for Kms {
    fn target_prefix(&self) -> &'static str {
        "TrentService"
    }

    async fn call(&self, ctx: &CallContext, operation: &str, body: &[u8]) -> Result<Bytes, ApiFault> {
        let read: serde_json::Value = json::parse(body)?;
        match operation {
            "Echo" => Ok(format!("{{\"Arn\":\"{}\",\"Read\":{read}}}", ctx.principal_arn()).into()),
            "Break" => panic!("a secret detail"),
            _ => Err(json::unknown_operation()),
        }
    }
}

struct Forms(&'static str, Dialect);

#[async_trait]
impl QueryService for Forms {
    fn scope(&self) -> &'static str {
        self.0
    }

    fn dialect(&self) -> Dialect {
        self.1
    }

    async fn call(&self, ctx: &CallContext, action: &str, params: &Params) -> Result<String, ApiFault> {
        match action {
            "Tell" => Ok(format!("<Region>{}</Region><X>{}</X>", ctx.region, params.require("X")?)),
            _ => Err(invalid_action(action)),
        }
    }
}

struct Blocks;

#[async_trait]
impl RestService for Blocks {
    fn scope(&self) -> &'static str {
        "ebs"
    }

    async fn call(&self, _ctx: &CallContext, request: Request<Bytes>) -> Result<Response<Bytes>, ApiFault> {
        match request.uri().path() {
            "/snapshots" => Ok(Response::builder().status(201).body(request.into_body()).unwrap()),
            _ => Err(ApiFault::client("ResourceNotFoundException", "none")
                .with_status(404)
                .with("Reason", "SNAPSHOT_NOT_FOUND")),
        }
    }
}

/// Tells what reached S3: path, bucket of the host, decoded body, trailer.
async fn s3(request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let bucket = parts.extensions.get::<VirtualBucket>().map(|bucket| bucket.0.clone()).unwrap_or_default();
    let arn = parts.extensions.get::<CallContext>().unwrap().principal_arn();
    let told = match body.collect().await {
        Ok(whole) => String::from_utf8_lossy(&whole.to_bytes()).into_owned(),
        Err(error) => BodyFault::find(&error).unwrap().code.to_string(),
    };
    let trailers = parts.extensions.get::<Trailers>().and_then(Trailers::get).unwrap_or_default();
    let signed = parts.headers.contains_key("authorization");
    Response::new(Body::from(format!("{} [{bucket}] {arn} {told} {} {signed}", parts.uri, trailers.len())))
}

struct Port {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    ended: tokio::task::JoinHandle<std::io::Result<()>>,
}

async fn port(mode: AuthMode) -> Port {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at("2026-01-15T09:00:00Z".parse().unwrap()));
    let gate = Gate {
        identities: Arc::new(NoIdentities),
        mode,
        wall: clock.clone(),
        sim: clock,
        request_ids: Arc::new(|| [7; 16]),
        peer_secret: None,
    };
    let query = Dialect::Query { xmlns: "https://sts.amazonaws.com/doc/2011-06-15/" };
    let ec2 = Dialect::Ec2 { xmlns: "http://ec2.amazonaws.com/doc/2016-11-15/" };
    let doors = Doors {
        json: vec![Arc::new(Kms)],
        query: vec![Arc::new(Forms("sts", query)), Arc::new(Forms("ec2", ec2))],
        rest: vec![Arc::new(Blocks)],
        s3: Some(S3Door::new(tower::service_fn(|request| async { Ok(s3(request).await) }))),
        control: Router::new().route("/_sim/health", axum::routing::get(|| async { "well" })),
        gate,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(serve(listener, router(doors), async { drop(stopped.await) }));
    Port { address, stop: Some(stop), ended }
}

impl Port {
    /// Sends raw HTTP on a connection of its own; gives the status and the whole answer.
    async fn raw(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        (answer[9..12].parse().unwrap(), answer)
    }

    /// Sends a request with headers and body; the connection closes after it.
    async fn send(&self, line: &str, headers: &str, body: &str) -> (u16, String) {
        let host = if headers.contains("Host:") { "" } else { "Host: 127.0.0.1\r\n" };
        let length = body.len();
        self.raw(&format!(
            "{line} HTTP/1.1\r\n{host}Connection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        ))
        .await
    }
}

fn scope(service: &str) -> String {
    format!("Authorization: AWS4-HMAC-SHA256 Credential=111122223333/20260115/eu-west-1/{service}/aws4_request\r\n")
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n";

#[tokio::test]
async fn every_protocol_finds_its_service() {
    let port = port(AuthMode::Open).await;
    let (status, json) =
        port.send("POST /", &format!("X-Amz-Target: TrentService.Echo\r\n{}", scope("kms")), "{\"a\":1}").await;
    assert_eq!(status, 200);
    assert!(json.ends_with("{\"Arn\":\"arn:aws:iam::111122223333:root\",\"Read\":{\"a\":1}}"), "{json}");
    assert!(json.contains("x-amzn-requestid: 07070707-") && json.contains("x-sse-sim: simulator"), "{json}");

    let signed = port.send("POST /", &format!("{FORM}{}", scope("ec2")), "Action=Tell&X=a%3Cb").await.1;
    assert!(
        signed.contains("<TellResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>"),
        "{signed}"
    );
    let unsigned = port.send("POST /", FORM, "Action=Tell&Version=2011-06-15&X=1").await.1;
    assert!(unsigned.contains("<TellResult><Region>us-east-1</Region><X>1</X></TellResult>"), "{unsigned}");
    let got = port.send("GET /?Action=Tell&Version=2011-06-15&X=1", "", "").await.1;
    assert!(got.contains("<TellResult>"), "{got}");

    assert_eq!(port.send("POST /snapshots", &scope("ebs"), "{}").await.0, 201);
    let s3 = port.send("GET /bucket/key?acl", &scope("s3"), "").await.1;
    assert!(s3.ends_with("/bucket/key?acl [] arn:aws:iam::111122223333:root  0 false"), "{s3}");
    assert!(s3.contains("x-amz-request-id: HHHHHHHHHHHHHHHH"), "{s3}");
    let host = port.send("GET /_sim/health", "Host: my.bucket.s3.localhost:4566\r\n", "").await.1;
    assert!(host.ends_with("/_sim/health [my.bucket] arn:aws:iam::000000000000:root  0 false"), "{host}");
    assert!(port.send("GET /_sim/health", "", "").await.1.ends_with("well"));
}

#[tokio::test]
async fn what_nobody_knows_is_answered_as_aws_does() {
    let port = port(AuthMode::Open).await;
    for target in ["TrentService.Nope", "DynamoDB_20120810.GetItem", "Nonsense"] {
        let (status, answer) = port.send("POST /", &format!("X-Amz-Target: {target}\r\n"), "{}").await;
        assert_eq!(status, 400);
        assert!(answer.ends_with("{\"__type\":\"UnknownOperationException\"}"), "{answer}");
    }
    let (status, sts) = port.send("POST /", &format!("{FORM}{}", scope("sts")), "Action=Nope&Version=2011-06-15").await;
    assert_eq!(status, 400);
    assert!(
        sts.contains("<Code>InvalidAction</Code><Message>The action Nope is not valid for this web service.</Message>")
    );
    let (status, ec2) = port.send("POST /", &format!("{FORM}{}", scope("ec2")), "Action=Nope").await;
    assert_eq!(status, 400);
    assert!(ec2.contains("<Response><Errors><Error><Code>InvalidAction</Code>"), "{ec2}");
    let (status, lambda) = port.send("GET /2015-03-31/functions", &scope("lambda"), "").await;
    assert_eq!(status, 404);
    assert!(lambda.contains("x-amzn-errortype: UnknownOperationException"), "{lambda}");
    let (status, ebs) = port.send("GET /nope", &scope("ebs"), "").await;
    assert_eq!(status, 404);
    assert!(ebs.ends_with("{\"Message\":\"none\",\"Reason\":\"SNAPSHOT_NOT_FOUND\"}"), "{ebs}");
}

#[tokio::test]
async fn verify_mode_refuses_in_the_words_of_each_protocol() {
    let port = port(AuthMode::Verify).await;
    let asked = [
        ("POST /", "X-Amz-Target: TrentService.Echo\r\n", "kms", 400, "UnrecognizedClientException"),
        ("POST /", FORM, "sts", 403, "<Code>InvalidClientTokenId</Code>"),
        ("POST /", FORM, "ec2", 401, "<Code>AuthFailure</Code>"),
        ("GET /snapshots/x/blocks", "", "ebs", 403, "UnrecognizedClientException"),
        ("GET /bucket", "", "s3", 403, "<Code>InvalidAccessKeyId</Code>"),
    ];
    for (line, headers, service, status, code) in asked {
        let (found, answer) = port.send(line, &format!("{headers}{}", scope(service)), "Action=Tell").await;
        assert_eq!(found, status, "{service}");
        assert!(answer.contains(code), "{answer}");
    }
    let (status, answer) = port.send("POST /", "X-Amz-Target: TrentService.Echo\r\n", "{}").await;
    assert_eq!(status, 400);
    assert!(answer.contains("MissingAuthenticationTokenException"), "{answer}");
}

#[tokio::test]
async fn bad_bodies_are_told_apart() {
    let port = port(AuthMode::Open).await;
    let target = "X-Amz-Target: TrentService.Echo\r\n";
    let (status, broken) = port.send("POST /", target, "{").await;
    assert_eq!((status, broken.ends_with("{\"__type\":\"SerializationException\"}")), (400, true), "{broken}");
    let (status, large) = port.send("POST /", target, &"x".repeat(limits::BUFFERED_BODY_BYTES + 1)).await;
    assert_eq!((status, large.contains("RequestEntityTooLarge")), (413, true), "{large}");
}

#[tokio::test]
async fn a_panic_is_told_without_detail_and_the_connection_lives_on() {
    let port = port(AuthMode::Open).await;
    let (status, answer) = port.send("POST /", "X-Amz-Target: TrentService.Break\r\n", "{}").await;
    assert_eq!((status, answer.contains("secret detail")), (500, false));
    assert!(answer.ends_with("{\"__type\":\"InternalFailure\"}"), "{answer}");
}

#[tokio::test]
async fn a_framed_body_reaches_s3_as_plain_bytes() {
    let port = port(AuthMode::Open).await;
    let headers = format!(
        "{}x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\nx-amz-decoded-content-length: 4\r\n\
         x-amz-trailer: x-amz-checksum-crc32\r\nContent-Encoding: aws-chunked\r\n",
        scope("s3")
    );
    let (status, told) = port.send("PUT /b/k", &headers, "4\r\nwiki\r\n0\r\nx-amz-checksum-crc32:a=\r\n\r\n").await;
    assert_eq!(status, 200);
    assert!(told.ends_with("/b/k [] arn:aws:iam::111122223333:root wiki 1 false"), "{told}");
    let (_, told) = port.send("PUT /b/k", &headers, "4\r\nwik").await;
    assert!(told.contains("IncompleteBody"), "{told}");
}

#[tokio::test]
async fn a_client_that_sends_before_it_listens_hears_the_refusal() {
    let port = port(AuthMode::Verify).await;
    let (status, answer) = port.send("PUT /b/k", &scope("s3"), &"x".repeat(16 << 20)).await;
    assert_eq!((status, answer.contains("InvalidAccessKeyId")), (403, true));
}

#[tokio::test]
async fn one_connection_serves_many_calls() {
    let port = port(AuthMode::Open).await;
    let call = "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: TrentService.Echo\r\nContent-Length: 2\r\n";
    let (_, answers) = port.raw(&format!("{call}\r\n{{}}{call}Connection: close\r\n\r\n{{}}")).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
}

#[tokio::test]
async fn shutdown_ends_idle_connections_and_takes_no_new_ones() {
    let mut port = port(AuthMode::Open).await;
    let mut idle = TcpStream::connect(port.address).await.unwrap();
    idle.write_all(b"GET /_sim/health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = [0; 1024];
    assert!(idle.read(&mut answer).await.unwrap() > 0);
    drop(port.stop.take());
    port.ended.await.unwrap().unwrap();
    assert_eq!(idle.read(&mut answer).await.unwrap(), 0);
    assert!(TcpStream::connect(port.address).await.is_err());
}

/// The S3 door is any tower service: what axum offers can stand there, too.
#[tokio::test]
async fn a_door_can_be_called_without_a_socket() {
    let door = S3Door::new(tower::service_fn(|_| async { Ok(Response::new(Body::from("in"))) }));
    let answer = door.oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "in");
}
