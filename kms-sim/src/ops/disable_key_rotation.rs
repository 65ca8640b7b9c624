//! `DisableKeyRotation`: no more rotation by schedule; the period is remembered.

use bytes::Bytes;
use kms_api::error::KmsError;

use super::shared::ByKey;
use crate::KmsSim;
use crate::authorize::action::DisableKeyRotation;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, needed};
use crate::model::key_state::Use;
use crate::operation::Operation;

impl Operation for DisableKeyRotation {
    const NAME: &'static str = "DisableKeyRotation";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[needed("KeyId", KEY_ID)];
    type Request = ByKey;
    type Answer = ();

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: ByKey) -> Result<(), KmsError> {
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let key = kms.ask::<Self>(call, &found).decide()?;
        kms.change_shared(&key.address, |key| {
            key.check_rotates_here()?;
            key.permit(Use::RotationChange)?;
            key.rotation.disable();
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
