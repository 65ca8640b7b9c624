//! The trait through which storage asks for keys.

use async_trait::async_trait;
use aws_core::call::CallContext;

use crate::custody::Custody;
use crate::error::KmsError;
use crate::shapes::{
    CreateGrantRequest, CreateGrantResponse, DecryptRequest, DecryptResponse, DescribeKeyRequest,
    GenerateDataKeyRequest, GenerateDataKeyResponse, GenerateDataKeyWithoutPlaintextResponse, KeyMetadata,
    ReEncryptRequest, ReEncryptResponse, RetireGrantRequest,
};

/// The operations of KMS that storage services use, asked as the caller in `ctx`.
///
/// Every call is authorized, audited and counted exactly as if it had come over the wire.
/// Plaintext is only ever delivered into a [`Custody`], so that the ledger knows where it is.
#[async_trait]
pub trait Kms: Send + Sync {
    /// Metadata of a key; names an AWS managed key into being when asked for `alias/aws/…` through its service.
    async fn describe_key(&self, ctx: &CallContext, request: DescribeKeyRequest) -> Result<KeyMetadata, KmsError>;

    /// A new data key, in plaintext and wrapped.
    async fn generate_data_key(
        &self,
        ctx: &CallContext,
        request: GenerateDataKeyRequest,
        into: Custody,
    ) -> Result<GenerateDataKeyResponse, KmsError>;

    /// A new data key, wrapped only.
    async fn generate_data_key_without_plaintext(
        &self,
        ctx: &CallContext,
        request: GenerateDataKeyRequest,
    ) -> Result<GenerateDataKeyWithoutPlaintextResponse, KmsError>;

    /// Opens a wrapped data key.
    async fn decrypt(
        &self,
        ctx: &CallContext,
        request: DecryptRequest,
        into: Custody,
    ) -> Result<DecryptResponse, KmsError>;

    /// Wraps what a blob holds under another key or context; the plaintext does not leave KMS.
    async fn re_encrypt(&self, ctx: &CallContext, request: ReEncryptRequest) -> Result<ReEncryptResponse, KmsError>;

    /// Lets a grantee use a key.
    async fn create_grant(
        &self,
        ctx: &CallContext,
        request: CreateGrantRequest,
    ) -> Result<CreateGrantResponse, KmsError>;

    /// Ends a grant, as its retiring principal.
    async fn retire_grant(&self, ctx: &CallContext, request: RetireGrantRequest) -> Result<(), KmsError>;
}
