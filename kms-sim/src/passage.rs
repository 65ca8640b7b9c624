//! What the clock brings about by itself: rotations, and the end of keys whose deletion date has passed.
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
use crate::model::backing_key::{MaterialId, Origin};
use crate::model::key::Key;
use crate::model::key_state::{Happening, KeyState};
use crate::store;

/// One rotation that was done.
struct Rotated {
    origin: Origin,
    at: Timestamp,
    previous: MaterialId,
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
    }

    /// The key as it is now, `None` when it is no more.
    pub(crate) async fn settled(&self, key: Arc<Key>) -> Result<Option<Arc<Key>>, KmsError> {
        if !key.is_due(self.world.now()) {
            return Ok(Some(key));
        }
        // Detached: a caller who hangs up must not stop a rotation between its row and its event.
        let (kms, address) = (self.handle(), key.address.clone());
        let passage = tokio::spawn(async move { kms.settle(&address).await });
        passage.await.unwrap_or_else(|_| Err(KmsError::KmsInternal("The key could not be brought up to date.".into())))
    }

    async fn settle(&self, address: &KeyAddress) -> Result<Option<Arc<Key>>, KmsError> {
        let arn = address.arn();
        let _turn = self.turns.take(&[&arn]).await;
        let now = self.world.now();
        let Some(key) = self.registry.key(address) else { return Ok(None) };
        if key.is_over(now) {
            return self.end(&key).await.map(|()| None);
        }
        // With every HSM wiped there is no new material: the key stays due, and rotates when they are restored.
        if key.is_due(now) && self.hsm.is_available() {
            return self.rotate(Key::clone(&key), now).await.map(Some);
        }
        Ok(Some(key))
    }

    async fn rotate(&self, mut key: Key, now: Timestamp) -> Result<Arc<Key>, KmsError> {
        let mut done = Vec::new();
        while let Some((origin, at)) = key.rotation.due(key.state == KeyState::Enabled, now) {
            let material = self.hsm.new_material(&key.address, at, origin)?;
            done.push(Rotated { origin, at, previous: key.current().id, current: material.id });
            key.materials.push(material);
            key.rotation.done(origin, at);
        }
        let key = self.keep_key(key).await?;
        done.iter().for_each(|rotated| self.tell(&key, "RotateKey", rotated.at, rotation_details(&key, rotated)));
        Ok(key)
    }

    /// The material is destroyed, and with it all that was ever encrypted under it.
    async fn end(&self, key: &Arc<Key>) -> Result<(), KmsError> {
        debug_assert_eq!(key.state.on(Happening::DatePasses), Some(KeyState::Deleted));
        let aliases = self.registry.alias_names(&key.address);
        let grants = self.registry.grants_on(&key.address);
        let address = key.address.clone();
        store::write(&self.store, move |txn| {
            for name in aliases {
                let KeyAddress { account, region, .. } = address.clone();
                store::delete_alias(txn, &AliasAddress { account, region, name })?;
            }
            grants.iter().try_for_each(|grant| store::delete_grant(txn, &address, &grant.id))?;
            store::delete_key(txn, &address)
        })
        .await?;
        self.registry.hide_key(key);
        self.hsm.forget(key);
        self.tell_end(key);
        Ok(())
    }

    fn tell_end(&self, key: &Key) {
        let (custodian, subject) = (self.world.custodian(), key.address.subject());
        custodian.dropped(&subject, Place::Hsm);
        custodian.dropped(&subject, Place::KmsStore);
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

fn rotation_details(key: &Key, rotated: &Rotated) -> Value {
    json!({
        "rotationType": rotated.origin.rotation_type(),
        "keyOrigin": "AWS_KMS",
        "previousKeyMaterialId": rotated.previous.to_string(),
        "currentKeyMaterialId": rotated.current.to_string(),
        "keyId": key.address.id,
    })
}
