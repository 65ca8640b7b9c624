//! `CancelKeyDeletion`: takes a key back from its waiting period, disabled.

use bytes::Bytes;
use kms_api::error::KmsError;
use serde_json::{Value, json};

use super::shared::ByKey;
use crate::KmsSim;
use crate::authorize::action::CancelKeyDeletion;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, needed};
use crate::model::key::Key;
use crate::operation::{Operation, json};

impl Operation for CancelKeyDeletion {
    const NAME: &'static str = "CancelKeyDeletion";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[needed("KeyId", KEY_ID)];
    type Request = ByKey;
    type Answer = Value;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: ByKey) -> Result<Value, KmsError> {
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let key = kms.ask::<Self>(call, &found).decide()?;
        kms.change(&key.address, Key::cancel_deletion).await?;
        call.changed(&key);
        Ok(json!({"KeyId": key.arn}))
    }

    fn print(_kms: &KmsSim, answer: Value) -> Bytes {
        json(&answer)
    }
}
