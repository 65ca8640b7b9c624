//! A KMS elsewhere, over AWS JSON 1.1.
//!
//! ```text
//! peer      another process of this simulator: the caller's identity travels in a header under a shared secret, so that
//!           policies, grants and the trail are as in one process
//! foreign   any other endpoint, AWS's own included: calls are signed with this process's own credentials, and grants are
//!           made to, and retired by, that caller; whoever asked us is unknown there
//! ```
//!
//! Deliberately absent: retries. The storage service decides what a KMS that cannot be reached means for its caller.

mod answer;
mod identity;
mod sts;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_core::call::CallContext;
use aws_core::id::Region;
use aws_core::peer::PeerSecret;
use aws_core::time::Clock;
use aws_credential_types::Credentials;
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::answer::Answer;
use self::identity::Identity;
use crate::client::Kms;
use crate::custody::Custody;
use crate::error::KmsError;
use crate::shapes::{
    CreateGrantRequest, CreateGrantResponse, DecryptRequest, DecryptResponse, DescribeKeyRequest,
    GenerateDataKeyRequest, GenerateDataKeyResponse, GenerateDataKeyWithoutPlaintextResponse, KeyMetadata,
    ReEncryptRequest, ReEncryptResponse, RetireGrantRequest,
};

/// In which time a call must be answered.
const CALL_TIME: Duration = Duration::from_secs(10);
/// In which time a connection must stand.
const CONNECT_TIME: Duration = Duration::from_secs(3);
/// Idle connections are given up before the other end (60 s here and at AWS) does it in the middle of a call.
const IDLE_TIME: Duration = Duration::from_secs(30);

/// A KMS behind an endpoint.
pub struct HttpKms {
    client: reqwest::Client,
    endpoint: String,
    identity: Identity,
    wall: Arc<dyn Clock>,
}

impl HttpKms {
    /// Another process of this simulator that holds the same secret. `endpoint` is `http://host:port`.
    pub fn peer(endpoint: &str, secret: Arc<PeerSecret>, wall: Arc<dyn Clock>) -> Result<Self, KmsError> {
        // A peer is on this machine or next to it: a proxy of the environment must not see the identity.
        let client = build(reqwest::Client::builder().no_proxy())?;
        Ok(Self { client, endpoint: trimmed(endpoint), identity: Identity::Peer(secret), wall })
    }

    /// Any other endpoint. `caller_arn` is who `credentials` are there, as [`Self::caller_arn`] finds out.
    pub fn foreign(
        endpoint: &str,
        region: Region,
        credentials: Credentials,
        caller_arn: String,
        wall: Arc<dyn Clock>,
    ) -> Result<Self, KmsError> {
        let client = build(reqwest::Client::builder())?;
        let identity = Identity::Own { region, credentials, caller_arn };
        Ok(Self { client, endpoint: trimmed(endpoint), identity, wall })
    }

    /// Who `credentials` are at the endpoint, by STS GetCallerIdentity: on AWS at STS of the same region, elsewhere on the
    /// same port.
    pub async fn caller_arn(
        endpoint: &str,
        region: &Region,
        credentials: &Credentials,
        wall: &dyn Clock,
    ) -> Result<String, KmsError> {
        let client = build(reqwest::Client::builder())?;
        sts::caller_arn(&client, &sts::endpoint(&trimmed(endpoint), region), region, credentials, wall).await
    }

    /// The sentence for the start-up line: where keys come from, and as whom they are asked for.
    pub fn describe(&self) -> String {
        match &self.identity {
            Identity::Peer(_) => format!("{} (callers keep their identity)", self.endpoint),
            Identity::Own { caller_arn, .. } => {
                format!(
                    "{} (as {caller_arn}: grants are made to it, and callers are not told apart there)",
                    self.endpoint
                )
            }
        }
    }

    async fn send<T: Serialize + Sync>(
        &self,
        ctx: &CallContext,
        operation: &str,
        request: &T,
    ) -> Result<Answer, KmsError> {
        let body = serde_json::to_vec(request).map_err(|error| KmsError::Serialization(error.to_string()))?;
        let target = format!("TrentService.{operation}");
        let headers = self.identity.headers(ctx, &self.endpoint, &target, &body, self.wall.now())?;
        let mut call = self.client.post(format!("{}/", self.endpoint)).header("x-amz-target", &target);
        for (name, value) in headers {
            call = call.header(name, value);
        }
        let sent = call.header("content-type", identity::CONTENT_TYPE).body(body).send().await;
        Answer::read(sent.map_err(|error| answer::unreachable(&self.endpoint, &error))?, &self.endpoint).await
    }

    async fn call<T: Serialize + Sync, R: DeserializeOwned>(
        &self,
        ctx: &CallContext,
        operation: &str,
        request: &T,
    ) -> Result<R, KmsError> {
        self.send(ctx, operation, request).await?.shape()
    }
}

impl fmt::Debug for HttpKms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpKms({})", self.endpoint)
    }
}

fn trimmed(endpoint: &str) -> String {
    endpoint.trim_end_matches('/').to_owned()
}

fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, KmsError> {
    let builder = builder.tcp_nodelay(true).timeout(CALL_TIME).connect_timeout(CONNECT_TIME);
    let client = builder.pool_idle_timeout(IDLE_TIME).build();
    client.map_err(|error| KmsError::KmsInternal(format!("The HTTP client could not be set up: {error}")))
}

#[async_trait]
impl Kms for HttpKms {
    async fn describe_key(&self, ctx: &CallContext, request: DescribeKeyRequest) -> Result<KeyMetadata, KmsError> {
        self.call(ctx, "DescribeKey", &request).await.map(|answer: answer::Described| answer.key_metadata)
    }

    async fn generate_data_key(
        &self,
        ctx: &CallContext,
        request: GenerateDataKeyRequest,
        into: Custody,
    ) -> Result<GenerateDataKeyResponse, KmsError> {
        self.send(ctx, "GenerateDataKey", &request).await?.data_key(into)
    }

    async fn generate_data_key_without_plaintext(
        &self,
        ctx: &CallContext,
        request: GenerateDataKeyRequest,
    ) -> Result<GenerateDataKeyWithoutPlaintextResponse, KmsError> {
        self.call(ctx, "GenerateDataKeyWithoutPlaintext", &request).await
    }

    async fn decrypt(
        &self,
        ctx: &CallContext,
        request: DecryptRequest,
        into: Custody,
    ) -> Result<DecryptResponse, KmsError> {
        self.send(ctx, "Decrypt", &request).await?.decrypted(into)
    }

    async fn re_encrypt(&self, ctx: &CallContext, request: ReEncryptRequest) -> Result<ReEncryptResponse, KmsError> {
        self.call(ctx, "ReEncrypt", &request).await
    }

    async fn create_grant(
        &self,
        ctx: &CallContext,
        mut request: CreateGrantRequest,
    ) -> Result<CreateGrantResponse, KmsError> {
        if let Identity::Own { caller_arn, .. } = &self.identity {
            request.retiring_principal = request.retiring_principal.map(|_| caller_arn.clone());
            request.grantee_principal.clone_from(caller_arn);
        }
        self.call(ctx, "CreateGrant", &request).await
    }

    async fn retire_grant(&self, ctx: &CallContext, request: RetireGrantRequest) -> Result<(), KmsError> {
        self.send(ctx, "RetireGrant", &request).await.map(drop)
    }
}

#[cfg(test)]
mod tests;
