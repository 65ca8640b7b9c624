//! `ListKeyPolicies`: always one, called `default`.

use bytes::Bytes;
use kms_api::error::KmsError;
use serde_json::{Map, Value};

use super::list_resource_tags::ListOfKey;
use crate::KmsSim;
use crate::authorize::action::ListKeyPolicies;
use crate::call::Call;
use crate::constraints::{KEY_ID, MARKER, Member, Shape, needed, optional};
use crate::operation::{Operation, json};
use crate::page::List;

const LIST: List = List { member: "PolicyNames", default_limit: 100 };

impl Operation for ListKeyPolicies {
    const NAME: &'static str = "ListKeyPolicies";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] =
        &[needed("KeyId", KEY_ID), optional("Limit", Shape::Number(1, 1000)), optional("Marker", MARKER)];
    type Request = ListOfKey;
    type Answer = Map<String, Value>;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: ListOfKey) -> Result<Map<String, Value>, KmsError> {
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        kms.ask::<Self>(call, &found).decide()?;
        LIST.page(&request.paging, std::iter::once(("default".to_owned(), "default".into())))
    }

    fn print(_kms: &KmsSim, answer: Map<String, Value>) -> Bytes {
        json(&answer)
    }
}
