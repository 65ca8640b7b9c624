//! `ListKeys`: ids and ARNs of the account's keys in the region, whoever manages them.

use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::KmsSim;
use crate::authorize::action::ListKeys;
use crate::authorize::facts;
use crate::call::Call;
use crate::constraints::{MARKER, Member, Shape, optional};
use crate::operation::{Operation, json};
use crate::page::{List, Paging};

const LIST: List = List { member: "Keys", default_limit: 100 };

const OWNERS: Shape = Shape::List(1, 2, &Shape::Word(&["SELF", "OTHER_ACCOUNTS_VIA_RAM"]));

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ListKeysRequest {
    resource_owners: Option<Vec<String>>,
    #[serde(flatten)]
    paging: Paging,
}

impl Operation for ListKeys {
    const NAME: &'static str = "ListKeys";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] =
        &[optional("Limit", Shape::Number(1, 1000)), optional("Marker", MARKER), optional("ResourceOwners", OWNERS)];
    type Request = ListKeysRequest;
    type Answer = Map<String, Value>;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: ListKeysRequest) -> Result<Map<String, Value>, KmsError> {
        kms.permit::<Self>(call, "*", &facts::of_call(call.ctx))?;
        kms.tick().await;
        // Nobody shares keys through RAM here, so that of the owners only oneself has any.
        let own = request.resource_owners.is_none_or(|owners| owners.iter().any(|owner| owner == "SELF"));
        let keys = if own { kms.registry.keys_of(call.ctx.account(), &call.ctx.region) } else { Vec::new() };
        let entry = |id: &str, arn: &str| json!({"KeyId": id, "KeyArn": arn});
        LIST.page(&request.paging, keys.iter().map(|key| (key.address.id.clone(), entry(&key.address.id, &key.arn))))
    }

    fn print(_kms: &KmsSim, answer: Map<String, Value>) -> Bytes {
        json(&answer)
    }
}
