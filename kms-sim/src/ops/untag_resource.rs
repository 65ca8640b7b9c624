//! `UntagResource`: takes tags away. Names that are not there are no error.

use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Deserialize;

use crate::KmsSim;
use crate::authorize::action::UntagResource;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, TAG_KEYS, needed};
use crate::model::key_state::Use;
use crate::operation::Operation;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct UntagResourceRequest {
    key_id: String,
    tag_keys: Vec<String>,
}

impl Operation for UntagResource {
    const NAME: &'static str = "UntagResource";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[needed("KeyId", KEY_ID), needed("TagKeys", TAG_KEYS)];
    type Request = UntagResourceRequest;
    type Answer = ();

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: UntagResourceRequest) -> Result<(), KmsError> {
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let names = request.tag_keys.clone();
        let asking = kms.ask::<Self>(call, &found);
        let key = asking.facts(|facts| _ = facts.set_all("aws:TagKeys", names)).decide()?;
        kms.change(&key.address, |key| {
            key.permit(Use::Decoration)?;
            key.tags.retain(|name, _| !request.tag_keys.contains(name));
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
