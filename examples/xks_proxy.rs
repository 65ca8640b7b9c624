//! A small external key store proxy: version 1 of AWS's XKS proxy API over AES-256 keys that it keeps itself.
//!
//! ```text
//! cargo run --example xks_proxy -- --port 4567 --key payroll-key
//! aws kms create-custom-key-store --custom-key-store-type EXTERNAL_KEY_STORE --custom-key-store-name outside \
//!   --xks-proxy-connectivity PUBLIC_ENDPOINT --xks-proxy-uri-endpoint http://127.0.0.1:4567 \
//!   --xks-proxy-uri-path /kms/xks/v1 --xks-proxy-authentication-credential AccessKeyId=…,RawSecretAccessKey=…
//! ```
//!
//! Its keys come from a seed, so that what it encrypted opens again after a restart. It stands in for an external key
//! manager: stop it, and KMS cannot open what it sealed. Deliberately absent: TLS (it binds a loopback address only),
//! secondary authorization, and any care for real secrets.
#![allow(clippy::print_stdout)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Parser;
use envelope::derive::labelled_key;
use envelope::gcm;
use envelope::secret::Secret;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Tells the proxy which key version to open with; authenticated like all else.
const CIPHERTEXT_METADATA: &[u8] = b"key_version=1";

/// An external key store proxy for sse-sim. Its keys are derived from a seed: keep no real secrets under them.
#[derive(Debug, Parser)]
struct Flags {
    /// Port on 127.0.0.1; 0 picks a free one.
    #[arg(long, default_value_t = 4567)]
    port: u16,
    /// Where the keys come from.
    #[arg(long, default_value = "sse-sim xks proxy")]
    seed: String,
    /// An external key, by its id.
    #[arg(long = "key", default_value = "external-key")]
    keys: Vec<String>,
    /// An external key that is disabled.
    #[arg(long = "disabled")]
    disabled: Vec<String>,
    /// What requests must be signed with.
    #[arg(long, default_value = "SSESIMXKSPROXYACCESSKEY")]
    access_key_id: String,
    /// What requests must be signed with.
    #[arg(long, default_value = "c3NlLXNpbSdzIGV4YW1wbGUgcHJveHkgaGFzIG5vIHNlY3JldHM")]
    secret_access_key: String,
    /// Answers encryption and decryption so much later.
    #[arg(long, default_value_t = 0)]
    delay_ms: u64,
    /// Answers encryption with a wrong integrity value.
    #[arg(long)]
    corrupt: bool,
}

/// What went wrong, in the API's words.
struct Refusal(StatusCode, &'static str);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"errorName": self.1}))).into_response()
    }
}

const INVALID: Refusal = Refusal(StatusCode::BAD_REQUEST, "ValidationException");
const UNAUTHENTIC: Refusal = Refusal(StatusCode::UNAUTHORIZED, "AuthenticationFailedException");
const NO_KEY: Refusal = Refusal(StatusCode::NOT_FOUND, "KeyNotFoundException");
const DISABLED: Refusal = Refusal(StatusCode::BAD_REQUEST, "InvalidStateException");
const BAD_CIPHERTEXT: Refusal = Refusal(StatusCode::BAD_REQUEST, "InvalidCiphertextException");
const NO_PATH: Refusal = Refusal(StatusCode::NOT_FOUND, "InvalidUriPathException");
const UNSUPPORTED: Refusal = Refusal(StatusCode::NOT_IMPLEMENTED, "UnsupportedOperationException");

type Proxy = Arc<Flags>;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let flags = Arc::new(Flags::parse());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", flags.port)).await?;
    let router = Router::new()
        .route("/kms/xks/v1/health", post(health))
        .route("/kms/xks/v1/keys/{key}/{operation}", post(operate))
        .fallback(|| async { NO_PATH })
        .with_state(flags);
    println!("endpoint http://{}", listener.local_addr()?);
    println!("Ready.");
    axum::serve(listener, router).await?;
    Ok(())
}

async fn health(State(proxy): State<Proxy>, uri: Uri, headers: HeaderMap, body: Bytes) -> Result<Json<Value>, Refusal> {
    authenticate(&proxy, &uri, &headers, &body).ok_or(UNAUTHENTIC)?;
    Ok(Json(json!({
        "xksProxyFleetSize": 1,
        "xksProxyVendor": "sse-sim",
        "xksProxyModel": concat!("sse-sim example ", env!("CARGO_PKG_VERSION")),
        "ekmVendor": "sse-sim",
        "ekmFleetDetails": [{"id": "ekm-1", "model": "a seed", "healthStatus": "ACTIVE"}],
    })))
}

async fn operate(
    State(proxy): State<Proxy>,
    Path((key, operation)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    authenticate(&proxy, &uri, &headers, &body).ok_or(UNAUTHENTIC)?;
    let request: Value = serde_json::from_slice(&body).map_err(|_| INVALID)?;
    let asked = &request["requestMetadata"];
    println!("{operation} {key} for {} ({})", asked["awsPrincipalArn"], asked["kmsOperation"]);
    let disabled: BTreeSet<&String> = proxy.disabled.iter().collect();
    if !proxy.keys.contains(&key) && !disabled.contains(&key) {
        return Err(NO_KEY);
    }
    if operation == "metadata" {
        let status = if disabled.contains(&key) { "DISABLED" } else { "ENABLED" };
        let usage = ["ENCRYPT", "DECRYPT"];
        return Ok(Json(json!({"keySpec": "AES_256", "keyUsage": usage, "keyStatus": status})));
    }
    if disabled.contains(&key) {
        return Err(DISABLED);
    }
    if request["encryptionAlgorithm"] != "AES_GCM" {
        return Err(UNSUPPORTED);
    }
    tokio::time::sleep(Duration::from_millis(proxy.delay_ms)).await;
    let external = labelled_key(&Secret::copied(proxy.seed.as_bytes()), b"xks external key", key.as_bytes());
    match &*operation {
        "encrypt" => encrypt(&external, &request, proxy.corrupt).map(Json),
        "decrypt" => decrypt(&external, &request).map(Json),
        _ => Err(NO_PATH),
    }
}

fn encrypt(key: &Secret, request: &Value, corrupt: bool) -> Result<Value, Refusal> {
    let (plaintext, aad) = (member(request, "plaintext")?.ok_or(INVALID)?, aad(request)?);
    let mut iv = [0; 12];
    getrandom::fill(&mut iv).map_err(|_| Refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalException"))?;
    let sealed = gcm::seal(exact(key), &iv, &bound(&aad, CIPHERTEXT_METADATA), &plaintext);
    let (ciphertext, tag) = sealed.split_at(plaintext.len());
    // Before it is tried: what is damaged between trying and answering would else go unnoticed.
    let parts = [&aad, CIPHERTEXT_METADATA, &iv, ciphertext, tag];
    let mut integrity = parts.into_iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize().to_vec();
    integrity[0] ^= u8::from(corrupt);
    gcm::open(exact(key), &iv, &bound(&aad, CIPHERTEXT_METADATA), &sealed).map_err(|_| BAD_CIPHERTEXT)?;
    Ok(json!({
        "ciphertext": STANDARD.encode(ciphertext),
        "ciphertextMetadata": STANDARD.encode(CIPHERTEXT_METADATA),
        "initializationVector": STANDARD.encode(iv),
        "authenticationTag": STANDARD.encode(tag),
        "ciphertextDataIntegrityValue": STANDARD.encode(integrity),
    }))
}

fn decrypt(key: &Secret, request: &Value) -> Result<Value, Refusal> {
    let needed = |name| member(request, name)?.ok_or(INVALID);
    let iv: [u8; 12] = needed("initializationVector")?.try_into().map_err(|_| BAD_CIPHERTEXT)?;
    let metadata = member(request, "ciphertextMetadata")?.unwrap_or_default();
    let sealed = [needed("ciphertext")?, needed("authenticationTag")?].concat();
    let opened = gcm::open(exact(key), &iv, &bound(&aad(request)?, &metadata), &sealed);
    let plaintext = opened.map_err(|_| BAD_CIPHERTEXT)?;
    Ok(json!({"plaintext": STANDARD.encode(plaintext.expose())}))
}

/// A member in base64; `None` when it is not there.
fn member(request: &Value, name: &str) -> Result<Option<Vec<u8>>, Refusal> {
    match &request[name] {
        Value::Null => Ok(None),
        Value::String(text) => STANDARD.decode(text).map(Some).map_err(|_| INVALID),
        _ => Err(INVALID),
    }
}

fn aad(request: &Value) -> Result<Vec<u8>, Refusal> {
    let aad = member(request, "additionalAuthenticatedData")?.unwrap_or_default();
    if aad.len() <= 8192 { Ok(aad) } else { Err(UNSUPPORTED) }
}

/// Additional data and metadata with their lengths, so that one cannot pass for the other.
fn bound(aad: &[u8], metadata: &[u8]) -> Vec<u8> {
    let lengths = ((aad.len() as u16).to_be_bytes(), [metadata.len() as u8]);
    [&lengths.0[..], aad, &lengths.1, metadata].concat()
}

fn exact(key: &Secret) -> &[u8; 32] {
    key.array().expect("the derivation gives 32 bytes")
}

/// Signs the request again, and compares. `None` if it is not signed with our secret within the last five minutes.
fn authenticate(proxy: &Flags, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Option<()> {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let (claimed, date) = (header("authorization")?, header("x-amz-date")?);
    let scope = claimed.strip_prefix("AWS4-HMAC-SHA256 Credential=")?.split(',').next()?;
    let [access_key_id, _, region, "kms-xks-proxy", "aws4_request"] = scope.split('/').collect::<Vec<_>>()[..] else {
        return None;
    };
    let sent = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok()?;
    let sent = jiff::tz::TimeZone::UTC.to_timestamp(sent).ok()?.as_second();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(sent).ok()?);
    let age = SystemTime::now().duration_since(time).unwrap_or_else(|ahead| ahead.duration());
    if access_key_id != proxy.access_key_id || age > Duration::from_secs(300) {
        return None;
    }
    let identity = Credentials::new(access_key_id, &proxy.secret_access_key, None, None, "proxy").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("kms-xks-proxy")
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .ok()?
        .into();
    let url = format!("http://{}{}", header("host")?, uri.path());
    let request = SignableRequest::new("POST", url, std::iter::empty(), SignableBody::Bytes(body)).ok()?;
    let instructions = sign(request, &params).ok()?;
    let computed = instructions.output().headers().find(|(name, _)| *name == "authorization")?.1;
    // Digests are compared: the time this takes tells nothing about how much of the signature was right.
    (Sha256::digest(computed) == Sha256::digest(claimed)).then_some(())
}
