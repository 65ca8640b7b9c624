//! `DescribeKey`: metadata. Allowed in every state.

use std::sync::Arc;

use bytes::Bytes;
use kms_api::error::KmsError;
use kms_api::shapes::DescribeKeyRequest;
use serde_json::json;

use crate::KmsSim;
use crate::authorize::action::DescribeKey;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, TOKENS, needed, optional};
use crate::model::key::Key;
use crate::operation::{Operation, json};

impl Operation for DescribeKey {
    const NAME: &'static str = "DescribeKey";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[needed("KeyId", KEY_ID), optional("GrantTokens", TOKENS).secret()];
    type Request = DescribeKeyRequest;
    type Answer = Arc<Key>;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: DescribeKeyRequest) -> Result<Arc<Key>, KmsError> {
        let found = kms.find::<Self>(call, &request.key_id).await?;
        kms.ask::<Self>(call, &found).tokens(&request.grant_tokens).decide()?;
        Ok(found.key)
    }

    fn print(kms: &KmsSim, key: Arc<Key>) -> Bytes {
        json(&json!({"KeyMetadata": kms.metadata(&key)}))
    }
}
