//! From a frozen image to a map of chunks on the shelf. Runs beside the writers, and again after a crash.
//!
//! Chunks that equal those of the base are not kept again. They get no mark either: should a writer change one of them
//! meanwhile, it is kept after all, since after a crash nothing but the mark would tell that the file has moved on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::map::ChunkMap;
use crate::device::aligned::with_chunk_buffer;
use crate::device::block_device::{BlockTarget, IoFault, Seek};
use crate::device::chunk::{Shelf, chunk_of, chunk_start};
use crate::device::frozen::{Frozen, read_chunk};

/// What an upload needs.
pub(crate) struct Upload<'a> {
    /// The volume as it is now.
    pub(crate) medium: &'a dyn BlockTarget,
    /// As it was.
    pub(crate) image: &'a Frozen,
    /// Where its chunks are.
    pub(crate) shelf: &'a dyn Shelf,
    /// The snapshot that is being made.
    pub(crate) owner: Arc<str>,
    /// Chunks of an earlier snapshot of the lineage, to share.
    pub(crate) base: &'a ChunkMap,
    /// How many chunks have been looked at.
    pub(crate) looked_at: &'a AtomicU64,
    /// Whether this process is about to end.
    pub(crate) stopping: &'a AtomicBool,
}

/// How an upload ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Uploaded {
    /// All is safe, and this is the map.
    Whole(ChunkMap),
    /// The image was given up on the way, or deleted.
    Over,
    /// The process ends. What is safe is safe; the next process goes on.
    Interrupted,
}

impl Upload<'_> {
    /// Brings the whole image to safety.
    ///
    /// # Errors
    /// What the medium or the shelf says.
    pub(crate) fn run(&self) -> Result<Uploaded, IoFault> {
        let mut map = ChunkMap::default();
        let mut next = 0;
        while let Some(chunk) = self.next_written(next)? {
            if self.image.is_over() {
                return Ok(Uploaded::Over);
            }
            if self.stopping.load(Ordering::Relaxed) {
                return Ok(Uploaded::Interrupted);
            }
            self.looked_at.store(chunk, Ordering::Relaxed);
            if let Some(owner) = self.settle(chunk)? {
                map.insert(chunk, owner);
            }
            next = chunk + 1;
        }
        // Chunks that writers kept and then discarded are hole by now, and were passed over.
        let passed_over: Vec<u64> = self.image.all_kept().filter(|chunk| map.owner(*chunk).is_none()).collect();
        for chunk in passed_over {
            if let Some(owner) = self.settle_kept(chunk)? {
                map.insert(chunk, owner);
            }
        }
        Ok(if self.image.is_over() { Uploaded::Over } else { Uploaded::Whole(map) })
    }

    /// Removes the chunks that were kept under this snapshot's name and are not needed: those that writers kept after
    /// they had been looked at, those that turned out to equal the base, and all when the image was given up.
    pub(crate) fn tidy(&self, map: Option<&ChunkMap>) {
        let needed = |chunk| map.and_then(|map| map.owner(chunk)).is_some_and(|owner| *owner == self.owner);
        for chunk in self.image.all_kept().filter(|chunk| !needed(*chunk)) {
            if let Err(error) = self.shelf.remove(&self.owner, chunk) {
                tracing::warn!(snapshot = &*self.owner, chunk, %error, "a chunk stays until the next start");
            }
        }
    }

    /// The next chunk at or after `from` in which the medium has something.
    fn next_written(&self, from: u64) -> Result<Option<u64>, IoFault> {
        if from >= self.image.chunks() {
            return Ok(None);
        }
        let data = self.medium.seek(chunk_start(from), Seek::Data)?;
        Ok(data.map(chunk_of).filter(|chunk| *chunk < self.image.chunks()))
    }

    /// Whose chunk stands for this one: nobody's for a hole.
    fn settle(&self, chunk: u64) -> Result<Option<Arc<str>>, IoFault> {
        {
            let _held = self.image.hold(chunk);
            if !self.image.is_kept(chunk) {
                return with_chunk_buffer(|buffer| self.settle_from_medium(chunk, buffer));
            }
        }
        self.settle_kept(chunk)
    }

    fn settle_from_medium(&self, chunk: u64, buffer: &mut [u8]) -> Result<Option<Arc<str>>, IoFault> {
        let bytes = read_chunk(self.medium, chunk, buffer)?;
        match self.same_in_base(chunk, bytes)? {
            _ if bytes.is_empty() => Ok(None),
            Some(owner) => Ok(Some(owner)),
            None => {
                self.image.keep(chunk, bytes)?;
                Ok(Some(self.owner.clone()))
            }
        }
    }

    fn settle_kept(&self, chunk: u64) -> Result<Option<Arc<str>>, IoFault> {
        let bytes = self.shelf.get(&self.owner, chunk)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.same_in_base(chunk, &bytes)?.unwrap_or_else(|| self.owner.clone())))
    }

    fn same_in_base(&self, chunk: u64, bytes: &[u8]) -> Result<Option<Arc<str>>, IoFault> {
        let Some(owner) = self.base.owner(chunk) else { return Ok(None) };
        let same = self.shelf.get(owner, chunk)? == bytes;
        Ok(same.then(|| owner.clone()))
    }
}
