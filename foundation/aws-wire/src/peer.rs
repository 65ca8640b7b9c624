//! The reading end of identity between two processes: is the caller's header ours, fresh, and about this very call?
//!
//! The form is told in `aws_core::peer`. Replay within five minutes is possible for whoever sees the traffic, but only
//! of the same operation with the same body; the two processes are meant to share a machine or a private network.

use aws_core::call::CallContext;
pub use aws_core::peer::PeerSecret;
use aws_core::peer::{Claims, FRESH_SECONDS, HEADER, split};
use aws_core::time::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::{Digest, Sha256};

/// The identity in the header, or why it does not hold.
pub fn verify(
    headers: &HeaderMap,
    body: &[u8],
    target: &str,
    secret: &PeerSecret,
    wall: Timestamp,
) -> Result<CallContext, &'static str> {
    let header = headers.get(HEADER).and_then(|value| value.to_str().ok()).ok_or("it is missing or no text")?;
    let (text, mac) = split(header).ok_or("it is malformed")?;
    let mut expected = Hmac::<Sha256>::new_from_slice(secret.expose()).expect("HMAC takes a key of any length");
    expected.update(text.as_bytes());
    expected.verify_slice(&mac).map_err(|_| "it was made with another secret")?;
    let claims = Claims::decode(text).ok_or("its claims are malformed")?;
    if (claims.issued_at.as_second() - wall.as_second()).abs() > FRESH_SECONDS {
        return Err("it is more than five minutes old, or from the future");
    }
    if claims.target != target || claims.body_sha256 != hex::encode(Sha256::digest(body)) {
        return Err("it is about another request");
    }
    Ok(claims.context)
}

#[cfg(test)]
pub(crate) mod tests {
    use aws_core::id::{AccountId, Region};
    use aws_core::peer::join;
    use aws_core::principal::Principal;

    use super::*;

    pub(crate) const SECRET: &[u8] = b"sixteen bytes or more";

    pub(crate) fn header(body: &[u8], target: &str, secret: &[u8]) -> HeaderMap {
        let root = Principal::Root { account: AccountId::default_account() };
        let context = CallContext::local(root, Region::default_region(), "r-1");
        let body_sha256 = hex::encode(Sha256::digest(body));
        let text = Claims { context, issued_at: Timestamp::UNIX_EPOCH, body_sha256, target: target.into() }.encode();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
        mac.update(text.as_bytes());
        let value = join(&text, &mac.finalize().into_bytes());
        HeaderMap::from_iter([(HEADER.parse().unwrap(), value.parse().unwrap())])
    }

    #[test]
    fn an_identity_holds_for_its_own_call_only() {
        let secret = PeerSecret::new(SECRET);
        let at = |second| Timestamp::from_second(second).unwrap();
        let good = header(b"body", "TrentService.Decrypt", SECRET);
        assert_eq!(verify(&good, b"body", "TrentService.Decrypt", &secret, at(299)).unwrap().request_id, "r-1");
        assert!(verify(&good, b"bodY", "TrentService.Decrypt", &secret, at(0)).is_err());
        assert!(verify(&good, b"body", "TrentService.Encrypt", &secret, at(0)).is_err());
        assert!(verify(&good, b"body", "TrentService.Decrypt", &secret, at(301)).is_err());
        assert!(verify(&good, b"body", "TrentService.Decrypt", &secret, at(-301)).is_err());
        let forged = header(b"body", "TrentService.Decrypt", b"another secret of them");
        assert!(verify(&forged, b"body", "TrentService.Decrypt", &secret, at(0)).is_err());
    }
}
