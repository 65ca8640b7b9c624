//! As whom a call goes out: as the caller, vouched for by the shared secret, or as this process's own credentials.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_core::call::CallContext;
use aws_core::id::Region;
use aws_core::peer::{Claims, HEADER, PeerSecret, join};
use aws_core::time::Timestamp;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::error::KmsError;

/// Of every request.
pub const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// Headers to add to a request.
pub type Headers = Vec<(String, String)>;

/// Who asks.
pub enum Identity {
    /// The caller of each call.
    Peer(Arc<PeerSecret>),
    /// This process.
    Own {
        /// Where keys are.
        region: Region,
        /// What calls are signed with.
        credentials: Credentials,
        /// Who that is at the endpoint.
        caller_arn: String,
    },
}

/// What a signature covers.
pub struct Signed<'a> {
    /// Full URL.
    pub url: &'a str,
    /// `kms`, `sts`
    pub service: &'a str,
    /// In the credential scope.
    pub region: &'a str,
    /// Sent and signed.
    pub headers: &'a [(&'a str, &'a str)],
    /// Sent and signed.
    pub body: &'a [u8],
}

impl Identity {
    /// The headers that carry the identity on one call.
    pub fn headers(
        &self,
        ctx: &CallContext,
        endpoint: &str,
        target: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Headers, KmsError> {
        match self {
            Self::Peer(secret) => Ok(vec![(HEADER.into(), vouch(secret, ctx, target, body, now))]),
            Self::Own { region, credentials, .. } => {
                let headers = [("x-amz-target", target), ("content-type", CONTENT_TYPE)];
                let url = format!("{endpoint}/");
                let signed = Signed { url: &url, service: "kms", region: region.as_str(), headers: &headers, body };
                signature(&signed, credentials, now)
            }
        }
    }
}

/// The header by which a peer knows the caller: bound to this body and operation, good for five minutes.
fn vouch(secret: &PeerSecret, ctx: &CallContext, target: &str, body: &[u8], now: Timestamp) -> String {
    let body_sha256 = hex::encode(Sha256::digest(body));
    let claims = Claims { context: ctx.clone(), issued_at: now, body_sha256, target: target.into() }.encode();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose()).expect("HMAC takes a key of any length");
    mac.update(claims.as_bytes());
    join(&claims, &mac.finalize().into_bytes())
}

/// SigV4 over a POST.
pub fn signature(signed: &Signed<'_>, credentials: &Credentials, now: Timestamp) -> Result<Headers, KmsError> {
    let broken =
        |error: &dyn std::fmt::Display| KmsError::KmsInternal(format!("The call could not be signed: {error}"));
    let identity = credentials.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(signed.region)
        .name(signed.service)
        .time(system_time(now))
        .settings(SigningSettings::default())
        .build()
        .map_err(|error| broken(&error))?
        .into();
    let headers = signed.headers.iter().copied();
    let request = SignableRequest::new("POST", signed.url, headers, SignableBody::Bytes(signed.body));
    let instructions = sign(request.map_err(|error| broken(&error))?, &params).map_err(|error| broken(&error))?;
    Ok(instructions.output().headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn system_time(now: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(now.as_second()).unwrap_or_default())
}
