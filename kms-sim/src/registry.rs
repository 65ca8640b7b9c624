//! All keys, aliases and grants in memory, as last made durable. Reads come here; the tables are read once, at the start.
//!
//! A change takes its **turn** (one per key, and per alias), is written to the store, and is shown here once it is
//! durable: see `KmsSim::change`. Whoever reads sees only what a crash would not take back.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use aws_core::id::{AccountId, Region};
use tokio::sync::{Mutex, MutexGuard};

use crate::model::address::{AliasAddress, KeyAddress};
use crate::model::alias::Alias;
use crate::model::backing_key::MaterialId;
use crate::model::grant::Grant;
use crate::model::key::{Key, KeyManager};
use crate::store::Everything;

#[derive(Default)]
pub(crate) struct Registry {
    shown: RwLock<Shown>,
}

#[derive(Default)]
struct Shown {
    keys: BTreeMap<KeyAddress, Arc<Key>>,
    /// Which keys hold a generation of material: one, or several that are related multi-Region keys.
    holders: HashMap<MaterialId, Vec<KeyAddress>>,
    /// Regions of multi-Region keys, by account and id.
    families: HashMap<(AccountId, String), BTreeSet<Region>>,
    /// How many customer managed keys there are, for the quota.
    customer_keys: HashMap<(AccountId, Region), usize>,
    aliases: BTreeMap<AliasAddress, Arc<Alias>>,
    alias_names: HashMap<KeyAddress, BTreeSet<String>>,
    grants: HashMap<KeyAddress, KeyGrants>,
    /// Grants by who may retire them: their keys and ids.
    retirable: HashMap<String, BTreeSet<(KeyAddress, String)>>,
}

/// The grants on one key.
#[derive(Default)]
struct KeyGrants {
    by_id: BTreeMap<String, Arc<Grant>>,
    by_grantee: HashMap<String, BTreeSet<String>>,
}

impl Registry {
    pub(crate) fn new(everything: Everything) -> Self {
        let registry = Self::default();
        everything.keys.into_iter().for_each(|key| drop(registry.show_key(key)));
        everything.aliases.into_iter().for_each(|alias| registry.show_alias(alias));
        everything.grants.into_iter().for_each(|grant| registry.show_grant(grant));
        registry
    }

    fn read(&self) -> RwLockReadGuard<'_, Shown> {
        self.shown.read().expect("no holder of the registry panics")
    }

    fn edit(&self) -> RwLockWriteGuard<'_, Shown> {
        self.shown.write().expect("no holder of the registry panics")
    }

    pub(crate) fn key(&self, address: &KeyAddress) -> Option<Arc<Key>> {
        self.read().keys.get(address).cloned()
    }

    pub(crate) fn all_keys(&self) -> Vec<Arc<Key>> {
        self.read().keys.values().cloned().collect()
    }

    /// Keys of one account and region, in order of their ids.
    pub(crate) fn keys_of(&self, account: &AccountId, region: &Region) -> Vec<Arc<Key>> {
        let first = KeyAddress { account: account.clone(), region: region.clone(), id: String::new() };
        let here = |address: &KeyAddress| address.account == *account && address.region == *region;
        let shown = self.read();
        shown.keys.range(first..).take_while(|(address, _)| here(address)).map(|(_, key)| key.clone()).collect()
    }

    /// How many keys of their own an account has in a region.
    pub(crate) fn customer_keys(&self, account: &AccountId, region: &Region) -> usize {
        self.read().customer_keys.get(&(account.clone(), region.clone())).copied().unwrap_or_default()
    }

    /// The key of a region that holds a generation of material.
    pub(crate) fn holder(&self, material: MaterialId, region: &Region) -> Option<Arc<Key>> {
        let shown = self.read();
        let address = shown.holders.get(&material)?.iter().find(|address| address.region == *region)?;
        shown.keys.get(address).cloned()
    }

    /// The multi-Region keys of this account and id, in order of their regions; the key itself is among them.
    pub(crate) fn relatives(&self, key: &KeyAddress) -> Vec<Arc<Key>> {
        let shown = self.read();
        let regions = shown.families.get(&(key.account.clone(), key.id.clone())).into_iter().flatten();
        let addresses = regions.map(|region| KeyAddress { region: region.clone(), ..key.clone() });
        addresses.filter_map(|address| shown.keys.get(&address).cloned()).collect()
    }

    pub(crate) fn alias(&self, address: &AliasAddress) -> Option<Arc<Alias>> {
        self.read().aliases.get(address).cloned()
    }

    /// Aliases of one account and region, in order of their names.
    pub(crate) fn aliases_of(&self, account: &AccountId, region: &Region) -> Vec<Arc<Alias>> {
        let first = AliasAddress { account: account.clone(), region: region.clone(), name: String::new() };
        let here = |address: &AliasAddress| address.account == *account && address.region == *region;
        let shown = self.read();
        shown.aliases.range(first..).take_while(|(address, _)| here(address)).map(|(_, alias)| alias.clone()).collect()
    }

    /// Names of the aliases that point at a key.
    pub(crate) fn alias_names(&self, key: &KeyAddress) -> Vec<String> {
        self.read().alias_names.get(key).map(|names| names.iter().cloned().collect()).unwrap_or_default()
    }

    pub(crate) fn grant(&self, key: &KeyAddress, id: &str) -> Option<Arc<Grant>> {
        self.read().grants.get(key)?.by_id.get(id).cloned()
    }

    /// Grants on a key, in order of their ids.
    pub(crate) fn grants_on(&self, key: &KeyAddress) -> Vec<Arc<Grant>> {
        self.read().grants.get(key).map(|grants| grants.by_id.values().cloned().collect()).unwrap_or_default()
    }

    pub(crate) fn grant_count(&self, key: &KeyAddress) -> usize {
        self.read().grants.get(key).map_or(0, |grants| grants.by_id.len())
    }

    /// Grants on a key whose grantee has one of these names.
    pub(crate) fn grants_to(&self, key: &KeyAddress, names: &[String]) -> Vec<Arc<Grant>> {
        let shown = self.read();
        let Some(grants) = shown.grants.get(key) else { return Vec::new() };
        let ids = names.iter().filter_map(|name| grants.by_grantee.get(name)).flatten();
        ids.filter_map(|id| grants.by_id.get(id).cloned()).collect()
    }

    /// Grants that a principal of this name may retire, in order of their keys and ids.
    pub(crate) fn grants_retired_by(&self, name: &str) -> Vec<Arc<Grant>> {
        let shown = self.read();
        let places = shown.retirable.get(name).into_iter().flatten();
        places.filter_map(|(key, id)| shown.grants.get(key)?.by_id.get(id).cloned()).collect()
    }

    pub(crate) fn show_key(&self, key: Key) -> Arc<Key> {
        let key = Arc::new(key);
        let mut shown = self.edit();
        for material in &key.materials {
            let holders = shown.holders.entry(material.id).or_default();
            if !holders.contains(&key.address) {
                holders.push(key.address.clone());
            }
        }
        if key.multi_region.is_some() {
            let KeyAddress { account, region, id } = key.address.clone();
            shown.families.entry((account, id)).or_default().insert(region);
        }
        let before = shown.keys.insert(key.address.clone(), key.clone());
        if before.is_none() && key.manager == KeyManager::Customer {
            *shown.customer_keys.entry(home(&key.address)).or_default() += 1;
        }
        key
    }

    /// Forgets a key, its aliases and its grants.
    pub(crate) fn hide_key(&self, key: &Key) {
        let mut shown = self.edit();
        if shown.keys.remove(&key.address).is_some() && key.manager == KeyManager::Customer {
            *shown.customer_keys.entry(home(&key.address)).or_default() -= 1;
        }
        for grant in shown.grants.remove(&key.address).unwrap_or_default().by_id.values() {
            shown.unlist_retirable(grant);
        }
        for material in &key.materials {
            let Some(holders) = shown.holders.get_mut(&material.id) else { continue };
            holders.retain(|holder| *holder != key.address);
            if holders.is_empty() {
                shown.holders.remove(&material.id);
            }
        }
        let KeyAddress { account, region, id } = &key.address;
        let family = (account.clone(), id.clone());
        if let Some(regions) = shown.families.get_mut(&family) {
            regions.remove(region);
            if regions.is_empty() {
                shown.families.remove(&family);
            }
        }
        for name in shown.alias_names.remove(&key.address).unwrap_or_default() {
            shown.aliases.remove(&AliasAddress { account: account.clone(), region: region.clone(), name });
        }
    }

    pub(crate) fn show_alias(&self, alias: Alias) {
        let mut shown = self.edit();
        shown.unlink(&alias.address);
        shown.alias_names.entry(alias.target()).or_default().insert(alias.address.name.clone());
        shown.aliases.insert(alias.address.clone(), Arc::new(alias));
    }

    pub(crate) fn hide_alias(&self, address: &AliasAddress) {
        let mut shown = self.edit();
        shown.unlink(address);
        shown.aliases.remove(address);
    }

    pub(crate) fn show_grant(&self, grant: Grant) {
        let mut shown = self.edit();
        if let Some(retiring) = grant.retiring.clone() {
            shown.retirable.entry(retiring).or_default().insert((grant.key.clone(), grant.id.clone()));
        }
        let grants = shown.grants.entry(grant.key.clone()).or_default();
        grants.by_grantee.entry(grant.grantee.clone()).or_default().insert(grant.id.clone());
        grants.by_id.insert(grant.id.clone(), Arc::new(grant));
    }

    pub(crate) fn hide_grant(&self, grant: &Grant) {
        let mut shown = self.edit();
        shown.unlist_retirable(grant);
        let Some(grants) = shown.grants.get_mut(&grant.key) else { return };
        grants.by_id.remove(&grant.id);
        if let Some(ids) = grants.by_grantee.get_mut(&grant.grantee) {
            ids.remove(&grant.id);
            if ids.is_empty() {
                grants.by_grantee.remove(&grant.grantee);
            }
        }
    }
}

impl Shown {
    fn unlist_retirable(&mut self, grant: &Grant) {
        let Some(retiring) = &grant.retiring else { return };
        if let Some(places) = self.retirable.get_mut(retiring) {
            places.remove(&(grant.key.clone(), grant.id.clone()));
            if places.is_empty() {
                self.retirable.remove(retiring);
            }
        }
    }

    /// Takes an alias off the list of the key that it points at.
    fn unlink(&mut self, address: &AliasAddress) {
        let Some(target) = self.aliases.get(address).map(|alias| alias.target()) else { return };
        if let Some(names) = self.alias_names.get_mut(&target) {
            names.remove(&address.name);
            if names.is_empty() {
                self.alias_names.remove(&target);
            }
        }
    }
}

fn home(key: &KeyAddress) -> (AccountId, Region) {
    (key.account.clone(), key.region.clone())
}

const LANES: usize = 64;

/// Turns: changes to the same key or alias go one after the other; others share a commit. A name hashes to a lane, so
/// that two names may wait for each other without need, which costs little and keeps no list of names.
pub(crate) struct Turns([Mutex<()>; LANES]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl Turns {
    /// Waits for the turn of all names (ARNs). Lanes are taken in order, so that two callers cannot block each other;
    /// a holder must not ask again.
    pub(crate) async fn take(&self, names: &[&str]) -> Vec<MutexGuard<'_, ()>> {
        let lanes: BTreeSet<usize> = names.iter().map(|name| lane(name)).collect();
        let mut held = Vec::with_capacity(lanes.len());
        for lane in lanes {
            held.push(self.0[lane].lock().await);
        }
        held
    }
}

/// Names that differ in their region alone share a lane: related multi-Region keys change together.
fn lane(name: &str) -> usize {
    let mut hasher = DefaultHasher::new();
    let regionless = name.splitn(5, ':').last().unwrap_or(name);
    regionless.hash(&mut hasher);
    hasher.finish() as usize % LANES
}
