//! `CreateAlias`: a name for a key. Needs permission on the alias and on the key.

use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Deserialize;

use crate::KmsSim;
use crate::authorize::action::{Action, CreateAlias};
use crate::authorize::facts;
use crate::call::Call;
use crate::constraints::{ALIAS_NAME, KEY_ID, Member, needed};
use crate::model::address::AliasAddress;
use crate::model::alias::{ALIASES_PER_KEY, Alias, check_customer_name};
use crate::model::key::Key;
use crate::model::key_ref::KeyRef;
use crate::model::key_state::Use;
use crate::operation::Operation;
use crate::resolve::Found;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct AliasRequest {
    pub(crate) alias_name: String,
    pub(crate) target_key_id: String,
}

impl Operation for CreateAlias {
    const NAME: &'static str = "CreateAlias";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[needed("AliasName", ALIAS_NAME), needed("TargetKeyId", KEY_ID)];
    type Request = AliasRequest;
    type Answer = ();

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: AliasRequest) -> Result<(), KmsError> {
        check_customer_name(&request.alias_name)?;
        let found = find_target::<Self>(kms, call, &request.target_key_id).await?;
        let address = AliasAddress::of_caller(call.ctx, request.alias_name);
        kms.permit::<Self>(call, &address.arn(), &facts::of_call(call.ctx))?;
        let key = kms.ask::<Self>(call, &found).decide()?;
        let _turn = kms.turns.take(&[&address.arn(), &key.arn]).await;
        target_permits(kms, &key)?;
        if kms.registry.alias(&address).is_some() {
            let text = format!("An alias with the name {} already exists", address.arn());
            return Err(KmsError::AlreadyExists(text));
        }
        note_alias(call, &address, &key);
        let now = kms.world.now();
        kms.keep_alias(Alias { address, target: key.address.id.clone(), created: now, updated: now }).await
    }

    fn print(_kms: &KmsSim, (): ()) -> Bytes {
        Bytes::new()
    }
}

/// The key that an alias is to point at: named by id or ARN.
pub(crate) async fn find_target<A: Action>(kms: &KmsSim, call: &Call<'_>, named: &str) -> Result<Found, KmsError> {
    match KeyRef::parse(named)?.is_alias() {
        true => Err(KmsError::Validation("Aliases must refer to keys. Not aliases".into())),
        false => kms.find::<A>(call, named).await,
    }
}

/// Whether one more alias may point at the key, as it is now that its turn has come.
pub(crate) fn target_permits(kms: &KmsSim, key: &Key) -> Result<(), KmsError> {
    let current = kms.registry.key(&key.address).ok_or_else(|| crate::error::no_such_key(&key.arn))?;
    current.permit(Use::Decoration)?;
    if kms.registry.alias_names(&key.address).len() >= ALIASES_PER_KEY {
        return Err(KmsError::LimitExceeded(format!(
            "The maximum number of aliases for the key {} is reached",
            key.arn
        )));
    }
    Ok(())
}

/// The trail lists an alias beside its key.
pub(crate) fn note_alias(call: &mut Call<'_>, alias: &AliasAddress, key: &Key) {
    call.audit.resource(&alias.account, "AWS::KMS::Alias", alias.arn());
    call.changed(key);
}
