//! `EnableKeyRotation`: new key material every so many days, counted from now.

use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Deserialize;

use crate::KmsSim;
use crate::authorize::action::EnableKeyRotation;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, Shape, needed, optional};
use crate::model::key::KeyOrigin;
use crate::model::key_state::Use;
use crate::model::rotation::DEFAULT_PERIOD_DAYS;
use crate::operation::Operation;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct EnableKeyRotationRequest {
    key_id: String,
    rotation_period_in_days: Option<u32>,
}

impl Operation for EnableKeyRotation {
    const NAME: &'static str = "EnableKeyRotation";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] =
        &[needed("KeyId", KEY_ID), optional("RotationPeriodInDays", Shape::Number(90, 2560))];
    type Request = EnableKeyRotationRequest;
    type Answer = ();

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: EnableKeyRotationRequest) -> Result<(), KmsError> {
        let period_days = request.rotation_period_in_days;
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let fact = period_days.unwrap_or(DEFAULT_PERIOD_DAYS).to_string();
        let key = kms.ask::<Self>(call, &found).fact("kms:RotationPeriodInDays", fact).decide()?;
        let now = kms.world.now();
        kms.change_shared(&key.address, |key| {
            key.check_rotates()?;
            key.check_rotates_here()?;
            if key.origin != KeyOrigin::AwsKms {
                return Err(KmsError::UnsupportedOperation(None));
            }
            key.permit(Use::RotationChange)?;
            key.rotation.enable(period_days, now);
            Ok(())
        })
        .await?;
        call.changed(&key);
        Ok(())
    }

    fn print(_kms: &KmsSim, (): ()) -> Bytes {
        Bytes::new()
    }
}
