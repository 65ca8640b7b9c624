//! A KMS in another process, and the IAM that stands beside it.
//!
//! Two sse-sim processes that share a secret are one house: the caller's identity travels to the KMS in a signed
//! header (`aws_wire::peer`), and the storage process asks the KMS process who its callers are (`PeerIdentities`), so
//! that policies, grants and the trail are as in one process. Any other endpoint is signed for with this
//! process's own credentials.
//!
//! ```text
//! storage process                              KMS process
//!   Gate ── PeerIdentities ── sealed question ──►  /_sim/peer/identities ── Directory
//!   ebs, s3 ── HttpKms ── KMS call, signed caller header ──►  Gate ── KmsSim
//! ```

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use aws_core::arn::Arn;
use aws_core::id::Region;
use aws_core::identity::{Credential, Identities, IdentityPolicies, NamedPolicy};
use aws_core::policy::document::PolicyDocument;
use aws_core::principal::Caller;
use aws_core::time::{Clock, Timestamp};
use aws_wire::peer::PeerSecret;
use bytes::Bytes;
use envelope::entropy::Entropy;
use envelope::secret::Secret;
use kms_api::client::Kms;
use kms_api::http::HttpKms;
use serde::{Deserialize, Serialize};

use crate::os::{OsEntropy, WallClock};

/// How old a question may be.
const FRESH_SECONDS: i64 = 300;
/// Shortest shared secret, in bytes.
const MIN_SECRET: usize = 16;
/// Where the KMS process answers.
const IDENTITIES_PATH: &str = "/_sim/peer/identities";

/// The secret that two of our processes share.
#[derive(Clone)]
pub struct Peer {
    header_secret: Arc<PeerSecret>,
    sealing_key: Arc<Secret>,
}

impl Peer {
    /// Reads the secret; surrounding white space does not count.
    pub fn from_file(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("reading the shared secret {}", path.display()))?;
        let secret = Secret::copied(text.trim_ascii());
        drop(Secret::new(text));
        if secret.len() < MIN_SECRET {
            bail!(
                "the shared secret in {} is shorter than {MIN_SECRET} bytes; make one with: openssl rand -hex 32",
                path.display()
            );
        }
        let key = Secret::filled(32, |out| {
            envelope::derive::hkdf_sha256(secret.expose(), b"", b"sse-sim peer identities", out);
        });
        Ok(Self { header_secret: Arc::new(PeerSecret::new(secret.expose())), sealing_key: Arc::new(key) })
    }

    /// What signs and checks the caller header.
    pub fn secret(&self) -> Arc<PeerSecret> {
        self.header_secret.clone()
    }

    fn seal<T: Serialize>(&self, aad: &[u8], message: &T) -> anyhow::Result<Vec<u8>> {
        let entropy: &dyn Entropy = &OsEntropy;
        let plain = Secret::new(serde_json::to_vec(message)?);
        Ok(envelope::wrap::wrap(&self.sealing_key, aad, plain.expose(), entropy))
    }

    fn open<T: for<'de> Deserialize<'de>>(&self, aad: &[u8], sealed: &[u8]) -> anyhow::Result<T> {
        let plain = envelope::wrap::unwrap(&self.sealing_key, aad, sealed)
            .map_err(|_| anyhow::anyhow!("the message is not sealed under our shared secret"))?;
        Ok(serde_json::from_slice(plain.expose())?)
    }
}

/// The KMS behind `url`, and the sentence about it for the start-up line.
pub async fn kms(url: &str, peer: Option<&Peer>) -> anyhow::Result<(Arc<dyn Kms>, String)> {
    if let Some(peer) = peer {
        let kms = HttpKms::peer(url, peer.secret(), Arc::new(WallClock))?;
        let line = kms.describe();
        return Ok((Arc::new(kms), line));
    }
    let (credentials, region) = crate::credentials::from_environment()
        .context("calls to another's KMS are signed with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")?;
    let region = Region::parse(&region).with_context(|| format!("{region:?} is no region"))?;
    let arn = HttpKms::caller_arn(url, &region, &credentials, &WallClock)
        .await
        .with_context(|| format!("asking {url} who we are there"))?;
    let kms = HttpKms::foreign(url, region, credentials, arn, Arc::new(WallClock))?;
    let line = kms.describe();
    Ok((Arc::new(kms), line))
}

#[derive(Serialize, Deserialize)]
enum Asked {
    Credential(String),
    Policies(Box<Caller>),
    Exists(Arn),
    UniqueId(Arn),
}

#[derive(Serialize, Deserialize)]
struct Question {
    at: Timestamp,
    asked: Asked,
}

#[derive(Serialize, Deserialize)]
enum Answer {
    Credential(Option<Box<KnownCredential>>),
    Policies(KnownPolicies),
    Exists(bool),
    UniqueId(Option<String>),
}

/// A credential on its way between the two processes, sealed.
#[derive(Serialize, Deserialize)]
struct KnownCredential {
    caller: Caller,
    secret: String,
    session_token: Option<String>,
    expires_at: Option<Timestamp>,
    active: bool,
}

#[derive(Serialize, Deserialize)]
struct KnownPolicies {
    identity: Vec<(String, Arc<PolicyDocument>)>,
    boundary: Option<(String, Arc<PolicyDocument>)>,
    session: Vec<(String, Arc<PolicyDocument>)>,
    tags: Vec<(String, String)>,
}

/// Answers a sealed question out of this process's IAM.
pub fn answer(peer: &Peer, identities: &dyn Identities, sealed: &Bytes) -> anyhow::Result<Vec<u8>> {
    let question: Question = peer.open(b"question", sealed)?;
    let age = WallClock.now().duration_since(question.at).as_secs().abs();
    if age > FRESH_SECONDS {
        bail!("the question is {age} seconds old; the clocks of the two processes must agree");
    }
    let answer = match question.asked {
        Asked::Credential(key) => Answer::Credential(identities.credential(&key).map(|known| Box::new(known.into()))),
        Asked::Policies(caller) => Answer::Policies(identities.policies(&caller).into()),
        Asked::Exists(arn) => Answer::Exists(identities.principal_exists(&arn)),
        Asked::UniqueId(arn) => Answer::UniqueId(identities.unique_id(&arn)),
    };
    // The answer is bound to its question, so that it cannot be passed off as the answer to another.
    peer.seal(sealed, &answer)
}

/// The IAM of the process that runs the shared KMS. When it cannot be reached, nobody gets in.
pub struct PeerIdentities {
    url: String,
    peer: Peer,
    client: reqwest::Client,
}

impl PeerIdentities {
    /// Asks the process behind `kms_url`.
    pub fn new(kms_url: &str, peer: Peer) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(5)).tcp_nodelay(true).build()?;
        Ok(Self { url: format!("{}{IDENTITIES_PATH}", kms_url.trim_end_matches('/')), peer, client })
    }

    /// The port is synchronous, as IAM's reads are local elsewhere; here the worker thread steps aside for a loopback round trip.
    fn ask(&self, asked: Asked) -> anyhow::Result<Answer> {
        let question = self.peer.seal(b"question", &Question { at: WallClock.now(), asked })?;
        let exchange = async {
            let answer = self.client.post(&self.url).body(question.clone()).send().await?.error_for_status()?;
            anyhow::Ok(answer.bytes().await?)
        };
        let sealed = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(exchange))?;
        self.peer.open(&question, &sealed)
    }

    fn unreachable(error: &anyhow::Error) {
        tracing::error!(%error, "the IAM beside the shared KMS does not answer; callers are refused");
    }
}

impl Identities for PeerIdentities {
    fn credential(&self, access_key_id: &str) -> Option<Credential> {
        match self.ask(Asked::Credential(access_key_id.into())) {
            Ok(Answer::Credential(known)) => known.map(|known| (*known).into()),
            Ok(Answer::Policies(_) | Answer::Exists(_) | Answer::UniqueId(_)) => Some(refused(access_key_id)),
            Err(error) => {
                Self::unreachable(&error);
                Some(refused(access_key_id))
            }
        }
    }

    fn policies(&self, caller: &Caller) -> IdentityPolicies {
        match self.ask(Asked::Policies(Box::new(caller.clone()))) {
            Ok(Answer::Policies(known)) => known.into(),
            Ok(Answer::Credential(_) | Answer::Exists(_) | Answer::UniqueId(_)) => IdentityPolicies::default(),
            Err(error) => {
                Self::unreachable(&error);
                IdentityPolicies::default()
            }
        }
    }

    fn principal_exists(&self, arn: &Arn) -> bool {
        matches!(self.ask(Asked::Exists(arn.clone())), Ok(Answer::Exists(true)))
    }

    fn unique_id(&self, arn: &Arn) -> Option<String> {
        match self.ask(Asked::UniqueId(arn.clone())) {
            Ok(Answer::UniqueId(id)) => id,
            Ok(Answer::Credential(_) | Answer::Policies(_) | Answer::Exists(_)) | Err(_) => None,
        }
    }
}

/// A credential that lets nobody in: an unknown key would act as account root in open mode.
fn refused(access_key_id: &str) -> Credential {
    let account = aws_core::id::AccountId::default_account();
    Credential {
        caller: Caller::new(aws_core::principal::Principal::Root { account }, access_key_id),
        secret: String::new(),
        session_token: None,
        expires_at: None,
        active: false,
    }
}

impl From<Credential> for KnownCredential {
    fn from(known: Credential) -> Self {
        let Credential { caller, secret, session_token, expires_at, active } = known;
        Self { caller, secret, session_token, expires_at, active }
    }
}

impl From<KnownCredential> for Credential {
    fn from(known: KnownCredential) -> Self {
        let KnownCredential { caller, secret, session_token, expires_at, active } = known;
        Self { caller, secret, session_token, expires_at, active }
    }
}

impl From<IdentityPolicies> for KnownPolicies {
    fn from(policies: IdentityPolicies) -> Self {
        let plain = |policy: NamedPolicy| (policy.name, policy.document);
        Self {
            identity: policies.identity.into_iter().map(plain).collect(),
            boundary: policies.boundary.map(plain),
            session: policies.session.into_iter().map(plain).collect(),
            tags: policies.tags,
        }
    }
}

impl From<KnownPolicies> for IdentityPolicies {
    fn from(policies: KnownPolicies) -> Self {
        let named = |(name, document)| NamedPolicy { name, document };
        Self {
            identity: policies.identity.into_iter().map(named).collect(),
            boundary: policies.boundary.map(named),
            session: policies.session.into_iter().map(named).collect(),
            tags: policies.tags,
        }
    }
}
