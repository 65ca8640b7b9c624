//! Which chunks a snapshot has, and whose they are.

use std::collections::BTreeMap;
use std::sync::Arc;

/// A kept chunk: the snapshot that kept it, and its place.
pub(crate) type ChunkName = (Arc<str>, u64);

/// A snapshot's chunks by place. A place without chunk is hole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChunkMap(BTreeMap<u64, Arc<str>>);

impl ChunkMap {
    /// The owner of the chunk at a place.
    pub(crate) fn owner(&self, chunk: u64) -> Option<&Arc<str>> {
        self.0.get(&chunk)
    }

    /// Names the chunk at a place.
    pub(crate) fn insert(&mut self, chunk: u64, owner: Arc<str>) {
        self.0.insert(chunk, owner);
    }

    /// How many chunks there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// All chunks in order of their places.
    pub(crate) fn names(&self) -> impl Iterator<Item = ChunkName> {
        self.0.iter().map(|(chunk, owner)| (owner.clone(), *chunk))
    }
}

impl FromIterator<ChunkName> for ChunkMap {
    fn from_iter<I: IntoIterator<Item = ChunkName>>(names: I) -> Self {
        Self(names.into_iter().map(|(owner, chunk)| (chunk, owner)).collect())
    }
}
