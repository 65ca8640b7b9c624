//! `DisableKey`: nobody can use the key until it is enabled. What is decrypted already stays decrypted.

use bytes::Bytes;
use kms_api::error::KmsError;

use super::shared::ByKey;
use crate::KmsSim;
use crate::authorize::action::DisableKey;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, needed};
use crate::model::key_state::Happening;
use crate::operation::Operation;

impl Operation for DisableKey {
    const NAME: &'static str = "DisableKey";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[needed("KeyId", KEY_ID)];
    type Request = ByKey;
    type Answer = ();

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: ByKey) -> Result<(), KmsError> {
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let key = kms.ask::<Self>(call, &found).decide()?;
        kms.change(&key.address, |key| key.happen(Happening::Disable)).await?;
        call.changed(&key);
        Ok(())
    }

    fn print(_kms: &KmsSim, (): ()) -> Bytes {
        Bytes::new()
    }
}
