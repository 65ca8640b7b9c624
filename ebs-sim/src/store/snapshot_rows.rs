//! The stored shapes of snapshots.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_core::id::{AccountId, Region};
use aws_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::rows::KeyRow;
use crate::model::snapshot::{Snapshot, SnapshotState};
use crate::model::tags::Tags;
use crate::snapshots::map::{ChunkMap, ChunkName};

/// Places in one row of a map.
pub(super) const SEGMENT_CHUNKS: u64 = 4096;

#[derive(Serialize, Deserialize)]
pub(super) struct SnapshotRow {
    account: AccountId,
    region: Region,
    volume_id: String,
    size_gib: u32,
    started_at: Timestamp,
    state: StateRow,
    key: Option<KeyRow>,
    lineage: String,
    description: String,
    tags: Tags,
}

#[derive(Serialize, Deserialize)]
enum StateRow {
    #[serde(rename = "pending")]
    Pending { settled: bool },
    #[serde(rename = "completed")]
    Completed { at: Timestamp, chunks: u64 },
    #[serde(rename = "error")]
    Error { message: String },
}

/// A part of a map: by owner, the places of its chunks, counted from the row's first.
#[derive(Serialize, Deserialize, Default)]
pub(super) struct SegmentRow(BTreeMap<String, Vec<u16>>);

impl SnapshotRow {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        Self {
            account: snapshot.account.clone(),
            region: snapshot.region.clone(),
            volume_id: snapshot.volume_id.clone(),
            size_gib: snapshot.size_gib,
            started_at: snapshot.started_at,
            state: StateRow::of(&snapshot.state),
            key: snapshot.key.as_ref().map(KeyRow::of),
            lineage: snapshot.lineage.clone(),
            description: snapshot.description.clone(),
            tags: snapshot.tags.clone(),
        }
    }

    pub(super) fn into_model(self, id: String) -> Snapshot {
        Snapshot {
            id,
            account: self.account,
            region: self.region,
            volume_id: self.volume_id,
            size_gib: self.size_gib,
            started_at: self.started_at,
            state: self.state.into_model(),
            key: self.key.map(KeyRow::into_model),
            lineage: self.lineage,
            description: self.description,
            tags: self.tags,
        }
    }
}

impl StateRow {
    fn of(state: &SnapshotState) -> Self {
        match state.clone() {
            SnapshotState::Pending { settled } => Self::Pending { settled },
            SnapshotState::Completed { at, chunks } => Self::Completed { at, chunks },
            SnapshotState::Error { message } => Self::Error { message },
        }
    }

    fn into_model(self) -> SnapshotState {
        match self {
            Self::Pending { settled } => SnapshotState::Pending { settled },
            Self::Completed { at, chunks } => SnapshotState::Completed { at, chunks },
            Self::Error { message } => SnapshotState::Error { message },
        }
    }
}

/// A map as rows, each with the number of its segment.
pub(super) fn segments(map: &ChunkMap) -> BTreeMap<u64, SegmentRow> {
    let mut rows: BTreeMap<u64, SegmentRow> = BTreeMap::new();
    for (owner, chunk) in map.names() {
        let places = rows.entry(chunk / SEGMENT_CHUNKS).or_default().0.entry(owner.to_string()).or_default();
        places.push((chunk % SEGMENT_CHUNKS) as u16);
    }
    rows
}

/// The chunks in one row. Owners are told apart by value; equal ones share their text.
pub(super) fn names(segment: u64, row: SegmentRow, owners: &mut BTreeMap<String, Arc<str>>) -> Vec<ChunkName> {
    let mut names = Vec::new();
    for (owner, places) in row.0 {
        let owner = owners.entry(owner).or_insert_with_key(|owner| owner.as_str().into()).clone();
        names.extend(places.into_iter().map(|place| (owner.clone(), segment * SEGMENT_CHUNKS + u64::from(place))));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_goes_into_rows_and_comes_back() {
        let (a, b): (Arc<str>, Arc<str>) = ("snap-a".into(), "snap-b".into());
        let map: ChunkMap =
            [(a.clone(), 0), (b.clone(), 1), (a.clone(), 4095), (b, 4096), (a, 1 << 31)].into_iter().collect();
        let rows = segments(&map);
        assert_eq!(rows.keys().copied().collect::<Vec<_>>(), [0, 1, (1 << 31) / 4096]);
        let mut owners = BTreeMap::new();
        let back: ChunkMap = rows.into_iter().flat_map(|(n, row)| names(n, row, &mut owners)).collect();
        assert_eq!(back, map);
    }
}
