//! The same operations for the services in this process: same tables, same authorization, same events. Plaintext goes
//! into the custody that the service names.

use async_trait::async_trait;
use aws_core::call::CallContext;
use kms_api::client::Kms;
use kms_api::custody::Custody;
use kms_api::error::KmsError;
use kms_api::shapes::{
    Blob, CreateGrantRequest, CreateGrantResponse, DecryptRequest, DecryptResponse, DescribeKeyRequest,
    GenerateDataKeyRequest, GenerateDataKeyResponse, GenerateDataKeyWithoutPlaintextResponse, KeyMetadata,
    ReEncryptRequest, ReEncryptResponse, RetireGrantRequest,
};

use crate::KmsSim;
use crate::authorize::action::{
    CreateGrant, Decrypt, DescribeKey, GenerateDataKey, GenerateDataKeyWithoutPlaintext, RetireGrant,
};
use crate::operation::{adopt, perform, perform_detached};
use crate::ops::re_encrypt::ReEncrypt;

#[async_trait]
impl Kms for KmsSim {
    async fn describe_key(&self, ctx: &CallContext, request: DescribeKeyRequest) -> Result<KeyMetadata, KmsError> {
        perform::<DescribeKey>(self, ctx, adopt(&request)).await.map(|key| key.summary())
    }

    async fn generate_data_key(
        &self,
        ctx: &CallContext,
        request: GenerateDataKeyRequest,
        into: Custody,
    ) -> Result<GenerateDataKeyResponse, KmsError> {
        let answer = perform::<GenerateDataKey>(self, ctx, adopt(&request)).await?;
        Ok(GenerateDataKeyResponse {
            plaintext: into.take(answer.plaintext),
            ciphertext_blob: Blob(answer.sealed),
            key_id: answer.key_arn,
            key_material_id: Some(answer.material.to_string()),
        })
    }

    async fn generate_data_key_without_plaintext(
        &self,
        ctx: &CallContext,
        request: GenerateDataKeyRequest,
    ) -> Result<GenerateDataKeyWithoutPlaintextResponse, KmsError> {
        perform::<GenerateDataKeyWithoutPlaintext>(self, ctx, adopt(&request)).await
    }

    async fn decrypt(
        &self,
        ctx: &CallContext,
        request: DecryptRequest,
        into: Custody,
    ) -> Result<DecryptResponse, KmsError> {
        let answer = perform::<Decrypt>(self, ctx, adopt(&request)).await?;
        Ok(DecryptResponse {
            plaintext: into.take(answer.plaintext),
            key_id: answer.key_arn,
            encryption_algorithm: answer.algorithm,
            key_material_id: answer.material.map(|material| material.to_string()),
        })
    }

    async fn re_encrypt(&self, ctx: &CallContext, request: ReEncryptRequest) -> Result<ReEncryptResponse, KmsError> {
        perform::<ReEncrypt>(self, ctx, adopt(&request)).await
    }

    async fn create_grant(
        &self,
        ctx: &CallContext,
        request: CreateGrantRequest,
    ) -> Result<CreateGrantResponse, KmsError> {
        perform_detached::<CreateGrant>(self.handle(), ctx.clone(), adopt(&request)).await
    }

    async fn retire_grant(&self, ctx: &CallContext, request: RetireGrantRequest) -> Result<(), KmsError> {
        perform_detached::<RetireGrant>(self.handle(), ctx.clone(), adopt(&request)).await
    }
}
