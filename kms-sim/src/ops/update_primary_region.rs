//! `UpdatePrimaryRegion`: a replica becomes the primary key, and the primary a replica. Both keys must permit it, and
//! both regions keep a record.

use aws_core::call::CallContext;
use aws_core::id::Region;
use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Deserialize;
use serde_json::json;

use super::shared::{elsewhere, region};
use crate::KmsSim;
use crate::authorize::action::UpdatePrimaryRegion;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, REGION, needed};
use crate::error::no_such_key;
use crate::model::address::KeyAddress;
use crate::model::key::Key;
use crate::model::key_state::{KeyState, Use};
use crate::model::replica::MultiRegion;
use crate::operation::Operation;
use crate::resolve::Found;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct UpdatePrimaryRegionRequest {
    key_id: String,
    primary_region: String,
}

impl Operation for UpdatePrimaryRegion {
    const NAME: &'static str = "UpdatePrimaryRegion";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[needed("KeyId", KEY_ID), needed("PrimaryRegion", REGION)];
    type Request = UpdatePrimaryRegionRequest;
    type Answer = ();

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: UpdatePrimaryRegionRequest) -> Result<(), KmsError> {
        let region = region("primaryRegion", &request.primary_region)?;
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let old = kms.ask::<Self>(call, &found).fact("kms:PrimaryRegion", region.as_str()).decide()?;
        old.check_primary()?;
        old.permit(Use::Replication)?;
        if region != old.address.region {
            agree_there(kms, call, &old.address, region.clone()).await?;
            swap(kms, &old.address, region).await?;
        }
        call.changed(&old);
        Ok(())
    }

    fn print(_kms: &KmsSim, (): ()) -> Bytes {
        Bytes::new()
    }
}

/// The part that happens in the region of the new primary key.
async fn agree_there(kms: &KmsSim, call: &Call<'_>, old: &KeyAddress, region: Region) -> Result<(), KmsError> {
    let there = CallContext { region, ..call.ctx.clone() };
    let mut inner = elsewhere(kms, &there, UpdatePrimaryRegion::NAME);
    let outcome = agree(kms, &mut inner, old).await;
    inner.close(&kms.world, outcome.as_ref().err());
    outcome
}

async fn agree(kms: &KmsSim, call: &mut Call<'_>, old: &KeyAddress) -> Result<(), KmsError> {
    let (id, region) = (&old.id, call.ctx.region.clone());
    call.audit.request(json!({"keyId": id, "primaryRegion": region}));
    let new = replica(kms, old, &region)?;
    let asking = kms.ask::<UpdatePrimaryRegion>(call, &Found { key: new, alias: None });
    let new = asking.fact("kms:PrimaryRegion", region.as_str()).decide()?;
    new.permit(Use::Replication)?;
    call.changed(&new);
    Ok(())
}

fn replica(kms: &KmsSim, old: &KeyAddress, region: &Region) -> Result<std::sync::Arc<Key>, KmsError> {
    let address = KeyAddress { region: region.clone(), ..old.clone() };
    kms.registry.key(&address).filter(|key| key.is_replica()).ok_or_else(|| no_such_key(&address.arn()))
}

/// Both are changed in one commit, and are updating until somebody looks again.
async fn swap(kms: &KmsSim, old: &KeyAddress, region: Region) -> Result<(), KmsError> {
    let _turn = kms.turns.take(&[&old.arn()]).await;
    let primary = kms.registry.key(old).ok_or_else(|| no_such_key(&old.arn()))?;
    let replica = replica(kms, old, &region)?;
    primary.check_primary()?;
    primary.permit(Use::Replication)?;
    replica.permit(Use::Replication)?;
    let both = [(primary, MultiRegion::Replica), (replica, MultiRegion::Primary)];
    let updating = both.map(|(key, role)| Key {
        multi_region: Some(role),
        returns_to: Some(key.state),
        state: KeyState::Updating,
        ..Key::clone(&key)
    });
    kms.keep_keys(updating.into()).await.map(drop)
}
