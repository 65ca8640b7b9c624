//! Sealed pieces on disk, and the promise that a piece under a reader's eyes is not deleted.
//!
//! A row is replaced or deleted first, its blobs afterwards. A reader pins the blobs of a row and then looks whether
//! the row still stands; blobs doomed while pinned go when the last reader does.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::store::StoreError;
use ::store::blobs::{BlobStore, BlobWriter};

/// The shelf of pieces. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Shelf {
    blobs: BlobStore,
    watch: Arc<Mutex<Watch>>,
    segments_read: Arc<AtomicU64>,
}

#[derive(Default)]
struct Watch {
    readers: HashMap<String, usize>,
    doomed: HashSet<String>,
}

/// A reader's hold on some blobs.
pub(crate) struct Pin {
    shelf: Shelf,
    ids: Vec<String>,
}

/// A blob that is whole and durable, but that no row names yet. Dropped so, it is deleted.
pub(crate) struct Landed {
    shelf: Shelf,
    ids: Vec<String>,
}

impl Shelf {
    /// Opens the folder, or makes it.
    pub(crate) fn open(dir: &Path) -> Result<Self, StoreError> {
        Ok(Self { blobs: BlobStore::open(dir)?, watch: Arc::default(), segments_read: Arc::default() })
    }

    /// Starts a blob.
    pub(crate) fn create(&self, id: &str) -> Result<BlobWriter, StoreError> {
        self.blobs.create(id)
    }

    /// Opens a blob for reading.
    pub(crate) fn file(&self, id: &str) -> Result<File, StoreError> {
        self.blobs.open_blob(id)
    }

    /// Where a blob stands.
    pub(crate) fn path(&self, id: &str) -> Result<PathBuf, StoreError> {
        self.blobs.path(id)
    }

    /// Removes blobs that no row names: for the start.
    pub(crate) fn sweep(&self, is_referenced: impl FnMut(&str) -> bool) -> Result<usize, StoreError> {
        self.blobs.sweep(is_referenced)
    }

    /// Takes responsibility for a finished blob until a row names it.
    pub(crate) fn landed(&self, id: &str) -> Landed {
        Landed { shelf: self.clone(), ids: vec![id.into()] }
    }

    /// Keeps blobs from being deleted.
    pub(crate) fn pin(&self, ids: Vec<String>) -> Pin {
        let mut watch = self.watch();
        for id in &ids {
            *watch.readers.entry(id.clone()).or_default() += 1;
        }
        drop(watch);
        Pin { shelf: self.clone(), ids }
    }

    /// Deletes blobs that no row names any more: now, or when their last reader is done. Never fails the caller:
    /// what cannot be deleted is swept at the next start.
    pub(crate) async fn doom(&self, ids: Vec<String>) {
        let free = self.without_readers(ids);
        if free.is_empty() {
            return;
        }
        let shelf = self.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || shelf.delete_now(&free)).await {
            tracing::warn!(%error, "deleting blobs was cut short");
        }
    }

    /// Segments that were read from blobs since the start.
    pub(crate) fn segments_read(&self) -> u64 {
        self.segments_read.load(Ordering::Relaxed)
    }

    /// Counts segments as they are read.
    pub(crate) fn count_segments(&self, n: u64) {
        self.segments_read.fetch_add(n, Ordering::Relaxed);
    }

    fn without_readers(&self, ids: Vec<String>) -> Vec<String> {
        let mut watch = self.watch();
        let (held, free): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| watch.readers.contains_key(id));
        watch.doomed.extend(held);
        free
    }

    fn delete_now(&self, ids: &[String]) {
        for id in ids {
            if let Err(error) = self.blobs.delete(id) {
                tracing::warn!(%error, id, "a blob could not be deleted");
            }
        }
    }

    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.watch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut orphans = Vec::new();
        let mut watch = self.shelf.watch();
        for id in &self.ids {
            let readers = watch.readers.get_mut(id).expect("a pin counts until it is dropped");
            *readers -= 1;
            if *readers == 0 {
                watch.readers.remove(id);
                orphans.extend(watch.doomed.take(id));
            }
        }
        drop(watch);
        self.shelf.delete_now(&orphans);
    }
}

impl Landed {
    /// A committed row names the blob now.
    pub(crate) fn keep(mut self) {
        self.ids.clear();
    }
}

impl Drop for Landed {
    fn drop(&mut self) {
        self.shelf.delete_now(&self.ids);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf_with(id: &str) -> (tempfile::TempDir, Shelf) {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(dir.path()).unwrap();
        let mut writer = shelf.create(id).unwrap();
        writer.write_all(b"sealed").unwrap();
        writer.finish().unwrap();
        (dir, shelf)
    }

    #[tokio::test]
    async fn a_doomed_blob_waits_for_its_last_reader() {
        let (_dir, shelf) = shelf_with("a");
        let (first, second) = (shelf.pin(vec!["a".into()]), shelf.pin(vec!["a".into()]));
        shelf.doom(vec!["a".into()]).await;
        drop(first);
        assert!(shelf.file("a").is_ok());
        drop(second);
        assert!(shelf.file("a").unwrap_err().is_not_found());
    }

    #[test]
    fn a_landed_blob_that_no_row_names_is_deleted() {
        let (_dir, shelf) = shelf_with("a");
        shelf.landed("a").keep();
        assert!(shelf.file("a").is_ok());
        drop(shelf.landed("a"));
        assert!(shelf.file("a").unwrap_err().is_not_found());
    }
}
