//! `DeleteAlias`: forgets a name. The key stays, and is known by its id.

use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Deserialize;

use super::create_alias::note_alias;
use crate::KmsSim;
use crate::authorize::action::DeleteAlias;
use crate::authorize::facts;
use crate::call::Call;
use crate::constraints::{ALIAS_NAME, Member, needed};
use crate::model::address::AliasAddress;
use crate::model::alias::check_customer_name;
use crate::operation::Operation;
use crate::store;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DeleteAliasRequest {
    alias_name: String,
}

impl Operation for DeleteAlias {
    const NAME: &'static str = "DeleteAlias";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[needed("AliasName", ALIAS_NAME)];
    type Request = DeleteAliasRequest;
    type Answer = ();

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: DeleteAliasRequest) -> Result<(), KmsError> {
        check_customer_name(&request.alias_name)?;
        let address = AliasAddress::of_caller(call.ctx, request.alias_name);
        let found = kms.find::<Self>(call, &address.name).await?;
        kms.permit::<Self>(call, &address.arn(), &facts::of_call(call.ctx))?;
        let key = kms.ask::<Self>(call, &found).decide()?;
        let _turn = kms.turns.take(&[&address.arn(), &key.arn]).await;
        note_alias(call, &address, &key);
        let row = address.clone();
        store::write(&kms.store, move |txn| store::delete_alias(txn, &row)).await?;
        kms.registry.hide_alias(&address);
        Ok(())
    }

    fn print(_kms: &KmsSim, (): ()) -> Bytes {
        Bytes::new()
    }
}
