//! `TagResource`: adds tags, or replaces their values.

use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Deserialize;

use crate::KmsSim;
use crate::authorize::action::TagResource;
use crate::authorize::facts;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, TAGS, needed};
use crate::model::key_state::Use;
use crate::model::tags::{self, Tag};
use crate::operation::Operation;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct TagResourceRequest {
    key_id: String,
    tags: Vec<Tag>,
}

impl Operation for TagResource {
    const NAME: &'static str = "TagResource";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[needed("KeyId", KEY_ID), needed("Tags", TAGS)];
    type Request = TagResourceRequest;
    type Answer = ();

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: TagResourceRequest) -> Result<(), KmsError> {
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let pairs = request.tags.iter().map(|tag| (&*tag.tag_key, &*tag.tag_value));
        let key = kms.ask::<Self>(call, &found).facts(|facts| facts::add_request_tags(facts, pairs)).decide()?;
        tags::check(&request.tags)?;
        kms.change(&key.address, |key| {
            key.permit(Use::Decoration)?;
            tags::add(&mut key.tags, request.tags)
        })
        .await?;
        call.changed(&key);
        Ok(())
    }

    fn print(_kms: &KmsSim, (): ()) -> Bytes {
        Bytes::new()
    }
}
