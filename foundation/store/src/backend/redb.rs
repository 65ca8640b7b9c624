//! Rows in one redb file. The only module that knows redb.
//!
//! Quick repair keeps the allocator state in every commit: a commit costs a second sync, and a start after `kill -9` costs no
//! walk through the file. The cache is kept at 64 MiB, since redb's default is a gigabyte.

use std::fmt;
use std::path::{Path, PathBuf};

use redb::{Database, DatabaseError, ReadableDatabase, StorageError, TableDefinition, TableError};

use super::Backend;
use crate::batch::{Batch, Change};
use crate::error::StoreError;
use crate::span::Span;

const CACHE_BYTES: usize = 64 << 20;

type Definition<'a> = TableDefinition<'a, &'static str, &'static [u8]>;
type ReadTable = redb::ReadOnlyTable<&'static str, &'static [u8]>;

/// A backend in one file, which it locks.
#[derive(Debug)]
pub struct RedbBackend {
    database: Database,
    path: PathBuf,
}

impl RedbBackend {
    /// Opens the file, or makes it. Fails with [`StoreError::Locked`] when it is open elsewhere and with
    /// [`StoreError::Corrupt`] when it is no sound redb file.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let opened = Database::builder().set_cache_size(CACHE_BYTES).create(path);
        Ok(Self { database: opened.map_err(|e| refused(path, e))?, path: path.into() })
    }

    fn table(&self, name: &str) -> Result<Option<ReadTable>, StoreError> {
        let snapshot = self.database.begin_read().map_err(|e| self.failed(e))?;
        match snapshot.open_table(Definition::new(name)) {
            Ok(table) => Ok(Some(table)),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(e) => Err(self.failed(e)),
        }
    }

    fn failed(&self, error: impl Into<redb::Error>) -> StoreError {
        match error.into() {
            redb::Error::Corrupted(reason) => StoreError::Corrupt { path: self.path.clone(), reason },
            other => StoreError::Backend(describe(&other)),
        }
    }
}

impl Backend for RedbBackend {
    fn get(&self, table: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(table) = self.table(table)? else { return Ok(None) };
        Ok(table.get(key).map_err(|e| self.failed(e))?.map(|bytes| bytes.value().to_vec()))
    }

    fn scan(&self, table: &str, span: Span<'_>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let Some(table) = self.table(table)? else { return Ok(Vec::new()) };
        let mut rows = Vec::new();
        let range = (span.start(), std::ops::Bound::Unbounded);
        for row in table.range::<&str>(range).map_err(|e| self.failed(e))?.take(limit) {
            let (key, bytes) = row.map_err(|e| self.failed(e))?;
            if !span.contains(key.value()) {
                break;
            }
            rows.push((key.value().to_owned(), bytes.value().to_vec()));
        }
        Ok(rows)
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut transaction = self.database.begin_write().map_err(|e| self.failed(e))?;
        transaction.set_quick_repair(true);
        for (name, changes) in batch.tables() {
            let mut table = transaction.open_table(Definition::new(name)).map_err(|e| self.failed(e))?;
            for (key, change) in changes {
                apply(&mut table, key, change).map_err(|e| self.failed(e))?;
            }
        }
        transaction.commit().map_err(|e| self.failed(e))
    }
}

fn apply(
    table: &mut redb::Table<'_, &'static str, &'static [u8]>,
    key: &str,
    change: &Change,
) -> Result<(), StorageError> {
    match change {
        Some(bytes) => table.insert(key, bytes.as_slice()).map(drop),
        None => table.remove(key).map(drop),
    }
}

fn refused(path: &Path, error: DatabaseError) -> StoreError {
    let corrupt = |reason: String| StoreError::Corrupt { path: path.into(), reason };
    match error {
        DatabaseError::DatabaseAlreadyOpen => StoreError::Locked(path.into()),
        DatabaseError::Storage(StorageError::Corrupted(reason)) => corrupt(reason),
        DatabaseError::Storage(StorageError::Io(e)) if e.kind() == std::io::ErrorKind::InvalidData => {
            corrupt(e.to_string())
        }
        DatabaseError::Storage(StorageError::Io(e)) => StoreError::io("opening", path)(e),
        DatabaseError::UpgradeRequired(version) => corrupt(format!("its file format {version} is too old")),
        other => StoreError::Backend(describe(&other)),
    }
}

fn describe(error: &dyn fmt::Display) -> String {
    error.to_string()
}
