//! The calls to KMS, in AWS's order. The encryption context binds every one of them to the volume.

use std::collections::BTreeMap;

use aws_core::call::CallContext;
use aws_core::event::Place;
use aws_core::id::{AccountId, Region};
use kms_api::error::KmsError;
use kms_api::shapes::{
    Blob, ContextMap, CreateGrantRequest, DecryptRequest, GenerateDataKeyRequest, GrantConstraints, ReEncryptRequest,
    RetireGrantRequest,
};

use super::identity;
use crate::device::cipher::KeyedCipher;
use crate::model::attachment::KeyGrant;
use crate::model::snapshot::Snapshot;
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

/// A wrapped data key, and what it takes to open it.
pub(crate) struct Locked<'a> {
    account: &'a AccountId,
    region: &'a Region,
    key: &'a WrappedKey,
    /// `aws:ebs:id` of the encryption context.
    bound_to: &'a str,
    /// The ledger's name of the key.
    subject: String,
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
        let locked = Locked::volume(volume, key);
        let made = self.kms().create_grant(&asking, locked.grant_request(instance_id)).await?;
        let grant = KeyGrant { id: made.grant_id, kms_key_arn: key.kms_key_arn.clone() };
        let host = identity::as_host(self.world(), &volume.account, &volume.region, instance_id, request_id);
        match self.open_key(&host, &locked, vec![made.grant_token]).await {
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
            Some(key) => {
                let request_id = self.world().uuid();
                let host = identity::as_host(self.world(), &volume.account, &volume.region, instance_id, request_id);
                self.open_key(&host, &Locked::volume(volume, key), Vec::new()).await
            }
            None => Ok(KeyedCipher::unencrypted()),
        }
    }

    /// The data key of a snapshot, wrapped once more, for a volume made from it. The plaintext does not leave KMS.
    pub(crate) async fn rewrap(
        &self,
        ctx: &CallContext,
        key: &WrappedKey,
        bound_to: &str,
        volume_id: &str,
    ) -> Result<WrappedKey, KmsError> {
        let ctx = identity::as_caller(ctx, false, self.world().uuid());
        let request = ReEncryptRequest {
            ciphertext_blob: Blob(key.blob.clone()),
            source_encryption_context: context(bound_to),
            source_key_id: Some(key.kms_key_arn.clone()),
            destination_key_id: key.kms_key_arn.clone(),
            destination_encryption_context: context(volume_id),
            ..ReEncryptRequest::default()
        };
        let made = self.kms().re_encrypt(&ctx, request).await?;
        Ok(WrappedKey { blob: made.ciphertext_blob.0, kms_key_arn: made.key_id })
    }

    /// A key for as long as a copy takes: CreateGrant as the caller, Decrypt as whoever copies. The grant ends at once,
    /// for nobody has to come back.
    pub(crate) async fn unlock_for_copy(
        &self,
        ctx: &CallContext,
        locked: &Locked<'_>,
        volume_id: &str,
    ) -> Result<KeyedCipher, KeyTrouble> {
        let request_id = self.world().uuid();
        let asking = identity::as_caller(ctx, true, request_id.clone());
        let made = self.kms().create_grant(&asking, locked.grant_request(volume_id)).await?;
        let copier = identity::as_copier(self.world(), locked.account, locked.region, volume_id, request_id);
        let opened = self.open_key(&copier, locked, vec![made.grant_token]).await;
        let grant = KeyGrant { id: made.grant_id, kms_key_arn: locked.key.kms_key_arn.clone() };
        self.retire_for(locked.account, locked.region, volume_id, &grant).await;
        opened
    }

    /// Ends a grant. A detach does not fail for it: the key may have been deleted meanwhile, and the grant with it.
    pub(crate) async fn retire(&self, volume: &Volume, grant: &KeyGrant) {
        self.retire_for(&volume.account, &volume.region, &volume.id, grant).await;
    }

    async fn retire_for(&self, account: &AccountId, region: &Region, volume_id: &str, grant: &KeyGrant) {
        let ctx = identity::as_service(account, region, self.world().uuid());
        let request = RetireGrantRequest {
            key_id: Some(grant.kms_key_arn.clone()),
            grant_id: Some(grant.id.clone()),
            ..RetireGrantRequest::default()
        };
        if let Err(error) = self.kms().retire_grant(&ctx, request).await {
            tracing::warn!(volume = volume_id, code = error.code(), "a grant could not be retired");
        }
    }

    async fn open_key(
        &self,
        ctx: &CallContext,
        locked: &Locked<'_>,
        grant_tokens: Vec<String>,
    ) -> Result<KeyedCipher, KeyTrouble> {
        let request = DecryptRequest {
            ciphertext_blob: Blob(locked.key.blob.clone()),
            encryption_context: context(locked.bound_to),
            grant_tokens,
            ..DecryptRequest::default()
        };
        let custody = self.world().custodian().custody(locked.subject.clone(), Place::HypervisorMemory);
        let opened = self.kms().decrypt(ctx, request, custody).await?;
        Ok(KeyedCipher::expand(opened.plaintext, self.bench().cipher())?)
    }
}

impl<'a> Locked<'a> {
    /// A volume's key.
    pub(crate) fn volume(volume: &'a Volume, key: &'a WrappedKey) -> Self {
        let (account, region) = (&volume.account, &volume.region);
        Self { account, region, key, bound_to: &volume.id, subject: volume.key_subject() }
    }

    /// A snapshot's key, which is bound to the volume that it was taken of.
    pub(crate) fn snapshot(snapshot: &'a Snapshot, key: &'a WrappedKey) -> Self {
        let (account, region) = (&snapshot.account, &snapshot.region);
        Self { account, region, key, bound_to: &snapshot.volume_id, subject: snapshot.key_subject() }
    }

    fn grant_request(&self, session: &str) -> CreateGrantRequest {
        CreateGrantRequest {
            key_id: self.key.kms_key_arn.clone(),
            grantee_principal: identity::grantee(self.account, session),
            retiring_principal: Some(identity::service_name(self.region)),
            operations: vec!["Decrypt".into()],
            constraints: Some(GrantConstraints {
                encryption_context_subset: Some(context(self.bound_to)),
                ..GrantConstraints::default()
            }),
            ..CreateGrantRequest::default()
        }
    }
}

fn context(volume_id: &str) -> ContextMap {
    BTreeMap::from([("aws:ebs:id".into(), volume_id.into())])
}
