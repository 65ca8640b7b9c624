//! Snapshots and their maps, in words of the model. What an upload writes, it writes from a thread of its own, hence
//! the blocking ones.

use std::collections::BTreeMap;

use aws_core::id::{AccountId, Region};
use aws_core::time::Timestamp;
use store::{Span, StoreError, Table, Txn};

use super::snapshot_rows::{SegmentRow, SnapshotRow, names, segments};
use super::tables::{Gone, Tables, Taken};
use crate::model::snapshot::{Snapshot, SnapshotState};
use crate::snapshots::map::ChunkMap;

const SNAPSHOTS: Table<SnapshotRow> = Table::new("ebs.snapshots");
const CHUNKS: Table<SegmentRow> = Table::new("ebs.chunks");

impl Tables {
    pub(crate) fn snapshot(&self, id: &str) -> Result<Option<Snapshot>, StoreError> {
        Ok(self.0.get(&SNAPSHOTS, id)?.map(|row| row.into_model(id.into())))
    }

    /// All snapshots, in order of their ids.
    pub(crate) fn all_snapshots(&self) -> Result<Vec<Snapshot>, StoreError> {
        let rows = self.0.scan(&SNAPSHOTS, Span::all(), usize::MAX)?;
        Ok(rows.into_iter().map(|(id, row)| row.into_model(id)).collect())
    }

    /// The snapshots of one account in one region.
    pub(crate) fn snapshots_of(&self, account: &AccountId, region: &Region) -> Result<Vec<Snapshot>, StoreError> {
        let mut snapshots = self.all_snapshots()?;
        snapshots.retain(|snapshot| (&snapshot.account, &snapshot.region) == (account, region));
        Ok(snapshots)
    }

    /// A snapshot's map: empty unless it is completed.
    pub(crate) fn chunk_map(&self, id: &str) -> Result<ChunkMap, StoreError> {
        let rows = self.0.scan(&CHUNKS, Span::prefix(&prefix(id)), usize::MAX)?;
        joined(rows)
    }

    /// Adds several snapshots, all or none.
    pub(crate) async fn add_snapshots(&self, snapshots: Vec<Snapshot>) -> Result<Result<(), Taken>, StoreError> {
        self.0
            .write(move |txn| {
                for snapshot in &snapshots {
                    if txn.get(&SNAPSHOTS, &snapshot.id)?.is_some() {
                        return Ok(Err(Taken));
                    }
                }
                for snapshot in &snapshots {
                    txn.put(&SNAPSHOTS, &snapshot.id, &SnapshotRow::of(snapshot))?;
                }
                Ok(Ok(()))
            })
            .await
    }

    /// Changes a snapshot as it is at that moment. [`Gone`] when it is not there.
    pub(crate) async fn change_snapshot(
        &self,
        id: &str,
        change: impl FnOnce(&mut Snapshot) + Send + 'static,
    ) -> Result<Result<(), Gone>, StoreError> {
        let id = id.to_owned();
        self.0.write(move |txn| changed(txn, id, change)).await
    }

    /// As [`Self::change_snapshot`], from a thread that may block.
    pub(crate) fn change_snapshot_blocking(
        &self,
        id: &str,
        change: impl FnOnce(&mut Snapshot) + Send + 'static,
    ) -> Result<Result<(), Gone>, StoreError> {
        let id = id.to_owned();
        self.0.write_blocking(move |txn| changed(txn, id, change))
    }

    /// The moment a snapshot becomes whole: map and state in one commit. [`Gone`] when it is not pending any more.
    pub(crate) fn complete_snapshot(
        &self,
        id: &str,
        map: &ChunkMap,
        at: Timestamp,
    ) -> Result<Result<(), Gone>, StoreError> {
        let (id, chunks, rows) = (id.to_owned(), map.len() as u64, segments(map));
        self.0.write_blocking(move |txn| {
            let pending = txn.get(&SNAPSHOTS, &id)?.map(|row| row.into_model(id.clone())).filter(Snapshot::is_pending);
            let Some(mut snapshot) = pending else { return Ok(Err(Gone)) };
            snapshot.state = SnapshotState::Completed { at, chunks };
            txn.put(&SNAPSHOTS, &id, &SnapshotRow::of(&snapshot))?;
            for (number, row) in &rows {
                txn.put(&CHUNKS, &place(&id, *number), row)?;
            }
            Ok(Ok(()))
        })
    }

    /// Deletes a snapshot, and answers with the map it had.
    pub(crate) async fn delete_snapshot(&self, id: &str) -> Result<ChunkMap, StoreError> {
        let id = id.to_owned();
        self.0
            .write(move |txn| {
                let rows = txn.scan(&CHUNKS, Span::prefix(&prefix(&id)), usize::MAX)?;
                for (key, _) in &rows {
                    txn.delete(&CHUNKS, key)?;
                }
                txn.delete(&SNAPSHOTS, &id)?;
                joined(rows)
            })
            .await
    }
}

/// The map whose rows these are.
fn joined(rows: Vec<(String, SegmentRow)>) -> Result<ChunkMap, StoreError> {
    let (mut map, mut owners) = (ChunkMap::default(), BTreeMap::new());
    for (key, row) in rows {
        for (owner, chunk) in names(number(&key)?, row, &mut owners) {
            map.insert(chunk, owner);
        }
    }
    Ok(map)
}

fn changed(txn: &mut Txn<'_>, id: String, change: impl FnOnce(&mut Snapshot)) -> Result<Result<(), Gone>, StoreError> {
    let Some(row) = txn.get(&SNAPSHOTS, &id)? else { return Ok(Err(Gone)) };
    let mut snapshot = row.into_model(id);
    change(&mut snapshot);
    txn.put(&SNAPSHOTS, &snapshot.id, &SnapshotRow::of(&snapshot))?;
    Ok(Ok(()))
}

fn prefix(id: &str) -> String {
    format!("{id}/")
}

/// Fixed width, so that the order of the text is that of the numbers.
fn place(id: &str, segment: u64) -> String {
    format!("{id}/{segment:012x}")
}

fn number(key: &str) -> Result<u64, StoreError> {
    let digits = key.rsplit('/').next().unwrap_or_default();
    let told = |error: std::num::ParseIntError| StoreError::Decode {
        table: CHUNKS.name(),
        key: key.into(),
        reason: error.to_string(),
    };
    u64::from_str_radix(digits, 16).map_err(told)
}
