//! `GetKeyRotationStatus`: whether and when the key rotates. Under pending deletion it reports false.

use aws_core::time::epoch_seconds;
use bytes::Bytes;
use kms_api::error::KmsError;
use serde_json::{Value, json};

use super::shared::ByKey;
use crate::KmsSim;
use crate::authorize::action::GetKeyRotationStatus;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, needed};
use crate::model::key::Key;
use crate::model::key_state::KeyState;
use crate::operation::{Operation, json};

impl Operation for GetKeyRotationStatus {
    const NAME: &'static str = "GetKeyRotationStatus";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[needed("KeyId", KEY_ID)];
    type Request = ByKey;
    type Answer = Value;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: ByKey) -> Result<Value, KmsError> {
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let key = kms.ask::<Self>(call, &found).decide()?;
        Ok(status(&key))
    }

    fn print(_kms: &KmsSim, answer: Value) -> Bytes {
        json(&answer)
    }
}

fn status(key: &Key) -> Value {
    let next = key.rotation.next.filter(|_| key.state != KeyState::PendingDeletion);
    let mut status = json!({"KeyRotationEnabled": next.is_some(), "KeyId": key.arn});
    if let Some(next) = next {
        status["RotationPeriodInDays"] = json!(key.rotation.period_days);
        status["NextRotationDate"] = json!(epoch_seconds(next));
    }
    if let Some(requested) = key.rotation.requested {
        status["OnDemandRotationStartDate"] = json!(epoch_seconds(requested));
    }
    status
}
