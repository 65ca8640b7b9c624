//! What the clock brings about by itself: the end of transient states, rotations, the expiry of imported material, and
//! the end of keys whose deletion date has passed.
//!
//! Nobody watches the clock. Whoever looks at a key first lets its past happen ([`KmsSim::settled`]); [`KmsSim::tick`]
//! does so for all keys, so that events are not late for long.

use std::sync::Arc;

use aws_core::event::{Event, Place, Resource, ServiceEvent};
use aws_core::time::Timestamp;
use kms_api::error::KmsError;
use serde_json::{Value, json};

use crate::KmsSim;
use crate::model::address::{AliasAddress, KeyAddress};
use crate::model::backing_key::{BackingKey, MaterialId, Origin};
use crate::model::key::{Key, KeyOrigin};
use crate::model::key_state::{Happening, KeyState};
use crate::store;

/// One rotation that was done.
struct Rotated {
    origin: Origin,
    at: Timestamp,
    previous: Option<MaterialId>,
    current: MaterialId,
}

impl KmsSim {
    /// Lets everything happen that the simulated clock has passed. Call it now and then, and whenever the clock was moved.
    pub async fn tick(&self) {
        let now = self.world.now();
        for key in self.registry.all_keys().into_iter().filter(|key| key.is_due(now)) {
            if let Err(error) = self.settled(key).await {
                tracing::error!(%error, "a key could not be brought up to date");
            }
        }
        self.save_usage().await;
    }

    async fn save_usage(&self) {
        let used = self.registry.all_keys().into_iter();
        let unsaved: Vec<_> =
            used.filter_map(|key| Some((key.address.clone(), key.last_usage.take_unsaved()?))).collect();
        if unsaved.is_empty() {
            return;
        }
        let write = move |txn: &mut ::store::Txn<'_>| {
            unsaved.iter().try_for_each(|(key, last)| store::put_usage(txn, key, last))
        };
        if let Err(error) = store::write(&self.store, write).await {
            tracing::error!(%error, "the last use of some keys could not be stored");
        }
    }

    /// The key as it is now, `None` when it is no more.
    pub(crate) async fn settled(&self, key: Arc<Key>) -> Result<Option<Arc<Key>>, KmsError> {
        if !self.is_due(&key, self.world.now()) {
            return Ok(Some(key));
        }
        // Detached: a caller who hangs up must not stop a rotation between its row and its event.
        let (kms, address) = (self.handle(), key.address.clone());
        let passage = tokio::spawn(async move { kms.settle(&address).await });
        passage.await.unwrap_or_else(|_| Err(KmsError::KmsInternal("The key could not be brought up to date.".into())))
    }

    /// Related keys wait for each other: a replica for its primary's rotation, a primary for its last replica's end.
    fn is_due(&self, key: &Key, now: Timestamp) -> bool {
        let relative_is_due = || self.registry.relatives(&key.address).iter().any(|relative| relative.is_due(now));
        key.is_due(now) || (key.multi_region.is_some() && relative_is_due())
    }

    async fn settle(&self, address: &KeyAddress) -> Result<Option<Arc<Key>>, KmsError> {
        let _turn = self.turns.take(&[&address.arn()]).await;
        let now = self.world.now();
        let mut family = self.registry.relatives(address);
        if family.is_empty() {
            family.extend(self.registry.key(address));
        }
        // Replicas first: the end of the last one is the beginning of its primary's waiting period.
        family.sort_by_key(|key| !key.is_replica());
        for member in family {
            self.settle_one(&member.address, now).await?;
        }
        Ok(self.registry.key(address))
    }

    async fn settle_one(&self, address: &KeyAddress, now: Timestamp) -> Result<(), KmsError> {
        let Some(before) = self.registry.key(address).filter(|key| key.is_due(now)) else { return Ok(()) };
        let mut key = Key::clone(&before);
        if let Some(state) = key.returns_to.take() {
            key.state = state;
        }
        let is_over = key.is_over(now);
        let rotated = if is_over { Vec::new() } else { self.rotate(&mut key, now) };
        let until = key.deletion.map_or(now, |deletion| deletion.date.min(now));
        let expired = expire(&mut key, until);
        expired.iter().for_each(|(material, _)| self.hsm.forget(*material));
        let key = self.keep_shared(key).await?;
        self.tell_passage(&key, &rotated, &expired);
        if is_over { self.end(&key).await } else { Ok(()) }
    }

    /// A rotation that needs an HSM stays due while there is none.
    fn rotate(&self, key: &mut Key, now: Timestamp) -> Vec<Rotated> {
        let mut done = Vec::new();
        while let Some((origin, at)) = key.next_rotation(now) {
            let Ok(next) = self.next_material(key, origin, at) else { break };
            key.rotation.done(origin, at);
            let Some(material) = next else { continue };
            let previous = key.materials.last().map(|material| material.id);
            done.push(Rotated { origin, at, previous, current: material.id });
            key.materials.push(material);
        }
        done
    }

    /// What a rotation makes current: new material, or that which was imported for it.
    fn next_material(&self, key: &mut Key, origin: Origin, at: Timestamp) -> Result<Option<BackingKey>, KmsError> {
        match key.origin {
            KeyOrigin::External => Ok(key.pending.take().map(|pending| BackingKey { since: at, origin, ..pending })),
            KeyOrigin::AwsKms | KeyOrigin::CloudHsm | KeyOrigin::ExternalKeyStore => {
                self.hsm.new_material(&key.address, at, origin).map(Some)
            }
        }
    }

    fn tell_passage(&self, key: &Key, rotated: &[Rotated], expired: &[(MaterialId, Timestamp)]) {
        for step in rotated {
            self.tell(key, "RotateKey", step.at, rotation_details(key, step));
            self.tell_synchronized(key, step.at);
        }
        for (material, at) in expired {
            let details = json!({"keyId": key.address.id, "keyMaterialId": material.to_string()});
            self.tell(key, "DeleteExpiredKeyMaterial", *at, details);
        }
        self.tell_absence(key, !expired.is_empty());
    }

    /// The primary key's record of having brought its replicas up to date.
    pub(crate) fn tell_synchronized(&self, key: &Key, at: Timestamp) {
        if self.registry.relatives(&key.address).len() > 1 {
            self.tell(key, "SynchronizeMultiRegionKey", at, json!({"keyId": key.address.id}));
        }
    }

    /// Tells the ledger when the last bytes of imported material are gone.
    pub(crate) fn tell_absence(&self, key: &Key, some_went: bool) {
        let somewhere = |key: &Key| key.all_materials().any(BackingKey::is_present);
        let relatives = self.registry.relatives(&key.address);
        if some_went && !somewhere(key) && !relatives.iter().any(|relative| somewhere(relative)) {
            let (custodian, subject) = (self.world.custodian(), key.address.subject());
            custodian.dropped(&subject, Place::Hsm);
            custodian.dropped(&subject, Place::KmsStore);
        }
    }

    /// The material is destroyed, and with it all that was ever encrypted under it.
    async fn end(&self, key: &Arc<Key>) -> Result<(), KmsError> {
        debug_assert_eq!(key.state.on(Happening::DatePasses), Some(KeyState::Deleted));
        let aliases = self.registry.alias_names(&key.address);
        let grants = self.registry.grants_on(&key.address);
        let address = key.address.clone();
        let bereft = self.bereft_primary(key)?;
        let primary_row = bereft.clone();
        store::write(&self.store, move |txn| {
            primary_row.iter().try_for_each(|primary| store::put_key(txn, primary))?;
            for name in aliases {
                let KeyAddress { account, region, .. } = address.clone();
                store::delete_alias(txn, &AliasAddress { account, region, name })?;
            }
            grants.iter().try_for_each(|grant| store::delete_grant(txn, &address, &grant.id))?;
            store::delete_key(txn, &address)
        })
        .await?;
        self.registry.hide_key(key);
        bereft.into_iter().for_each(|primary| drop(self.registry.show_key(primary)));
        key.all_materials().for_each(|material| self.hsm.forget(material.id));
        self.tell_end(key);
        Ok(())
    }

    /// The primary key whose waiting period begins with the end of `key`, its last replica.
    fn bereft_primary(&self, key: &Key) -> Result<Option<Key>, KmsError> {
        let relatives = self.registry.relatives(&key.address);
        let mut others = relatives.iter().filter(|relative| relative.address != key.address);
        if !key.is_replica() || others.clone().any(|other| other.is_replica()) {
            return Ok(None);
        }
        let Some(mut primary) = others.next().map(|primary| Key::clone(primary)) else { return Ok(None) };
        primary.last_replica_gone(key.deletion.map_or_else(|| self.world.now(), |deletion| deletion.date))?;
        Ok(Some(primary))
    }

    fn tell_end(&self, key: &Key) {
        if self.registry.relatives(&key.address).is_empty() {
            let (custodian, subject) = (self.world.custodian(), key.address.subject());
            custodian.dropped(&subject, Place::Hsm);
            custodian.dropped(&subject, Place::KmsStore);
        }
        let at = key.deletion.map_or_else(|| self.world.now(), |deletion| deletion.date);
        self.tell(key, "DeleteKey", at, json!({"keyId": key.address.id}));
    }

    fn tell(&self, key: &Key, name: &str, time: Timestamp, details: Value) {
        let KeyAddress { account, region, .. } = key.address.clone();
        let resource = Resource { account: account.clone(), kind: "AWS::KMS::Key".into(), arn: key.arn.clone() };
        self.world.sink.emit(Event::Service(Box::new(ServiceEvent {
            ordinal: self.world.sink.next_ordinal(),
            event_id: self.world.uuid(),
            time,
            source: "kms.amazonaws.com".into(),
            name: name.into(),
            account,
            region,
            resources: vec![resource],
            details,
        })));
    }
}

/// Lets go of imported material whose time is over, up to `until`.
fn expire(key: &mut Key, until: Timestamp) -> Vec<(MaterialId, Timestamp)> {
    let over = |material: &BackingKey| material.valid_to.filter(|valid_to| *valid_to <= until);
    let expired: Vec<(MaterialId, Timestamp)> =
        key.all_materials().filter_map(|material| over(material).map(|at| (material.id, at))).collect();
    expired.iter().for_each(|(material, _)| key.lose(*material));
    expired
}

fn rotation_details(key: &Key, rotated: &Rotated) -> Value {
    json!({
        "rotationType": rotated.origin.rotation_type(),
        "keyOrigin": key.origin.name(),
        "previousKeyMaterialId": rotated.previous.map(|material| material.to_string()),
        "currentKeyMaterialId": rotated.current.to_string(),
        "keyId": key.address.id,
    })
}
