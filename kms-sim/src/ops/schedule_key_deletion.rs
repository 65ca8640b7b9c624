//! `ScheduleKeyDeletion`: the key is unusable at once and gone, with all it ever encrypted, after the waiting period. A
//! primary key waits for its replicas to go first.

use aws_core::time::epoch_seconds;
use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::KmsSim;
use crate::authorize::action::ScheduleKeyDeletion;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, Shape, needed, optional};
use crate::model::key::Key;
use crate::model::key_state::KeyState;
use crate::model::replica::MultiRegion;
use crate::operation::{Operation, json};

const DEFAULT_WINDOW_DAYS: u32 = 30;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ScheduleKeyDeletionRequest {
    key_id: String,
    pending_window_in_days: Option<u32>,
}

impl Operation for ScheduleKeyDeletion {
    const NAME: &'static str = "ScheduleKeyDeletion";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] =
        &[needed("KeyId", KEY_ID), optional("PendingWindowInDays", Shape::Number(7, 30))];
    type Request = ScheduleKeyDeletionRequest;
    type Answer = Value;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: ScheduleKeyDeletionRequest) -> Result<Value, KmsError> {
        let window_days = request.pending_window_in_days.unwrap_or(DEFAULT_WINDOW_DAYS);
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let asking = kms.ask::<Self>(call, &found);
        let key = asking.fact("kms:ScheduleKeyDeletionPendingWindowInDays", window_days.to_string()).decide()?;
        let now = kms.world.now();
        let deletion = kms
            .change(&key.address, |key| match has_replicas(kms, key) {
                true => key.schedule_after_replicas(window_days).map(|()| None),
                false => key.schedule_deletion(window_days, now).map(|deletion| Some(deletion.date)),
            })
            .await?;
        let state = if deletion.is_some() { KeyState::PendingDeletion } else { KeyState::PendingReplicaDeletion };
        let mut shown = json!({"keyId": key.arn, "keyState": state.name(), "pendingWindowInDays": window_days});
        let mut answer = json!({"KeyId": key.arn, "KeyState": state.name(), "PendingWindowInDays": window_days});
        if let Some(date) = deletion {
            shown["deletionDate"] = json!(aws_core::time::iso_seconds(date));
            answer["DeletionDate"] = json!(epoch_seconds(date));
        }
        call.answered(shown);
        Ok(answer)
    }

    fn print(_kms: &KmsSim, answer: Value) -> Bytes {
        json(&answer)
    }
}

/// A primary key outlives its replicas.
fn has_replicas(kms: &KmsSim, key: &Key) -> bool {
    let primary = key.multi_region == Some(MultiRegion::Primary);
    primary && kms.registry.relatives(&key.address).iter().any(|relative| relative.is_replica())
}
