//! `ListKeys`: ids and ARNs of the account's keys in the region, whoever manages them.

use bytes::Bytes;
use kms_api::error::KmsError;
use serde_json::{Map, Value, json};

use crate::KmsSim;
use crate::authorize::action::ListKeys;
use crate::authorize::facts;
use crate::call::Call;
use crate::constraints::{MARKER, Member, Shape, optional};
use crate::operation::{Operation, json};
use crate::page::{List, Paging};

const LIST: List = List { member: "Keys", default_limit: 100 };

impl Operation for ListKeys {
    const NAME: &'static str = "ListKeys";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        optional("Limit", Shape::Number(1, 1000)),
        optional("Marker", MARKER),
        optional("ResourceOwners", Shape::Unserved),
    ];
    type Request = Paging;
    type Answer = Map<String, Value>;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, paging: Paging) -> Result<Map<String, Value>, KmsError> {
        kms.permit::<Self>(call, "*", &facts::of_call(call.ctx))?;
        kms.tick().await;
        let keys = kms.registry.keys_of(call.ctx.account(), &call.ctx.region);
        let entry = |id: &str, arn: &str| json!({"KeyId": id, "KeyArn": arn});
        LIST.page(&paging, keys.iter().map(|key| (key.address.id.clone(), entry(&key.address.id, &key.arn))))
    }

    fn print(_kms: &KmsSim, answer: Map<String, Value>) -> Bytes {
        json(&answer)
    }
}
