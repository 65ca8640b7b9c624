//! How anything comes to be different: take the turn, change a copy, make it durable, show it.
//!
//! Whatever fails before the store answers leaves no trace. Whoever reads in between sees the old state.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_core::event::Place;
use aws_core::time::Timestamp;
use kms_api::error::KmsError;
use serde_json::Value;

use crate::KmsSim;
use crate::error::no_such_key;
use crate::model::address::{AliasAddress, KeyAddress};
use crate::model::alias::Alias;
use crate::model::backing_key::{BackingKey, Origin};
use crate::model::key::{Key, KeyManager, KeyOrigin};
use crate::model::key_policy::KeyPolicy;
use crate::model::key_state::KeyState;
use crate::model::managed::ManagedService;
use crate::model::purpose::Purpose;
use crate::model::replica::{MultiRegion, configuration, follow};
use crate::model::rotation::Rotation;
use crate::store;

impl KmsSim {
    /// Changes a key. `edit` sees the newest state, checks it, and changes a copy.
    pub(crate) async fn change<T>(
        &self,
        address: &KeyAddress,
        edit: impl FnOnce(&mut Key) -> Result<T, KmsError>,
    ) -> Result<T, KmsError> {
        let arn = address.arn();
        let _turn = self.turns.take(&[&arn]).await;
        let mut key = Key::clone(&*self.registry.key(address).ok_or_else(|| no_such_key(&arn))?);
        let outcome = edit(&mut key)?;
        self.keep_key(key).await?;
        Ok(outcome)
    }

    /// Changes what related multi-Region keys share, and with it all of them, in one commit. A key of one region is its
    /// only relative. `edit` sees the newest state of the primary key, checks it, and changes a copy.
    pub(crate) async fn change_shared<T>(
        &self,
        address: &KeyAddress,
        edit: impl FnOnce(&mut Key) -> Result<T, KmsError>,
    ) -> Result<T, KmsError> {
        let arn = address.arn();
        let _turn = self.turns.take(&[&arn]).await;
        let mut key = Key::clone(&*self.registry.key(address).ok_or_else(|| no_such_key(&arn))?);
        let outcome = edit(&mut key)?;
        self.keep_shared(key).await?;
        Ok(outcome)
    }

    /// Makes a key durable and shows it, together with its replicas, which follow it. The caller holds its turn.
    pub(crate) async fn keep_shared(&self, key: Key) -> Result<Arc<Key>, KmsError> {
        let mut all = self.replicas_following(&key);
        all.insert(0, key);
        let mut shown = self.keep_keys(all).await?;
        Ok(shown.swap_remove(0))
    }

    fn replicas_following(&self, key: &Key) -> Vec<Key> {
        if key.multi_region != Some(MultiRegion::Primary) {
            return Vec::new();
        }
        let relatives = self.registry.relatives(&key.address);
        let replicas = relatives.iter().filter(|relative| relative.is_replica());
        let following = replicas.map(|replica| {
            let mut replica = Key::clone(replica);
            follow(&mut replica, key);
            replica
        });
        following.collect()
    }

    /// Makes keys durable in one commit, and shows them. The caller holds their turn.
    pub(crate) async fn keep_keys(&self, keys: Vec<Key>) -> Result<Vec<Arc<Key>>, KmsError> {
        let rows = keys.clone();
        store::write(&self.store, move |txn| rows.iter().try_for_each(|key| store::put_key(txn, key))).await?;
        Ok(keys.into_iter().map(|key| self.registry.show_key(key)).collect())
    }

    /// How far the material has come that waits for rotation: whether each related key has it.
    pub(crate) fn pending_state(&self, key: &Key) -> Option<&'static str> {
        let pending = key.pending.as_ref()?;
        let has = |key: &Key| key.pending.as_ref().is_some_and(|own| own.id == pending.id && own.is_present());
        let relatives = self.registry.relatives(&key.address);
        match has(key) && relatives.iter().all(|relative| relative.address == key.address || has(relative)) {
            true => Some("PENDING_ROTATION"),
            false => Some("PENDING_MULTI_REGION_IMPORT_AND_ROTATION"),
        }
    }

    /// Metadata of a key, its relatives in other regions included.
    pub(crate) fn metadata(&self, key: &Key) -> Value {
        let mut metadata = key.metadata();
        if let Some(role) = key.multi_region {
            let relatives = self.registry.relatives(&key.address);
            let relatives: Vec<&Key> = relatives.iter().map(|relative| &**relative).collect();
            metadata["MultiRegionConfiguration"] = configuration(role, &relatives);
        }
        metadata
    }

    /// Makes a key durable and shows it. The caller holds its turn, or is the only one who knows its id.
    pub(crate) async fn keep_key(&self, key: Key) -> Result<Arc<Key>, KmsError> {
        let row = key.clone();
        store::write(&self.store, move |txn| store::put_key(txn, &row)).await?;
        Ok(self.registry.show_key(key))
    }

    /// Makes an alias durable and shows it. The caller holds its turn.
    pub(crate) async fn keep_alias(&self, alias: Alias) -> Result<(), KmsError> {
        let row = alias.clone();
        store::write(&self.store, move |txn| store::put_alias(txn, &row)).await?;
        self.registry.show_alias(alias);
        Ok(())
    }

    /// Tells the ledger of a key: in the clear inside the HSM, wrapped in the store.
    pub(crate) fn announce(&self, key: &Key) {
        if !key.all_materials().any(BackingKey::is_present) {
            return;
        }
        let (custodian, subject) = (self.world.custodian(), key.address.subject());
        if self.hsm.is_available() {
            custodian.placed(&subject, Place::Hsm, aws_core::event::Form::Plaintext);
        }
        custodian.wrapped(&subject, Place::KmsStore, "hsm root");
    }

    /// The AWS managed key of a service, born now if it is not there yet. Runs detached, so that a caller who hangs
    /// up does not leave a key without its alias.
    pub(crate) async fn managed_key(&self, service: ManagedService, alias: AliasAddress) -> Result<Arc<Key>, KmsError> {
        let kms = self.handle();
        let birth = tokio::spawn(async move { kms.bear_managed_key(service, alias).await });
        birth.await.unwrap_or_else(|_| Err(KmsError::KmsInternal("The key could not be created.".into())))
    }

    async fn bear_managed_key(&self, service: ManagedService, address: AliasAddress) -> Result<Arc<Key>, KmsError> {
        let _turn = self.turns.take(&[&address.arn()]).await;
        if let Some(born) = self.registry.alias(&address).and_then(|alias| self.registry.key(&alias.target())) {
            return Ok(born);
        }
        let now = self.world.now();
        let key = self.new_managed_key(service, &address, now)?;
        let alias = Alias { address, target: key.address.id.clone(), created: now, updated: now };
        let (key_row, alias_row) = (key.clone(), alias.clone());
        store::write(&self.store, move |txn| {
            store::put_key(txn, &key_row)?;
            store::put_alias(txn, &alias_row)
        })
        .await?;
        let key = self.registry.show_key(key);
        self.registry.show_alias(alias);
        self.announce(&key);
        Ok(key)
    }

    fn new_managed_key(&self, service: ManagedService, alias: &AliasAddress, now: Timestamp) -> Result<Key, KmsError> {
        let AliasAddress { account, region, .. } = alias.clone();
        let policy = KeyPolicy::managed(service, &account, &region);
        let address = KeyAddress { account, region, id: self.world.uuid() };
        let material = self.hsm.new_material(&address, now, Origin::Creation)?;
        let key = newborn(address, policy, material, now);
        Ok(Key {
            description: service.description().into(),
            manager: KeyManager::Aws(service),
            rotation: Rotation::yearly(now),
            ..key
        })
    }
}

/// An enabled customer key without description or tags.
pub(crate) fn newborn(
    address: KeyAddress,
    policy: KeyPolicy,
    material: impl Into<Option<BackingKey>>,
    now: Timestamp,
) -> Key {
    Key {
        arn: address.arn(),
        address,
        created: now,
        description: String::new(),
        manager: KeyManager::Customer,
        purpose: Purpose::DEFAULT,
        origin: KeyOrigin::AwsKms,
        lodging: None,
        multi_region: None,
        state: KeyState::Enabled,
        returns_to: None,
        deletion: None,
        replica_wait_days: None,
        materials: material.into().into_iter().collect(),
        pending: None,
        rotation: Rotation::default(),
        policy,
        tags: BTreeMap::new(),
        last_usage: Arc::default(),
    }
}
