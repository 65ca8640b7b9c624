//! The tables, in words of the model.

use aws_core::id::{AccountId, Region};
use store::{Span, Store, StoreError, Table, Txn};

use super::rows::{DefaultsRow, InstanceRow, TokenRow, VolumeRow};
use crate::error::EbsError;
use crate::model::defaults::EncryptionDefaults;
use crate::model::instance::Instance;
use crate::model::volume::Volume;

const VOLUMES: Table<VolumeRow> = Table::new("ebs.volumes");
const INSTANCES: Table<InstanceRow> = Table::new("ebs.instances");
const DEFAULTS: Table<DefaultsRow> = Table::new("ebs.defaults");
const TOKENS: Table<TokenRow> = Table::new("ebs.tokens");

/// There is no such row (any more).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

/// The id belongs to another row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken;

/// All rows of EBS.
#[derive(Clone, Debug)]
pub(crate) struct Tables(pub(super) Store);

impl Tables {
    pub(crate) fn new(store: Store) -> Self {
        Self(store)
    }

    pub(crate) fn volume(&self, id: &str) -> Result<Option<Volume>, StoreError> {
        Ok(self.0.get(&VOLUMES, id)?.map(|row| row.into_model(id.into())))
    }

    /// All volumes, in order of their ids.
    pub(crate) fn all_volumes(&self) -> Result<Vec<Volume>, StoreError> {
        let rows = self.0.scan(&VOLUMES, Span::all(), usize::MAX)?;
        Ok(rows.into_iter().map(|(id, row)| row.into_model(id)).collect())
    }

    /// The volumes of one account in one region.
    pub(crate) fn volumes_of(&self, account: &AccountId, region: &Region) -> Result<Vec<Volume>, StoreError> {
        let mut volumes = self.all_volumes()?;
        volumes.retain(|volume| (&volume.account, &volume.region) == (account, region));
        Ok(volumes)
    }

    /// The volumes attached to an instance, in order of their ids.
    pub(crate) fn volumes_on(&self, instance_id: &str) -> Result<Vec<Volume>, StoreError> {
        let mut volumes = self.all_volumes()?;
        volumes.retain(|volume| volume.attachment.as_ref().is_some_and(|a| a.instance_id == instance_id));
        Ok(volumes)
    }

    pub(crate) fn instance(&self, id: &str) -> Result<Option<Instance>, StoreError> {
        Ok(self.0.get(&INSTANCES, id)?.map(|row| row.into_model(id.into())))
    }

    /// The instances of one account in one region, terminated ones included.
    pub(crate) fn instances_of(&self, account: &AccountId, region: &Region) -> Result<Vec<Instance>, StoreError> {
        let rows = self.0.scan(&INSTANCES, Span::all(), usize::MAX)?;
        let instances = rows.into_iter().map(|(id, row)| row.into_model(id));
        Ok(instances.filter(|instance| (&instance.account, &instance.region) == (account, region)).collect())
    }

    pub(crate) fn defaults(&self, account: &AccountId, region: &Region) -> Result<EncryptionDefaults, StoreError> {
        let row = self.0.get(&DEFAULTS, &place(account, region))?;
        Ok(row.map_or_else(EncryptionDefaults::default, DefaultsRow::into_model))
    }

    /// Adds a volume; [`Taken`] when its id is.
    pub(crate) async fn add_volume(&self, volume: Volume) -> Result<Result<(), Taken>, StoreError> {
        self.0.write(move |txn| add(txn, &VOLUMES, &volume.id, &VolumeRow::of(&volume))).await
    }

    /// Adds an instance; [`Taken`] when its id is.
    pub(crate) async fn add_instance(&self, instance: Instance) -> Result<Result<(), Taken>, StoreError> {
        self.0.write(move |txn| add(txn, &INSTANCES, &instance.id, &InstanceRow::of(&instance))).await
    }

    /// Changes a volume as it is at that moment. [`Gone`] when it is not there.
    pub(crate) async fn change_volume(
        &self,
        id: &str,
        change: impl FnOnce(&mut Volume) + Send + 'static,
    ) -> Result<Result<Volume, Gone>, StoreError> {
        let id = id.to_owned();
        self.0
            .write(move |txn| {
                let Some(row) = txn.get(&VOLUMES, &id)? else { return Ok(Err(Gone)) };
                let mut volume = row.into_model(id);
                change(&mut volume);
                txn.put(&VOLUMES, &volume.id, &VolumeRow::of(&volume))?;
                Ok(Ok(volume))
            })
            .await
    }

    /// Changes an instance as it is at that moment. [`Gone`] when it is not there.
    pub(crate) async fn change_instance(
        &self,
        id: &str,
        change: impl FnOnce(&mut Instance) + Send + 'static,
    ) -> Result<Result<Instance, Gone>, StoreError> {
        let id = id.to_owned();
        self.0
            .write(move |txn| {
                let Some(row) = txn.get(&INSTANCES, &id)? else { return Ok(Err(Gone)) };
                let mut instance = row.into_model(id);
                change(&mut instance);
                txn.put(&INSTANCES, &instance.id, &InstanceRow::of(&instance))?;
                Ok(Ok(instance))
            })
            .await
    }

    pub(crate) async fn delete_volume(&self, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.0.write(move |txn| txn.delete(&VOLUMES, &id)).await
    }

    /// Changes the defaults of an account in a region, and answers with what they are now.
    pub(crate) async fn change_defaults(
        &self,
        account: &AccountId,
        region: &Region,
        change: impl FnOnce(&mut EncryptionDefaults) + Send + 'static,
    ) -> Result<EncryptionDefaults, StoreError> {
        let key = place(account, region);
        self.0
            .write(move |txn| {
                let row: Option<DefaultsRow> = txn.get(&DEFAULTS, &key)?;
                let mut defaults = row.map_or_else(EncryptionDefaults::default, DefaultsRow::into_model);
                change(&mut defaults);
                txn.put(&DEFAULTS, &key, &DefaultsRow::of(&defaults))?;
                Ok(defaults)
            })
            .await
    }

    /// What an earlier request with this token made.
    ///
    /// # Errors
    /// [`EbsError::IdempotentParameterMismatch`] when that request asked for something else.
    pub(crate) fn made_before(&self, token: &str, fingerprint: &str) -> Result<Option<Vec<String>>, EbsError> {
        match self.0.get(&TOKENS, token)? {
            Some(row) if row.fingerprint == fingerprint => Ok(Some(row.ids)),
            Some(_) => Err(EbsError::IdempotentParameterMismatch),
            None => Ok(None),
        }
    }

    /// Remembers what a request with this token made.
    pub(crate) async fn remember_token(
        &self,
        token: String,
        fingerprint: String,
        ids: Vec<String>,
    ) -> Result<(), StoreError> {
        self.0.write(move |txn| txn.put(&TOKENS, &token, &TokenRow { fingerprint, ids })).await
    }
}

fn add<V: serde::Serialize + serde::de::DeserializeOwned>(
    txn: &mut Txn<'_>,
    table: &Table<V>,
    id: &str,
    row: &V,
) -> Result<Result<(), Taken>, StoreError> {
    if txn.get(table, id)?.is_some() {
        return Ok(Err(Taken));
    }
    txn.put(table, id, row)?;
    Ok(Ok(()))
}

fn place(account: &AccountId, region: &Region) -> String {
    format!("{account}/{region}")
}
