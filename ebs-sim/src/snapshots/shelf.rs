//! Chunks as immutable files: `STATE/chunks/ab/cd/<snapshot>.<place in hex>`. A finished file is a durable one, so that
//! its being there is the record that its chunk is safe.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use store::StoreError;
use store::blobs::BlobStore;

use crate::device::block_device::IoFault;
use crate::device::chunk::{CHUNK_BYTES, Shelf};

/// The files.
#[derive(Clone, Debug)]
pub(crate) struct BlobShelf(BlobStore);

impl BlobShelf {
    /// Opens the folder, or makes it.
    pub(crate) fn open(folder: &Path) -> Result<Self, StoreError> {
        BlobStore::open(folder).map(Self)
    }

    /// At start: removes half-written chunks and those that `wanted` does not want. Answers what stays.
    pub(crate) fn sweep(&self, wanted: impl Fn(&str, u64) -> bool) -> Result<BTreeSet<(String, u64)>, StoreError> {
        let mut staying = BTreeSet::new();
        self.0.sweep(|file| match parsed(file) {
            Some((owner, chunk)) if wanted(owner, chunk) => staying.insert((owner.to_owned(), chunk)),
            _ => false,
        })?;
        Ok(staying)
    }
}

impl Shelf for BlobShelf {
    fn put(&self, owner: &str, chunk: u64, bytes: &[u8]) -> Result<(), IoFault> {
        let write = || {
            let mut writer = self.0.create(&file_name(owner, chunk))?;
            writer.write_all(bytes)?;
            writer.finish()
        };
        write().map_err(|error| fault(&error))
    }

    fn get(&self, owner: &str, chunk: u64) -> Result<Vec<u8>, IoFault> {
        let file = self.0.open_blob(&file_name(owner, chunk)).map_err(|error| fault(&error))?;
        let mut bytes = Vec::new();
        // A file that is too long is no chunk, and is not read to its end.
        let read = file.take(CHUNK_BYTES as u64 + 1).read_to_end(&mut bytes);
        match read.map_err(|error| IoFault::from_os(&error))? {
            len if len <= CHUNK_BYTES => Ok(bytes),
            _ => Err(IoFault::Medium),
        }
    }

    fn remove(&self, owner: &str, chunk: u64) -> Result<(), IoFault> {
        self.0.delete(&file_name(owner, chunk)).map_err(|error| fault(&error))
    }
}

fn file_name(owner: &str, chunk: u64) -> String {
    format!("{owner}.{chunk:x}")
}

fn parsed(file: &str) -> Option<(&str, u64)> {
    let (owner, chunk) = file.rsplit_once('.')?;
    let chunk = u64::from_str_radix(chunk, 16).ok()?;
    (file_name(owner, chunk) == file).then_some((owner, chunk))
}

fn fault(error: &StoreError) -> IoFault {
    tracing::error!(%error, "a snapshot's chunk cannot be kept or had");
    match error {
        StoreError::Io { source, .. } => IoFault::from_os(source),
        _ => IoFault::Medium,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_come_back_as_they_were_put_and_the_unwanted_go_at_start() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = BlobShelf::open(folder.path()).unwrap();
        shelf.put("snap-a", 0, b"zero").unwrap();
        shelf.put("snap-a", 26, b"").unwrap();
        shelf.put("snap-b", 26, &[1; CHUNK_BYTES]).unwrap();
        let staying = shelf.sweep(|owner, chunk| (owner, chunk) != ("snap-a", 0)).unwrap();
        assert_eq!(staying, BTreeSet::from([("snap-a".into(), 26), ("snap-b".into(), 26)]));
        assert_eq!(shelf.get("snap-a", 0), Err(IoFault::Medium));
        assert_eq!(shelf.get("snap-a", 26).unwrap(), b"");
        assert_eq!(shelf.get("snap-b", 26).unwrap(), [1; CHUNK_BYTES]);
        shelf.remove("snap-b", 26).unwrap();
        shelf.remove("snap-b", 26).unwrap();
        assert_eq!(shelf.get("snap-b", 26), Err(IoFault::Medium));
    }
}
