//! `RevokeGrant`: ends a grant from the side of those who own the key.

use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Deserialize;

use super::shared::{is_for_aws_resource, stop_if_dry};
use crate::KmsSim;
use crate::authorize::action::RevokeGrant;
use crate::call::Call;
use crate::constraints::{GRANT_ID, KEY_ID, Member, Shape, needed, optional};
use crate::model::grant::Grant;
use crate::operation::Operation;
use crate::store;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct RevokeGrantRequest {
    key_id: String,
    grant_id: String,
    dry_run: Option<bool>,
}

impl Operation for RevokeGrant {
    const NAME: &'static str = "RevokeGrant";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] =
        &[needed("KeyId", KEY_ID), needed("GrantId", GRANT_ID), optional("DryRun", Shape::Flag)];
    type Request = RevokeGrantRequest;
    type Answer = ();

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: RevokeGrantRequest) -> Result<(), KmsError> {
        check_grant_id(&request.grant_id)?;
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let for_aws = is_for_aws_resource(call.ctx);
        let key = kms.ask::<Self>(call, &found).fact("kms:GrantIsForAWSResource", for_aws).decide()?;
        let grant = kms.registry.grant(&key.address, &request.grant_id);
        let grant = grant.ok_or_else(|| no_such_grant(&request.grant_id))?;
        stop_if_dry(request.dry_run)?;
        call.changed(&key);
        end_grant(kms, &grant).await
    }

    fn print(_kms: &KmsSim, (): ()) -> Bytes {
        Bytes::new()
    }
}

/// A grant id is 64 hex digits.
pub(crate) fn check_grant_id(id: &str) -> Result<(), KmsError> {
    let fits = id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
    if fits { Ok(()) } else { Err(KmsError::InvalidGrantId(format!("Invalid grant ID: {id}"))) }
}

pub(crate) fn no_such_grant(id: &str) -> KmsError {
    KmsError::NotFound(format!("Grant ID {id} not found"))
}

/// Forgets a grant: durably, and then for readers.
pub(crate) async fn end_grant(kms: &KmsSim, grant: &Grant) -> Result<(), KmsError> {
    let _turn = kms.turns.take(&[&grant.key.arn()]).await;
    let (key, id) = (grant.key.clone(), grant.id.clone());
    store::write(&kms.store, move |txn| store::delete_grant(txn, &key, &id)).await?;
    kms.registry.hide_grant(grant);
    Ok(())
}
