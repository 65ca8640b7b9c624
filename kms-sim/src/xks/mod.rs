//! The client of external key store proxies: version 1 of AWS's XKS proxy API, over HTTP, each request signed (SigV4,
//! service `kms-xks-proxy`).
//!
//! ```text
//! POST {path}/health                     is anybody there who can work?
//! POST {path}/keys/{id}/metadata         what kind of key is it?
//! POST {path}/keys/{id}/encrypt|decrypt  AES-GCM over there
//! ```
//!
//! A proxy answers within 250 ms or not at all. Beside `https://host`, as AWS demands it, `http://` to a loopback address
//! with a port is let through, so that a proxy on the same machine needs no certificate. Deliberately absent: mutual TLS
//! and retries.

pub(crate) mod fault;
mod sign;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_core::call::CallContext;
use aws_core::time::Clock;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use envelope::secret::Secret;
use kms_api::error::KmsError;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use self::fault::ProxyFault;
use crate::hsm::twice::Outer;
use crate::model::key_store::Proxy;

/// What a proxy is given to answer.
const PATIENCE: Duration = Duration::from_millis(250);
/// No answer of the API comes near this length.
const LONGEST_ANSWER: usize = 64 * 1024;

/// A client for all proxies.
pub(crate) struct Xks {
    client: OnceLock<Result<reqwest::Client, String>>,
    wall: Arc<dyn Clock>,
}

/// One proxy, for one call of somebody.
pub(crate) struct Errand<'a> {
    pub(crate) proxy: &'a Proxy,
    pub(crate) secret: &'a Secret,
    pub(crate) ctx: &'a CallContext,
    /// AWS's name of the operation that KMS is doing.
    pub(crate) operation: &'static str,
    /// Where there is one already.
    pub(crate) key_arn: Option<&'a str>,
}

/// What a proxy says of a key.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExternalKey {
    pub(crate) key_spec: String,
    pub(crate) key_usage: Vec<String>,
    pub(crate) key_status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Health {
    ekm_fleet_details: Vec<Manager>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manager {
    health_status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Encrypted {
    ciphertext: String,
    #[serde(default)]
    ciphertext_metadata: String,
    initialization_vector: String,
    authentication_tag: String,
    ciphertext_data_integrity_value: String,
}

#[derive(Deserialize)]
struct Decrypted {
    plaintext: String,
}

impl Xks {
    /// Requests are dated by the wall clock: the proxy lives in the real world.
    pub(crate) fn new(wall: Arc<dyn Clock>) -> Self {
        Self { client: OnceLock::new(), wall }
    }

    /// Whether the proxy answers and has a key manager that can work.
    pub(crate) async fn health(&self, errand: &Errand<'_>) -> Result<(), ProxyFault> {
        let health: Health = self.ask(errand, "/health", json!({})).await?;
        let able = |manager: &Manager| matches!(manager.health_status.as_str(), "ACTIVE" | "DEGRADED");
        match health.ekm_fleet_details.iter().any(able) {
            true => Ok(()),
            false => Err(ProxyFault::ManagersUnavailable),
        }
    }

    /// What kind of key it is.
    pub(crate) async fn metadata(&self, errand: &Errand<'_>, key: &str) -> Result<ExternalKey, ProxyFault> {
        self.ask(errand, &format!("/keys/{key}/metadata"), json!({})).await
    }

    /// Has a blob encrypted over there. What comes back is held against its integrity value.
    pub(crate) async fn encrypt(
        &self,
        errand: &Errand<'_>,
        key: &str,
        aad: &[u8],
        blob: &[u8],
    ) -> Result<Outer, ProxyFault> {
        let body = json!({
            "plaintext": STANDARD.encode(blob),
            "encryptionAlgorithm": "AES_GCM",
            "additionalAuthenticatedData": STANDARD.encode(aad),
            "ciphertextDataIntegrityValueAlgorithm": "SHA_256",
        });
        let said: Encrypted = self.ask(errand, &format!("/keys/{key}/encrypt"), body).await?;
        let outer = Outer {
            metadata: bytes(&said.ciphertext_metadata)?,
            iv: bytes(&said.initialization_vector)?,
            tag: bytes(&said.authentication_tag)?,
            ciphertext: bytes(&said.ciphertext)?,
        };
        let fits = outer.metadata.len() <= 20
            && matches!(outer.iv.len(), 12 | 16)
            && outer.tag.len() == 16
            && outer.ciphertext.len() == blob.len();
        let is_whole = bytes(&said.ciphertext_data_integrity_value)? == integrity(aad, &outer);
        if fits && is_whole { Ok(outer) } else { Err(ProxyFault::Malformed) }
    }

    /// Has a blob decrypted over there.
    pub(crate) async fn decrypt(
        &self,
        errand: &Errand<'_>,
        key: &str,
        aad: &[u8],
        outer: &Outer,
    ) -> Result<Vec<u8>, ProxyFault> {
        let mut body = json!({
            "ciphertext": STANDARD.encode(&outer.ciphertext),
            "encryptionAlgorithm": "AES_GCM",
            "additionalAuthenticatedData": STANDARD.encode(aad),
            "initializationVector": STANDARD.encode(&outer.iv),
            "authenticationTag": STANDARD.encode(&outer.tag),
        });
        if !outer.metadata.is_empty() {
            body["ciphertextMetadata"] = json!(STANDARD.encode(&outer.metadata));
        }
        let mut said: Decrypted = self.ask(errand, &format!("/keys/{key}/decrypt"), body).await?;
        let blob = bytes(&said.plaintext);
        said.plaintext.zeroize();
        blob.and_then(|blob| if blob.len() == outer.ciphertext.len() { Ok(blob) } else { Err(ProxyFault::Malformed) })
    }

    async fn ask<T: for<'de> Deserialize<'de>>(
        &self,
        errand: &Errand<'_>,
        tail: &str,
        mut body: Value,
    ) -> Result<T, ProxyFault> {
        body["requestMetadata"] = errand.metadata(tail);
        let body = body.to_string();
        let url = format!("{}{}{tail}", errand.proxy.endpoint, errand.proxy.path);
        let headers = sign::headers(errand, &url, body.as_bytes(), self.wall.now()).ok_or(ProxyFault::Malformed)?;
        let mut request = self.client()?.post(&url).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.body(body).send().await.map_err(|error| fault::of_transport(&error))?;
        let status = answer.status();
        let text = answer.bytes().await.map_err(|error| fault::of_transport(&error))?;
        if text.len() > LONGEST_ANSWER {
            return Err(ProxyFault::Malformed);
        }
        match status.is_success() {
            true => serde_json::from_slice(&text).map_err(|_| ProxyFault::Malformed),
            false => Err(fault::of_answer(&text)),
        }
    }

    fn client(&self) -> Result<&reqwest::Client, ProxyFault> {
        let build = || {
            let builder = reqwest::Client::builder().no_proxy().tcp_nodelay(true).timeout(PATIENCE);
            builder.redirect(reqwest::redirect::Policy::none()).build().map_err(|error| error.to_string())
        };
        self.client.get_or_init(build).as_ref().map_err(|_| ProxyFault::Unreachable)
    }
}

impl Errand<'_> {
    /// Who asks, and for what; a health check tells no more than that it is one.
    fn metadata(&self, tail: &str) -> Value {
        let mut metadata = json!({"kmsOperation": self.operation, "kmsRequestId": self.ctx.request_id});
        if tail == "/health" {
            return metadata;
        }
        metadata["awsPrincipalArn"] = json!(self.ctx.principal_arn());
        if let Some(arn) = self.key_arn {
            metadata["kmsKeyArn"] = json!(arn);
        }
        let via = self.ctx.via.as_ref().and_then(|via| via.via_service.as_deref());
        if let Some(service) = via.and_then(|service| service.split('.').next()) {
            metadata["kmsViaService"] = json!(service);
        }
        metadata
    }
}

/// The proxy's assurance that what it answers is what it will be able to decrypt.
fn integrity(aad: &[u8], outer: &Outer) -> Vec<u8> {
    let parts = [aad, &outer.metadata, &outer.iv, &outer.ciphertext, &outer.tag];
    parts.into_iter().fold(Sha256::new(), |hash, part| hash.chain_update(part)).finalize().to_vec()
}

fn bytes(text: &str) -> Result<Vec<u8>, ProxyFault> {
    STANDARD.decode(text).map_err(|_| ProxyFault::Malformed)
}

/// Where a proxy may be: AWS's pattern, or a loopback address.
pub(crate) fn check_endpoint(endpoint: &str) -> Result<(), KmsError> {
    let is_host =
        |host: &str| !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b));
    let is_loopback = |rest: &str| {
        let (host, port) = rest.rsplit_once(':').unwrap_or((rest, "80"));
        matches!(host, "127.0.0.1" | "localhost") && port.parse::<u16>().is_ok()
    };
    let fits = endpoint.strip_prefix("https://").is_some_and(|rest| is_host(rest) || is_loopback(rest))
        || endpoint.strip_prefix("http://").is_some_and(is_loopback);
    if fits { Ok(()) } else { Err(broken_pattern(endpoint, "xksProxyUriEndpoint", "^https://[a-zA-Z0-9.-]+$")) }
}

/// Where the API begins under an endpoint.
pub(crate) fn check_path(path: &str) -> Result<(), KmsError> {
    let (before, version) = path.rsplit_once("/kms/xks/v").unwrap_or(("", ""));
    let is_version = (1..=2).contains(&version.len()) && version.bytes().all(|b| b.is_ascii_digit());
    let is_prefix = before.is_empty() || (before.starts_with('/') && before.len() > 1);
    if is_version && is_prefix && before.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_-".contains(&b)) {
        return Ok(());
    }
    let pattern = "^(/[a-zA-Z0-9\\/_-]+/kms/xks/v\\d{1,2})$|^(/kms/xks/v\\d{1,2})$";
    Err(broken_pattern(path, "xksProxyUriPath", pattern))
}

fn broken_pattern(value: &str, member: &str, pattern: &str) -> KmsError {
    KmsError::Validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must satisfy \
         regular expression pattern: {pattern}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the API's specification, appendix C.
    #[test]
    fn the_integrity_value_is_that_of_the_specification() {
        let outer = Outer {
            metadata: STANDARD.decode("a2V5X3ZlcnNpb249MQ==").unwrap(),
            iv: STANDARD.decode("HMrlRw85cAJUd5Ax").unwrap(),
            tag: STANDARD.decode("vBxN2ncH1oEkR8WVXpmyYQ==").unwrap(),
            ciphertext: STANDARD.decode("ghxkK1txeDNn3q8Y").unwrap(),
        };
        let value = integrity(b"project=nile,department=marketing", &outer);
        assert_eq!(STANDARD.encode(value), "qHA/ImC9h5HsLRXqCyPmWgYx7tzyoTplzILbP0fPXsc=");
    }

    #[test]
    fn a_proxy_lives_behind_https_or_on_this_machine() {
        let fits = ["https://proxy.example", "http://127.0.0.1:4567", "http://localhost:1", "https://localhost:8443"];
        assert!(fits.iter().all(|endpoint| check_endpoint(endpoint).is_ok()));
        let odd = ["http://proxy.example", "https://proxy.example:444", "https://a/b", "ftp://localhost", "https://"];
        assert!(odd.iter().all(|endpoint| check_endpoint(endpoint).is_err()));
        assert!(["/kms/xks/v1", "/a/b_c/kms/xks/v1"].iter().all(|path| check_path(path).is_ok()));
        assert!(["/kms/xks", "kms/xks/v1", "/kms/xks/v123", "/a b/kms/xks/v1"].iter().all(|p| check_path(p).is_err()));
    }
}
