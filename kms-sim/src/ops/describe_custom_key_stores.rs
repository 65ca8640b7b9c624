//! `DescribeCustomKeyStores`: all of the account and region, or one, named by id or by name.

use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::KmsSim;
use crate::authorize::action::DescribeCustomKeyStores;
use crate::authorize::facts;
use crate::call::Call;
use crate::constraints::{MARKER, Member, STORE_ID, STORE_NAME, Shape, optional};
use crate::key_stores::not_found;
use crate::operation::{Operation, json};
use crate::page::{List, Paging};

const LIST: List = List { member: "CustomKeyStores", default_limit: 100 };

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DescribeRequest {
    custom_key_store_id: Option<String>,
    custom_key_store_name: Option<String>,
    #[serde(flatten)]
    paging: Paging,
}

impl Operation for DescribeCustomKeyStores {
    const NAME: &'static str = "DescribeCustomKeyStores";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        optional("CustomKeyStoreId", STORE_ID),
        optional("CustomKeyStoreName", STORE_NAME),
        optional("Limit", Shape::Number(1, 1000)),
        optional("Marker", MARKER),
    ];
    type Request = DescribeRequest;
    type Answer = Map<String, Value>;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: DescribeRequest) -> Result<Map<String, Value>, KmsError> {
        kms.permit::<Self>(call, "*", &facts::of_call(call.ctx))?;
        let (id, name) = (request.custom_key_store_id.as_deref(), request.custom_key_store_name.as_deref());
        if id.is_some() && name.is_some() {
            return Err(KmsError::Validation(
                "Specify either CustomKeyStoreId or CustomKeyStoreName, not both.".into(),
            ));
        }
        let mut stores = kms.stores.of_caller(call.ctx);
        stores.retain(|store| id.is_none_or(|id| store.address.id == id) && name.is_none_or(|name| store.name == name));
        if let Some(named) = id.or(name).filter(|_| stores.is_empty()) {
            return Err(not_found(named));
        }
        let mut entries = Vec::new();
        for store in stores {
            let store = kms.settled_store(store).await?;
            entries.push((store.address.id.clone(), store.entry()));
        }
        LIST.page(&request.paging, entries.into_iter())
    }

    fn print(_kms: &KmsSim, answer: Map<String, Value>) -> Bytes {
        json(&answer)
    }
}
