//! Immutable files for what is too big for a row: object bodies and snapshot chunks.
//!
//! ```text
//! DIR/.tmp/<id>.<n>     being written; wiped by the sweep
//! DIR/ab/cd/<id>        whole: written, synced, renamed, folder synced
//! ```
//! `ab/cd` comes from a hash of the id, so that ids with a common beginning spread over the folders all the same.
//!
//! Deliberately absent: reference counts. A blob is alive when a row of its owner names it; the owner commits that row
//! after `finish`, and sweeps at start what a crash left between the two.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::StoreError;

/// Longest id: it must leave room for a suffix in a file name of 255 bytes.
const LONGEST_ID_BYTES: usize = 200;

const UNFINISHED: &str = ".tmp";

/// A folder of blobs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BlobStore {
    dir: Arc<Path>,
    written: Arc<AtomicU64>,
    /// Folders whose names this process has synced into their parents.
    rooted: Arc<Mutex<HashSet<PathBuf>>>,
}

/// A blob in the making. Dropped before `finish`, it leaves nothing behind.
#[derive(Debug)]
pub struct BlobWriter {
    file: File,
    unfinished: PathBuf,
    home: PathBuf,
    store: BlobStore,
    finished: bool,
}

impl BlobStore {
    /// Opens the folder, or makes it.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let unfinished = dir.join(UNFINISHED);
        fs::create_dir_all(&unfinished).map_err(StoreError::io("making", &unfinished))?;
        Ok(Self { dir: dir.into(), written: Arc::default(), rooted: Arc::default() })
    }

    /// Starts a blob. A finished blob of the same id is replaced when this one is finished.
    pub fn create(&self, id: &str) -> Result<BlobWriter, StoreError> {
        let home = self.path(id)?;
        let n = self.written.fetch_add(1, Ordering::Relaxed);
        let unfinished = self.dir.join(UNFINISHED).join(format!("{id}.{n}"));
        let opened = OpenOptions::new().write(true).create(true).truncate(true).open(&unfinished);
        let file = opened.map_err(StoreError::io("making", &unfinished))?;
        Ok(BlobWriter { file, unfinished, home, store: self.clone(), finished: false })
    }

    /// Opens a finished blob for reading; [`StoreError::is_not_found`] tells a missing one.
    pub fn open_blob(&self, id: &str) -> Result<File, StoreError> {
        let path = self.path(id)?;
        File::open(&path).map_err(StoreError::io("opening", &path))
    }

    /// Deletes a blob; one that is not there is deleted already. Readers that have it open keep it.
    pub fn delete(&self, id: &str) -> Result<(), StoreError> {
        let path = self.path(id)?;
        gone(fs::remove_file(&path)).map_err(StoreError::io("deleting", &path))
    }

    /// Where a blob of this id stands, for those who want to look at the ciphertext.
    pub fn path(&self, id: &str) -> Result<PathBuf, StoreError> {
        if !is_blob_id(id) {
            return Err(StoreError::BlobId(id.into()));
        }
        let [.., a, b] = fnv1a(id).to_be_bytes();
        Ok(self.dir.join(format!("{a:02x}")).join(format!("{b:02x}")).join(id))
    }

    /// Removes unfinished blobs and those that nobody refers to; returns how many. For the start, before anybody writes.
    pub fn sweep(&self, mut is_referenced: impl FnMut(&str) -> bool) -> Result<usize, StoreError> {
        let mut removed = remove_files(&self.dir.join(UNFINISHED), |_| true)?;
        for outer in entries(&self.dir)?.iter().filter(|path| is_fan_out(path)) {
            for inner in entries(outer)?.iter().filter(|path| is_fan_out(path)) {
                removed += remove_files(inner, |id| !is_referenced(id))?;
            }
        }
        Ok(removed)
    }

    /// Makes the names of a blob's two folders durable, once per process: who found them there cannot know
    /// whether whoever made them lived to sync them.
    fn root(&self, folder: &Path) -> Result<(), StoreError> {
        if self.rooted.lock().unwrap_or_else(PoisonError::into_inner).contains(folder) {
            return Ok(());
        }
        let outer = folder.parent().expect("a blob stands in two folders");
        sync_dir(outer)?;
        sync_dir(&self.dir)?;
        self.rooted.lock().unwrap_or_else(PoisonError::into_inner).insert(folder.into());
        Ok(())
    }
}

impl BlobWriter {
    /// Appends bytes.
    pub fn write_all(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file.write_all(bytes).map_err(StoreError::io("writing", &self.unfinished))
    }

    /// Makes the blob durable under its id. A row that names it may be committed after this returns, not before.
    pub fn finish(mut self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(StoreError::io("syncing", &self.unfinished))?;
        let folder = self.home.parent().expect("a blob stands in a folder");
        fs::create_dir_all(folder).map_err(StoreError::io("making", folder))?;
        fs::rename(&self.unfinished, &self.home).map_err(StoreError::io("renaming", &self.unfinished))?;
        self.finished = true;
        sync_dir(folder)?;
        self.store.root(folder)
    }
}

impl Drop for BlobWriter {
    fn drop(&mut self) {
        if !self.finished {
            // What cannot be removed now is removed by the next sweep.
            let _ = fs::remove_file(&self.unfinished);
        }
    }
}

fn is_blob_id(id: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    (1..=LONGEST_ID_BYTES).contains(&id.len()) && !id.starts_with('.') && id.bytes().all(plain)
}

fn is_fan_out(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
    name.len() == 2 && name.bytes().all(|b| b.is_ascii_hexdigit())
}

/// FNV-1a: spreads names over folders; not a digest of anything.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|folder| folder.sync_all()).map_err(StoreError::io("syncing", dir))
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let listing = fs::read_dir(dir).map_err(StoreError::io("listing", dir))?;
    listing.map(|entry| entry.map(|e| e.path())).collect::<io::Result<_>>().map_err(StoreError::io("listing", dir))
}

fn remove_files(dir: &Path, mut unwanted: impl FnMut(&str) -> bool) -> Result<usize, StoreError> {
    let mut removed = 0;
    for path in entries(dir)? {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        if unwanted(name) {
            gone(fs::remove_file(&path)).map_err(StoreError::io("deleting", &path))?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn gone(removal: io::Result<()>) -> io::Result<()> {
    match removal {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
