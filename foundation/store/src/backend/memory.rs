//! Rows in memory, for `--ephemeral` and tests: durable as long as the process lives.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock};

use super::Backend;
use crate::batch::Batch;
use crate::error::StoreError;
use crate::span::Span;

type Rows = BTreeMap<String, Vec<u8>>;

/// A backend without a file.
#[derive(Debug, Default)]
pub struct MemoryBackend {
    tables: RwLock<BTreeMap<&'static str, Rows>>,
}

impl Backend for MemoryBackend {
    fn get(&self, table: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        Ok(tables.get(table).and_then(|rows| rows.get(key)).cloned())
    }

    fn scan(&self, table: &str, span: Span<'_>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let Some(rows) = tables.get(table) else { return Ok(Vec::new()) };
        let from_start = rows.range::<str, _>((span.start(), Bound::Unbounded));
        let inside = from_start.take_while(|(key, _)| span.contains(key)).take(limit);
        Ok(inside.map(|(key, bytes)| (key.clone(), bytes.clone())).collect())
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        for (name, changes) in batch.tables() {
            let rows = tables.entry(name).or_default();
            for (key, change) in changes {
                match change {
                    Some(bytes) => rows.insert(key.clone(), bytes.clone()),
                    None => rows.remove(key),
                };
            }
        }
        Ok(())
    }
}
