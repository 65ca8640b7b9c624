//! `UpdateKeyDescription`: other words for the same key.

use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Deserialize;

use crate::KmsSim;
use crate::authorize::action::UpdateKeyDescription;
use crate::call::Call;
use crate::constraints::{DESCRIPTION, KEY_ID, Member, needed};
use crate::model::key_state::Use;
use crate::operation::Operation;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct UpdateKeyDescriptionRequest {
    key_id: String,
    description: String,
}

impl Operation for UpdateKeyDescription {
    const NAME: &'static str = "UpdateKeyDescription";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[needed("KeyId", KEY_ID), needed("Description", DESCRIPTION)];
    type Request = UpdateKeyDescriptionRequest;
    type Answer = ();

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: UpdateKeyDescriptionRequest) -> Result<(), KmsError> {
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let key = kms.ask::<Self>(call, &found).decide()?;
        kms.change(&key.address, |key| {
            key.permit(Use::Decoration)?;
            key.description = request.description;
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
