//! What a writer's closure sees: its own changes, over those of the writers before it in the batch, over what is
//! committed. When the closure fails, only its own changes are forgotten.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backend::Backend;
use crate::batch::{Batch, Change};
use crate::error::StoreError;
use crate::span::Span;
use crate::table::Table;

/// A transaction in the making.
pub struct Txn<'a> {
    committed: &'a dyn Backend,
    batch: &'a Batch,
    own: Batch,
}

impl<'a> Txn<'a> {
    pub(crate) fn new(committed: &'a dyn Backend, batch: &'a Batch) -> Self {
        Self { committed, batch, own: Batch::default() }
    }

    pub(crate) fn into_changes(self) -> Batch {
        self.own
    }

    /// One row, or `None`.
    pub fn get<V: DeserializeOwned>(&self, table: &Table<V>, key: &str) -> Result<Option<V>, StoreError> {
        self.bytes(table.name(), key)?.map(|bytes| table.decode(key, &bytes)).transpose()
    }

    /// The first `limit` rows of a span, in key order.
    pub fn scan<V: DeserializeOwned>(
        &self,
        table: &Table<V>,
        span: Span<'_>,
        limit: usize,
    ) -> Result<Vec<(String, V)>, StoreError> {
        let changes: BTreeMap<&String, &Change> =
            self.batch.changes(table.name(), span).chain(self.own.changes(table.name(), span)).collect();
        // At most so many committed rows are hidden by changes; the rest still fill the page.
        let rows = self.committed.scan(table.name(), span, limit.saturating_add(changes.len()))?;
        table.decode_rows(overlaid(rows, &changes, limit))
    }

    /// Writes a row.
    pub fn put<V: Serialize>(&mut self, table: &Table<V>, key: &str, value: &V) -> Result<(), StoreError> {
        self.own.set(table.name(), key, Some(table.encode(value)?));
        Ok(())
    }

    /// Deletes a row; says whether it was there.
    pub fn delete<V>(&mut self, table: &Table<V>, key: &str) -> Result<bool, StoreError> {
        let present = self.bytes(table.name(), key)?.is_some();
        if present {
            self.own.set(table.name(), key, None);
        }
        Ok(present)
    }

    fn bytes(&self, table: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match self.own.change(table, key).or_else(|| self.batch.change(table, key)) {
            Some(change) => Ok(change.clone()),
            None => self.committed.get(table, key),
        }
    }
}

fn overlaid(
    rows: Vec<(String, Vec<u8>)>,
    changes: &BTreeMap<&String, &Change>,
    limit: usize,
) -> Vec<(String, Vec<u8>)> {
    let mut merged: BTreeMap<String, Vec<u8>> = rows.into_iter().collect();
    for (key, change) in changes {
        match change {
            Some(bytes) => merged.insert((*key).clone(), bytes.clone()),
            None => merged.remove(*key),
        };
    }
    merged.into_iter().take(limit).collect()
}
