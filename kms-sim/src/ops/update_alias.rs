//! `UpdateAlias`: points a name at another key. Needs permission on the alias and on both keys.

use bytes::Bytes;
use kms_api::error::KmsError;

use super::create_alias::{AliasRequest, find_target, note_alias, target_permits};
use crate::KmsSim;
use crate::authorize::action::UpdateAlias;
use crate::authorize::facts;
use crate::call::Call;
use crate::constraints::{ALIAS_NAME, KEY_ID, Member, needed};
use crate::error::no_such_alias;
use crate::model::address::AliasAddress;
use crate::model::alias::{Alias, check_customer_name};
use crate::model::key::Key;
use crate::operation::Operation;

impl Operation for UpdateAlias {
    const NAME: &'static str = "UpdateAlias";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[needed("AliasName", ALIAS_NAME), needed("TargetKeyId", KEY_ID)];
    type Request = AliasRequest;
    type Answer = ();

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: AliasRequest) -> Result<(), KmsError> {
        check_customer_name(&request.alias_name)?;
        let address = AliasAddress::of_caller(call.ctx, request.alias_name);
        let found = find_target::<Self>(kms, call, &request.target_key_id).await?;
        let old = kms.find::<Self>(call, &address.name).await?;
        kms.permit::<Self>(call, &address.arn(), &facts::of_call(call.ctx))?;
        let old = kms.ask::<Self>(call, &old).decide()?;
        let key = kms.ask::<Self>(call, &found).decide()?;
        check_same_kind(&address, &old, &key)?;
        let _turn = kms.turns.take(&[&address.arn(), &old.arn, &key.arn]).await;
        target_permits(kms, &key)?;
        let alias = kms.registry.alias(&address).ok_or_else(|| no_such_alias(&address.arn()))?;
        if alias.target() != old.address {
            return Err(KmsError::Conflict(format!("The alias {} was changed meanwhile", address.arn())));
        }
        note_alias(call, &address, &key);
        let updated = kms.world.now();
        kms.keep_alias(Alias { target: key.address.id.clone(), updated, ..Alias::clone(&alias) }).await
    }

    fn print(_kms: &KmsSim, (): ()) -> Bytes {
        Bytes::new()
    }
}

/// Whoever uses the alias must find a key that does the same things.
fn check_same_kind(address: &AliasAddress, old: &Key, new: &Key) -> Result<(), KmsError> {
    let kind = |key: &Key| (key.purpose.usage, key.purpose.is_asymmetric());
    match kind(old) == kind(new) {
        true => Ok(()),
        false => Err(KmsError::Validation(format!(
            "Alias {} cannot be changed: the current and the new KMS key must be of the same type and the same key \
             usage.",
            address.arn()
        ))),
    }
}
