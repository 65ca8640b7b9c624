//! How keys, aliases and grants lie on disk: three tables, and the translation between their rows and the model.
//!
//! ```text
//! kms.keys     ACCOUNT/REGION/KEY-ID             everything about a key, its wrapped material included
//! kms.aliases  ACCOUNT/REGION/alias/NAME         what the alias points at
//! kms.grants   ACCOUNT/REGION/KEY-ID/GRANT-ID    one grant
//! kms.usage    ACCOUNT/REGION/KEY-ID             when the key last did cryptographic work
//! kms.hsm      fleet                             which HSMs are wiped (`fleet`)
//! ```
//!
//! Times are kept in milliseconds, as KMS shows them. A row never holds a plaintext key.

pub(crate) mod fleet;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use aws_core::id::{AccountId, Region};
use aws_core::time::Timestamp;
use kms_api::error::KmsError;
use kms_api::shapes::GrantConstraints;
use serde::{Deserialize, Serialize};
use store::{Span, Store, StoreError, Table, Txn};

use crate::error::Broken;
use crate::model::address::{AliasAddress, KeyAddress};
use crate::model::alias::Alias;
use crate::model::backing_key::{BackingKey, MaterialId, Origin};
use crate::model::grant::{Grant, GrantOperation};
use crate::model::key::{Deletion, Key, KeyManager, KeyOrigin};
use crate::model::key_policy::KeyPolicy;
use crate::model::key_state::KeyState;
use crate::model::key_store::{Backing, Link, Lodging};
use crate::model::last_usage::{LastUsage, LastUse, tracked};
use crate::model::managed::ManagedService;
use crate::model::purpose::{KeySpec, KeyUsage, Purpose};
use crate::model::replica::MultiRegion;
use crate::model::rotation::Rotation;

const KEYS: Table<KeyRow> = Table::new("kms.keys");
const ALIASES: Table<AliasRow> = Table::new("kms.aliases");
const USAGE: Table<UsageRow> = Table::new("kms.usage");
const GRANTS: Table<GrantRow> = Table::new("kms.grants");

#[derive(Serialize, Deserialize)]
struct KeyRow {
    account: AccountId,
    region: Region,
    id: String,
    created: Timestamp,
    description: String,
    /// Alias of the service, for AWS managed keys.
    managed_for: Option<String>,
    state: String,
    deletion: Option<(Timestamp, u32)>,
    materials: Vec<MaterialRow>,
    rotation_period_days: u32,
    next_rotation: Option<Timestamp>,
    rotation_requested: Option<Timestamp>,
    on_demand_count: u32,
    policy: String,
    tags: BTreeMap<String, String>,
    /// Absent from rows of an earlier version, as are those below.
    #[serde(default)]
    origin: Option<String>,
    #[serde(default)]
    lodging: Option<LodgingRow>,
    #[serde(default)]
    spec: Option<String>,
    #[serde(default)]
    usage: Option<String>,
    #[serde(default)]
    multi_region: Option<String>,
    #[serde(default)]
    returns_to: Option<String>,
    #[serde(default)]
    replica_wait_days: Option<u32>,
    #[serde(default)]
    pending: Option<MaterialRow>,
    #[serde(default)]
    policy_principals: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct LodgingRow {
    store: String,
    #[serde(default)]
    cluster: Option<String>,
    #[serde(default)]
    external_key: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct MaterialRow {
    #[serde(with = "serde_bytes")]
    id: Vec<u8>,
    /// Absent while imported material is away.
    #[serde(with = "serde_bytes")]
    wrapped: Option<Vec<u8>>,
    since: Timestamp,
    rotation_type: Option<String>,
    #[serde(default, with = "serde_bytes")]
    public: Option<Vec<u8>>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    valid_to: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct AliasRow {
    account: AccountId,
    region: Region,
    name: String,
    target: String,
    created: Timestamp,
    updated: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct GrantRow {
    account: AccountId,
    region: Region,
    key: String,
    id: String,
    name: Option<String>,
    grantee: String,
    retiring: Option<String>,
    operations: Vec<String>,
    subset: Option<BTreeMap<String, String>>,
    equals: Option<BTreeMap<String, String>>,
    /// Absent from rows of an earlier version, as are those below.
    #[serde(default)]
    source_arn: Option<String>,
    #[serde(default)]
    grantee_is_service: bool,
    #[serde(default)]
    retiring_is_service: bool,
    issuer: String,
    created: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct UsageRow {
    operation: String,
    at: Timestamp,
    event_id: String,
    request_id: String,
}

/// All that is stored, read once when KMS opens.
#[derive(Default)]
pub(crate) struct Everything {
    pub(crate) keys: Vec<Key>,
    pub(crate) aliases: Vec<Alias>,
    pub(crate) grants: Vec<Grant>,
}

/// Reads all rows.
pub(crate) fn load(store: &Store) -> Result<Everything, Broken> {
    Ok(Everything {
        keys: keys(store)?,
        aliases: read(store, &ALIASES, |row| Some(alias_from_row(row)))?,
        grants: read(store, &GRANTS, grant_from_row)?,
    })
}

fn keys(store: &Store) -> Result<Vec<Key>, Broken> {
    let mut keys = read(store, &KEYS, key_from_row)?;
    let mut usage: HashMap<String, UsageRow> = store.scan(&USAGE, Span::all(), usize::MAX)?.into_iter().collect();
    for key in &mut keys {
        // An operation that this version does not know is no use that it can tell of.
        let last = usage.remove(&key.address.row()).and_then(usage_from_row);
        key.last_usage = last.map_or_else(Arc::default, |last| Arc::new(LastUsage::restored(last)));
    }
    Ok(keys)
}

fn read<Row, T>(store: &Store, table: &Table<Row>, translate: impl Fn(Row) -> Option<T>) -> Result<Vec<T>, Broken>
where
    Row: for<'de> Deserialize<'de>,
{
    let rows = store.scan(table, Span::all(), usize::MAX)?;
    rows.into_iter().map(|(name, row)| translate(row).ok_or_else(|| Broken::Row(table.name(), name))).collect()
}

pub(crate) fn put_key(txn: &mut Txn<'_>, key: &Key) -> Result<(), StoreError> {
    txn.put(&KEYS, &key.address.row(), &key_to_row(key))
}

pub(crate) fn put_alias(txn: &mut Txn<'_>, alias: &Alias) -> Result<(), StoreError> {
    txn.put(&ALIASES, &alias.address.row(), &alias_to_row(alias))
}

pub(crate) fn put_grant(txn: &mut Txn<'_>, grant: &Grant) -> Result<(), StoreError> {
    txn.put(&GRANTS, &grant_row_name(&grant.key, &grant.id), &grant_to_row(grant))
}

pub(crate) fn put_usage(txn: &mut Txn<'_>, key: &KeyAddress, last: &LastUse) -> Result<(), StoreError> {
    let LastUse { operation, at, event_id, request_id } = last.clone();
    txn.put(&USAGE, &key.row(), &UsageRow { operation: operation.into(), at, event_id, request_id })
}

fn usage_from_row(row: UsageRow) -> Option<LastUse> {
    let UsageRow { operation, at, event_id, request_id } = row;
    Some(LastUse { operation: tracked(&operation)?, at, event_id, request_id })
}

pub(crate) fn delete_key(txn: &mut Txn<'_>, key: &KeyAddress) -> Result<(), StoreError> {
    txn.delete(&USAGE, &key.row())?;
    txn.delete(&KEYS, &key.row()).map(|_| ())
}

pub(crate) fn delete_alias(txn: &mut Txn<'_>, alias: &AliasAddress) -> Result<(), StoreError> {
    txn.delete(&ALIASES, &alias.row()).map(|_| ())
}

pub(crate) fn delete_grant(txn: &mut Txn<'_>, key: &KeyAddress, id: &str) -> Result<(), StoreError> {
    txn.delete(&GRANTS, &grant_row_name(key, id)).map(|_| ())
}

/// Writes, with KMS's own error for a store that fails.
pub(crate) async fn write(
    store: &Store,
    change: impl FnOnce(&mut Txn<'_>) -> Result<(), StoreError> + Send + 'static,
) -> Result<(), KmsError> {
    let outcome: Result<(), StoreError> = store.write(change).await;
    outcome.map_err(|failure| KmsError::KmsInternal(failure.to_string()))
}

fn grant_row_name(key: &KeyAddress, id: &str) -> String {
    format!("{}/{id}", key.row())
}

fn key_to_row(key: &Key) -> KeyRow {
    let KeyAddress { account, region, id } = key.address.clone();
    KeyRow {
        account,
        region,
        id,
        created: key.created,
        description: key.description.clone(),
        managed_for: match key.manager {
            KeyManager::Customer => None,
            KeyManager::Aws(service) => Some(service.alias().into()),
        },
        state: key.state.name().into(),
        deletion: key.deletion.map(|deletion| (deletion.date, deletion.window_days)),
        materials: key.materials.iter().map(material_to_row).collect(),
        rotation_period_days: key.rotation.period_days,
        next_rotation: key.rotation.next,
        rotation_requested: key.rotation.requested,
        on_demand_count: key.rotation.on_demand_count,
        policy: key.policy.text.to_string(),
        tags: key.tags.clone(),
        origin: Some(key.origin.name().into()),
        lodging: key.lodging.as_ref().map(lodging_to_row),
        spec: Some(key.purpose.spec.name().into()),
        usage: Some(key.purpose.usage.name().into()),
        multi_region: key.multi_region.map(|role| role.name().into()),
        returns_to: key.returns_to.map(|state| state.name().into()),
        replica_wait_days: key.replica_wait_days,
        pending: key.pending.as_ref().map(material_to_row),
        policy_principals: key.policy.principals.clone(),
    }
}

fn key_from_row(row: KeyRow) -> Option<Key> {
    let address = KeyAddress { account: row.account, region: row.region, id: row.id };
    let manager = match row.managed_for {
        None => KeyManager::Customer,
        Some(alias) => KeyManager::Aws(ManagedService::of_alias(&alias)?),
    };
    let materials: Option<Vec<BackingKey>> = row.materials.into_iter().map(material_from_row).collect();
    let origin = optional(row.origin.as_deref(), KeyOrigin::parse)?.unwrap_or(KeyOrigin::AwsKms);
    let spec = optional(row.spec.as_deref(), KeySpec::parse)?.unwrap_or(KeySpec::SymmetricDefault);
    let usage = optional(row.usage.as_deref(), KeyUsage::parse)?;
    let purpose = Purpose::of(spec, usage).ok()?;
    Some(Key {
        arn: address.arn(),
        address,
        created: row.created,
        description: row.description,
        manager,
        purpose,
        state: KeyState::parse(&row.state)?,
        deletion: row.deletion.map(|(date, window_days)| Deletion { date, window_days }),
        origin,
        lodging: optional(row.lodging, lodging_from_row)?,
        multi_region: optional(row.multi_region.as_deref(), MultiRegion::parse)?,
        returns_to: optional(row.returns_to.as_deref(), KeyState::parse)?,
        replica_wait_days: row.replica_wait_days,
        materials: materials.filter(|generations| !generations.is_empty() || origin == KeyOrigin::External)?,
        pending: optional(row.pending, material_from_row)?,
        rotation: Rotation {
            period_days: row.rotation_period_days,
            next: row.next_rotation,
            requested: row.rotation_requested,
            on_demand_count: row.on_demand_count,
        },
        policy: KeyPolicy::parse(&row.policy).ok()?.meaning(row.policy_principals),
        tags: row.tags,
        last_usage: Arc::default(),
    })
}

/// Reads a member that may be absent; one that is there must mean something.
fn optional<A, T>(member: Option<A>, read: impl FnOnce(A) -> Option<T>) -> Option<Option<T>> {
    member.map_or(Some(None), |member| read(member).map(Some))
}

fn lodging_to_row(lodging: &Lodging) -> LodgingRow {
    let store = lodging.store.clone();
    match lodging.backing.clone() {
        Backing::CloudHsm(cluster) => LodgingRow { store, cluster: Some(cluster), external_key: None },
        Backing::External(id) => LodgingRow { store, cluster: None, external_key: Some(id) },
    }
}

/// The link is down until the store is found that the key lives in.
fn lodging_from_row(row: LodgingRow) -> Option<Lodging> {
    let backing = match (row.cluster, row.external_key) {
        (Some(cluster), None) => Backing::CloudHsm(cluster),
        (None, Some(id)) => Backing::External(id),
        (None | Some(_), None | Some(_)) => return None,
    };
    Some(Lodging { store: row.store, backing, link: Link::default() })
}

fn material_to_row(material: &BackingKey) -> MaterialRow {
    MaterialRow {
        id: material.id.0.to_vec(),
        wrapped: material.wrapped.clone(),
        public: material.public.clone(),
        since: material.since,
        rotation_type: material.origin.rotation_type().map(Into::into),
        description: material.description.clone(),
        valid_to: material.valid_to,
    }
}

fn material_from_row(row: MaterialRow) -> Option<BackingKey> {
    Some(BackingKey {
        id: MaterialId(row.id.try_into().ok()?),
        wrapped: row.wrapped,
        public: row.public,
        since: row.since,
        origin: Origin::from_rotation_type(row.rotation_type.as_deref()),
        description: row.description,
        valid_to: row.valid_to,
    })
}

fn alias_to_row(alias: &Alias) -> AliasRow {
    let AliasAddress { account, region, name } = alias.address.clone();
    AliasRow { account, region, name, target: alias.target.clone(), created: alias.created, updated: alias.updated }
}

fn alias_from_row(row: AliasRow) -> Alias {
    let AliasRow { account, region, name, target, created, updated } = row;
    Alias { address: AliasAddress { account, region, name }, target, created, updated }
}

fn grant_to_row(grant: &Grant) -> GrantRow {
    let KeyAddress { account, region, id: key } = grant.key.clone();
    let GrantConstraints { encryption_context_subset, encryption_context_equals } =
        grant.constraints.clone().unwrap_or_default();
    GrantRow {
        account,
        region,
        key,
        id: grant.id.clone(),
        name: grant.name.clone(),
        grantee: grant.grantee.clone(),
        retiring: grant.retiring.clone(),
        operations: grant.operations.iter().map(|operation| operation.name().into()).collect(),
        subset: encryption_context_subset,
        equals: encryption_context_equals,
        source_arn: grant.source_arn.clone(),
        grantee_is_service: grant.grantee_is_service,
        retiring_is_service: grant.retiring_is_service,
        issuer: grant.issuer.clone(),
        created: grant.created,
    }
}

fn grant_from_row(row: GrantRow) -> Option<Grant> {
    let constraints = GrantConstraints { encryption_context_subset: row.subset, encryption_context_equals: row.equals };
    Some(Grant {
        id: row.id,
        key: KeyAddress { account: row.account, region: row.region, id: row.key },
        name: row.name,
        grantee: row.grantee,
        grantee_is_service: row.grantee_is_service,
        retiring: row.retiring,
        retiring_is_service: row.retiring_is_service,
        source_arn: row.source_arn,
        operations: row.operations.iter().map(|name| GrantOperation::parse(name)).collect::<Option<_>>()?,
        constraints: crate::model::grant::meaningful(Some(constraints)),
        issuer: row.issuer,
        created: row.created,
    })
}
