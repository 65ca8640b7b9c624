//! `ListAliases`: of the account and region, or of one key. AWS's own aliases are listed before their keys exist.

use std::collections::BTreeMap;

use aws_core::time::epoch_seconds;
use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::KmsSim;
use crate::authorize::action::ListAliases;
use crate::authorize::facts;
use crate::call::Call;
use crate::constraints::{KEY_ID, MARKER, Member, Shape, optional};
use crate::model::address::AliasAddress;
use crate::model::alias::Alias;
use crate::model::managed::ManagedService;
use crate::operation::{Operation, json};
use crate::page::{List, Paging};

const LIST: List = List { member: "Aliases", default_limit: 50 };

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ListAliasesRequest {
    key_id: Option<String>,
    #[serde(flatten)]
    paging: Paging,
}

impl Operation for ListAliases {
    const NAME: &'static str = "ListAliases";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] =
        &[optional("KeyId", KEY_ID), optional("Limit", Shape::Number(1, 100)), optional("Marker", MARKER)];
    type Request = ListAliasesRequest;
    type Answer = Map<String, Value>;

    async fn run(
        kms: &KmsSim,
        call: &mut Call<'_>,
        request: ListAliasesRequest,
    ) -> Result<Map<String, Value>, KmsError> {
        let target = match &request.key_id {
            Some(named) => Some(kms.find_key::<Self>(call, named).await?.key.address.clone()),
            None => None,
        };
        kms.permit::<Self>(call, "*", &facts::of_call(call.ctx))?;
        kms.tick().await;
        let mut entries = if target.is_none() { unborn(call) } else { BTreeMap::new() };
        let aliases = kms.registry.aliases_of(call.ctx.account(), &call.ctx.region);
        let wanted = aliases.iter().filter(|alias| target.as_ref().is_none_or(|target| alias.target() == *target));
        entries.extend(wanted.map(|alias| (alias.address.name.clone(), entry(alias))));
        LIST.page(&request.paging, entries.into_iter())
    }

    fn print(_kms: &KmsSim, answer: Map<String, Value>) -> Bytes {
        json(&answer)
    }
}

/// The aliases that AWS reserves: names without keys, until a service first needs one.
fn unborn(call: &Call<'_>) -> BTreeMap<String, Value> {
    let names = ManagedService::ALL.into_iter().map(ManagedService::alias);
    names
        .map(|name| {
            let arn = AliasAddress::of_caller(call.ctx, name).arn();
            (name.to_owned(), json!({"AliasName": name, "AliasArn": arn}))
        })
        .collect()
}

fn entry(alias: &Alias) -> Value {
    json!({
        "AliasName": alias.address.name,
        "AliasArn": alias.address.arn(),
        "TargetKeyId": alias.target,
        "CreationDate": epoch_seconds(alias.created),
        "LastUpdatedDate": epoch_seconds(alias.updated),
    })
}
