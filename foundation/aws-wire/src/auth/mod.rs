//! Who is asking? The gate turns a request into a `CallContext`, or refuses it.
//!
//! ```text
//! caller's header of a peer process     verified against the shared secret (crate::peer)
//! key that IAM issued                   always verified: dates, scope, token, signature (verify)
//! any other key     open mode           root of 000000000000, or of the account that the key spells; nothing verified
//!                   verify mode         refused
//! no credentials    open mode           root of 000000000000, in us-east-1
//!                   verify mode         refused
//! ```
//!
//! Deliberately absent: authorization. The gate proves who asks; policies decide elsewhere what they may do.

pub mod canonical;
pub mod claim;
mod legacy;
pub mod refusal;
pub mod verify;

use std::sync::Arc;

use aws_core::call::CallContext;
use aws_core::id::{AccountId, Region};
use aws_core::identity::{AuthMode, Identities};
use aws_core::peer::PeerSecret;
use aws_core::principal::{Caller, Principal};
use aws_core::time::Clock;
use http::request::Parts;

use self::claim::Claim;
use self::refusal::Refusal;
use self::verify::{Proof, Times, verify};
use crate::fault::Protocol;
use crate::serve::Connection;
use crate::{host, peer};

/// Where 16 random bytes for a request id come from.
pub type RequestIds = Arc<dyn Fn() -> [u8; 16] + Send + Sync>;

/// Proves callers.
#[derive(Clone)]
pub struct Gate {
    /// IAM.
    pub identities: Arc<dyn Identities>,
    /// What becomes of keys that IAM does not know.
    pub mode: AuthMode,
    /// Judges signatures.
    pub wall: Arc<dyn Clock>,
    /// Ends sessions.
    pub sim: Arc<dyn Clock>,
    /// Names requests.
    pub request_ids: RequestIds,
    /// Shared with the other processes of this simulator, if there are any.
    pub peer_secret: Option<Arc<PeerSecret>>,
}

/// The body of a request at the gate.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    /// Read in full: its hash is part of the signature.
    Whole(&'a [u8]),
    /// Still to come (S3): a header names its hash, and the stream is held to it.
    Streamed,
}

/// A request at the gate.
#[derive(Clone, Copy, Debug)]
pub struct Knock<'a> {
    /// Head of the request.
    pub parts: &'a Parts,
    /// What it claims, if anything.
    pub claim: Option<&'a Claim>,
    /// Its body.
    pub payload: Payload<'a>,
    /// In whose words it asks.
    pub protocol: Protocol,
    /// The signing name of the service that it asks, where one is known.
    pub service: Option<&'static str>,
}

/// Let in.
pub struct Admission {
    /// Who asks.
    pub context: CallContext,
    /// Present when a signature was verified.
    pub proof: Option<Proof>,
}

impl Gate {
    /// Proves the caller of a request, or says why not. `request_id` names the call, unless a peer has named it already.
    pub fn admit(&self, knock: &Knock<'_>, request_id: String) -> Result<Admission, Refusal> {
        if knock.parts.headers.contains_key(aws_core::peer::HEADER) {
            return self.peer(knock);
        }
        let Some(claim) = knock.claim else { return self.anonymous(knock, request_id) };
        let region = || Region::parse(&claim.scope.region).unwrap_or_else(Region::default_region);
        match self.identities.credential(&claim.access_key) {
            Some(credential) => {
                let times = Times { wall: self.wall.now(), sim: self.sim.now() };
                let proof = verify(knock, claim, &credential, times)?;
                Ok(Admission {
                    context: context(knock.parts, credential.caller, region(), request_id),
                    proof: Some(proof),
                })
            }
            None if self.mode == AuthMode::Open => {
                let caller = root_of(&claim.access_key);
                Ok(Admission { context: context(knock.parts, caller, region(), request_id), proof: None })
            }
            None => Err(Refusal::UnknownKey { access_key: claim.access_key.clone() }),
        }
    }

    /// Sixteen random bytes for the next request.
    pub fn next_id(&self) -> [u8; 16] {
        (self.request_ids)()
    }

    fn peer(&self, knock: &Knock<'_>) -> Result<Admission, Refusal> {
        let secret = self.peer_secret.as_deref().ok_or(Refusal::Peer("this process shares no secret with another"))?;
        let Payload::Whole(body) = knock.payload else {
            return Err(Refusal::Peer("it can only vouch for a body that is read in full"));
        };
        let target = knock.parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let context =
            peer::verify(&knock.parts.headers, body, target, secret, self.wall.now()).map_err(Refusal::Peer)?;
        Ok(Admission { context, proof: None })
    }

    /// A request without credentials. Any web page can make a browser send one to this machine, so outside S3 (where
    /// pages legitimately fetch) an `Origin` that is not our own is refused.
    fn anonymous(&self, knock: &Knock<'_>, request_id: String) -> Result<Admission, Refusal> {
        match self.mode {
            AuthMode::Verify => Err(Refusal::Missing),
            AuthMode::Open if knock.protocol != Protocol::S3 && host::is_foreign_origin(&knock.parts.headers) => {
                Err(Refusal::ForeignOrigin)
            }
            AuthMode::Open => {
                let region = host::region(canonical::host(knock.parts)).unwrap_or_else(Region::default_region);
                Ok(Admission { context: context(knock.parts, root_of(""), region, request_id), proof: None })
            }
        }
    }
}

/// Unknown keys act as the root of the account that they spell, or of the default account.
fn root_of(access_key: &str) -> Caller {
    let account = AccountId::parse(access_key).unwrap_or_else(AccountId::default_account);
    Caller::new(Principal::Root { account }, access_key)
}

fn context(parts: &Parts, caller: Caller, region: Region, request_id: String) -> CallContext {
    let connection = parts.extensions.get::<Connection>();
    let agent = parts.headers.get(http::header::USER_AGENT);
    CallContext {
        caller,
        region,
        request_id,
        source_ip: connection.map_or_else(|| "127.0.0.1".into(), |connection| connection.peer.ip().to_string()),
        user_agent: agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned()).unwrap_or_default(),
        host: canonical::host(parts).to_owned(),
        secure: connection.is_some_and(|connection| connection.secure),
        via: None,
    }
}

/// S3's form of a request id: sixteen upper-case characters.
pub fn s3_request_id(random: [u8; 16]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHJKMNPQRSTVWXYZ0123456789";
    random.iter().map(|b| char::from(ALPHABET[usize::from(b & 31)])).collect()
}

#[cfg(test)]
mod tests;
