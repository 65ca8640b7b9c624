//! The calls to KMS, in AWS's order. The encryption context binds every one of them to the volume.

use std::collections::BTreeMap;

use aws_core::call::CallContext;
use aws_core::event::Place;
use kms_api::error::KmsError;
use kms_api::shapes::{
    Blob, ContextMap, CreateGrantRequest, DecryptRequest, GenerateDataKeyRequest, GrantConstraints, RetireGrantRequest,
};

use super::identity;
use crate::device::cipher::KeyedCipher;
use crate::model::attachment::KeyGrant;
use crate::model::volume::{Volume, WrappedKey};
use crate::sim::EbsSim;

/// Bytes of a volume's data key: two AES-256 keys.
const DATA_KEY_BYTES: i64 = 64;

/// Why a volume's key cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyTrouble {
    /// KMS refused. The trail has the call.
    #[error("{code}: {0}", code = .0.code())]
    Refused(#[from] KmsError),
    /// KMS agreed, and the key is none, or no memory could be locked for it.
    #[error(transparent)]
    Cipher(#[from] envelope::xts::CipherError),
}

/// A volume's cipher, and the grant through which the key came.
pub(crate) struct Unlocked {
    pub(crate) cipher: KeyedCipher,
    pub(crate) grant: Option<KeyGrant>,
}

impl EbsSim {
    /// A new volume's data key: KMS makes 64 bytes and hands out only their wrapped form.
    pub(crate) async fn new_data_key(
        &self,
        ctx: &CallContext,
        volume_id: &str,
        kms_key: String,
    ) -> Result<WrappedKey, KmsError> {
        let ctx = identity::as_caller(ctx, false, self.world().uuid());
        let request = GenerateDataKeyRequest {
            key_id: kms_key,
            encryption_context: context(volume_id),
            number_of_bytes: Some(DATA_KEY_BYTES),
            ..GenerateDataKeyRequest::default()
        };
        let made = self.kms().generate_data_key_without_plaintext(&ctx, request).await?;
        Ok(WrappedKey { blob: made.ciphertext_blob.0, kms_key_arn: made.key_id })
    }

    /// CreateGrant as the caller, then Decrypt as the host, both under one request id. If the second fails, the grant
    /// is taken back.
    pub(crate) async fn unlock(
        &self,
        ctx: &CallContext,
        volume: &Volume,
        instance_id: &str,
    ) -> Result<Unlocked, KeyTrouble> {
        let Some(key) = &volume.key else {
            return Ok(Unlocked { cipher: KeyedCipher::unencrypted(), grant: None });
        };
        let request_id = self.world().uuid();
        let asking = identity::as_caller(ctx, true, request_id.clone());
        let made = self.kms().create_grant(&asking, grant_request(volume, key, instance_id)).await?;
        let grant = KeyGrant { id: made.grant_id, kms_key_arn: key.kms_key_arn.clone() };
        match self.open_key(volume, key, instance_id, request_id, vec![made.grant_token]).await {
            Ok(cipher) => Ok(Unlocked { cipher, grant: Some(grant) }),
            Err(trouble) => {
                self.retire(volume, &grant).await;
                Err(trouble)
            }
        }
    }

    /// Decrypt through a grant that exists: a host that comes back.
    pub(crate) async fn unlock_again(&self, volume: &Volume, instance_id: &str) -> Result<KeyedCipher, KeyTrouble> {
        match &volume.key {
            Some(key) => self.open_key(volume, key, instance_id, self.world().uuid(), Vec::new()).await,
            None => Ok(KeyedCipher::unencrypted()),
        }
    }

    /// Ends a grant. A detach does not fail for it: the key may have been deleted meanwhile, and the grant with it.
    pub(crate) async fn retire(&self, volume: &Volume, grant: &KeyGrant) {
        let ctx = identity::as_service(&volume.account, &volume.region, self.world().uuid());
        let request = RetireGrantRequest {
            key_id: Some(grant.kms_key_arn.clone()),
            grant_id: Some(grant.id.clone()),
            ..RetireGrantRequest::default()
        };
        if let Err(error) = self.kms().retire_grant(&ctx, request).await {
            tracing::warn!(volume = volume.id, code = error.code(), "a grant could not be retired");
        }
    }

    async fn open_key(
        &self,
        volume: &Volume,
        key: &WrappedKey,
        instance_id: &str,
        request_id: String,
        grant_tokens: Vec<String>,
    ) -> Result<KeyedCipher, KeyTrouble> {
        let ctx = identity::as_host(self.world(), &volume.account, &volume.region, instance_id, request_id);
        let request = DecryptRequest {
            ciphertext_blob: Blob(key.blob.clone()),
            encryption_context: context(&volume.id),
            grant_tokens,
            ..DecryptRequest::default()
        };
        let custody = self.world().custodian().custody(volume.key_subject(), Place::HypervisorMemory);
        let opened = self.kms().decrypt(&ctx, request, custody).await?;
        Ok(KeyedCipher::expand(opened.plaintext, self.bench().cipher())?)
    }
}

fn grant_request(volume: &Volume, key: &WrappedKey, instance_id: &str) -> CreateGrantRequest {
    CreateGrantRequest {
        key_id: key.kms_key_arn.clone(),
        grantee_principal: identity::grantee(&volume.account, instance_id),
        retiring_principal: Some(identity::service_name(&volume.region)),
        operations: vec!["Decrypt".into()],
        constraints: Some(GrantConstraints {
            encryption_context_subset: Some(context(&volume.id)),
            ..GrantConstraints::default()
        }),
        ..CreateGrantRequest::default()
    }
}

fn context(volume_id: &str) -> ContextMap {
    BTreeMap::from([("aws:ebs:id".into(), volume_id.into())])
}
