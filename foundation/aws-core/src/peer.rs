//! Identity between two processes of the same simulator: which claims travel, and in which form.
//!
//! ```text
//! x-sse-sim-caller: hex(JSON claims) . hex(HMAC-SHA-256(shared secret, hex(JSON claims)))
//! ```
//!
//! The claims bind the caller to one body and one operation, and are good for five minutes. Deliberately absent: the MAC.
//! Its two users (the client in `kms-api`, the gate in `aws-wire`) compute it, since nothing here does cryptography.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::call::CallContext;
use crate::time::Timestamp;

/// The header in which an identity travels.
pub const HEADER: &str = "x-sse-sim-caller";
/// By how much issuer and reader may differ in time.
pub const FRESH_SECONDS: i64 = 5 * 60;

/// What one process vouches for to the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The call as the caller's own process knows it, request id and forwarding service included.
    pub context: CallContext,
    /// On the wall clock.
    pub issued_at: Timestamp,
    /// SHA-256 of the body, in hex.
    pub body_sha256: String,
    /// `TrentService.Decrypt`
    pub target: String,
}

impl Claims {
    /// The text over which the MAC is made.
    pub fn encode(&self) -> String {
        hex::encode(serde_json::to_vec(self).expect("claims have no map with keys that are not text"))
    }

    /// Reads what [`Self::encode`] wrote.
    pub fn decode(text: &str) -> Option<Self> {
        serde_json::from_slice(&hex::decode(text).ok()?).ok()
    }
}

/// The header's value.
pub fn join(claims: &str, mac: &[u8]) -> String {
    format!("{claims}.{}", hex::encode(mac))
}

/// The header's two halves: the text under the MAC, and the MAC.
pub fn split(header: &str) -> Option<(&str, Vec<u8>)> {
    let (claims, mac) = header.split_once('.')?;
    Some((claims, hex::decode(mac).ok()?))
}

/// The secret that two processes share. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PeerSecret(Vec<u8>);

impl PeerSecret {
    /// Takes the secret as it stands in the file, without its line end. That it is long enough to be one is for the reader of
    /// the file to see to.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The one door to the bytes.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for PeerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerSecret({} bytes withheld)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{AccountId, Region};
    use crate::principal::Principal;

    #[test]
    fn claims_survive_the_journey() {
        let root = Principal::Root { account: AccountId::default_account() };
        let claims = Claims {
            context: CallContext::local(root, Region::default_region(), "r-1"),
            issued_at: Timestamp::UNIX_EPOCH,
            body_sha256: "00".into(),
            target: "TrentService.Decrypt".into(),
        };
        let header = join(&claims.encode(), &[1, 2]);
        let (text, mac) = split(&header).unwrap();
        assert_eq!((Claims::decode(text), mac), (Some(claims), vec![1, 2]));
        assert!(split("zz").is_none() && split("7b.zz").is_none() && Claims::decode("7b7d").is_none());
        assert_eq!(format!("{:?}", PeerSecret::new([7; 32])), "PeerSecret(32 bytes withheld)");
    }
}
