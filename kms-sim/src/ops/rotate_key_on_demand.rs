//! `RotateKeyOnDemand`: asks for new key material now. Done by whoever looks at the key next (`passage`).

use aws_core::time::{SignedDuration, Timestamp};
use bytes::Bytes;
use kms_api::error::KmsError;
use serde_json::{Value, json};

use super::shared::ByKey;
use crate::KmsSim;
use crate::authorize::action::RotateKeyOnDemand;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, needed};
use crate::model::key::{Key, KeyOrigin};
use crate::model::key_state::Use;
use crate::model::rotation::ON_DEMAND_LIMIT;
use crate::operation::{Operation, json};

impl Operation for RotateKeyOnDemand {
    const NAME: &'static str = "RotateKeyOnDemand";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[needed("KeyId", KEY_ID)];
    type Request = ByKey;
    type Answer = Value;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: ByKey) -> Result<Value, KmsError> {
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let key = kms.ask::<Self>(call, &found).decide()?;
        let now = kms.world.now();
        kms.change_shared(&key.address, |key| {
            key.check_rotates()?;
            key.check_rotates_here()?;
            key.permit(Use::RotationChange)?;
            check_limit(key)?;
            check_schedule(key, now)?;
            check_imported(kms, key)?;
            key.rotation.demand(now);
            Ok(())
        })
        .await?;
        call.changed(&key);
        Ok(json!({"KeyId": key.arn}))
    }

    fn print(_kms: &KmsSim, answer: Value) -> Bytes {
        json(&answer)
    }
}

fn check_limit(key: &Key) -> Result<(), KmsError> {
    if key.rotation.on_demand_count < ON_DEMAND_LIMIT {
        return Ok(());
    }
    Err(KmsError::LimitExceeded(format!(
        "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be \
         performed for this key: {}",
        key.arn
    )))
}

/// Shortly before a rotation by schedule, another one on demand would only get in its way.
fn check_schedule(key: &Key, now: Timestamp) -> Result<(), KmsError> {
    let near = SignedDuration::from_mins(20);
    match key.rotation.next {
        Some(next) if next.duration_since(now) <= near => Err(KmsError::Conflict(format!(
            "An automatic rotation of the key {} is in progress or scheduled to begin within the next 20 minutes.",
            key.arn
        ))),
        Some(_) | None => Ok(()),
    }
}

/// Imported material is rotated to what was imported for it: here, and in every region where the key has a replica.
fn check_imported(kms: &KmsSim, key: &Key) -> Result<(), KmsError> {
    if key.origin != KeyOrigin::External || key.rotation.requested.is_some() {
        return Ok(());
    }
    match kms.pending_state(key) {
        Some("PENDING_ROTATION") => Ok(()),
        Some(_) | None => Err(KmsError::KmsInvalidState(format!(
            "No available key material pending rotation for the key: {}.",
            key.arn
        ))),
    }
}
