//! `RotateKeyOnDemand`: asks for new key material now. Done by whoever looks at the key next (`passage`).

use bytes::Bytes;
use kms_api::error::KmsError;
use serde_json::{Value, json};

use super::shared::ByKey;
use crate::KmsSim;
use crate::authorize::action::RotateKeyOnDemand;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, needed};
use crate::model::key::Key;
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
        kms.change(&key.address, |key| {
            key.permit(Use::RotationChange)?;
            check_limit(key)?;
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
