//! `ListResourceTags`: the tags of a key.

use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::KmsSim;
use crate::authorize::action::ListResourceTags;
use crate::call::Call;
use crate::constraints::{KEY_ID, MARKER, Member, Shape, needed, optional};
use crate::operation::{Operation, json};
use crate::page::{List, Paging};

const LIST: List = List { member: "Tags", default_limit: 50 };

/// The request of lists that belong to one key.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ListOfKey {
    pub(crate) key_id: String,
    #[serde(flatten)]
    pub(crate) paging: Paging,
}

impl Operation for ListResourceTags {
    const NAME: &'static str = "ListResourceTags";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] =
        &[needed("KeyId", KEY_ID), optional("Limit", Shape::Number(1, 50)), optional("Marker", MARKER)];
    type Request = ListOfKey;
    type Answer = Map<String, Value>;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: ListOfKey) -> Result<Map<String, Value>, KmsError> {
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let key = kms.ask::<Self>(call, &found).decide()?;
        let entry = |(name, value): (&String, &String)| (name.clone(), json!({"TagKey": name, "TagValue": value}));
        LIST.page(&request.paging, key.tags.iter().map(entry))
    }

    fn print(_kms: &KmsSim, answer: Map<String, Value>) -> Bytes {
        json(&answer)
    }
}
