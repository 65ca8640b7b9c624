//! SigV4 over a request to a proxy.

use std::time::{Duration, SystemTime};

use aws_core::time::Timestamp;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;

use super::Errand;

/// The headers that prove who asks; `None` if the URL or the credential cannot be signed with.
pub(super) fn headers(errand: &Errand<'_>, url: &str, body: &[u8], now: Timestamp) -> Option<Vec<(String, String)>> {
    let secret = std::str::from_utf8(errand.secret.expose()).ok()?;
    let credentials = Credentials::new(&errand.proxy.access_key_id, secret, None, None, "key store");
    let identity = credentials.into();
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(errand.ctx.region.as_str())
        .name("kms-xks-proxy")
        .time(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
        .settings(SigningSettings::default())
        .build()
        .ok()?
        .into();
    let request = SignableRequest::new("POST", url, std::iter::empty(), SignableBody::Bytes(body)).ok()?;
    let instructions = sign(request, &params).ok()?;
    Some(instructions.output().headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}
