//! The records, oldest first, in segment files; the newest stay.
//!
//! ```text
//! DIR/segment-000000001.log    frames (see `frame`); full ones are never written again
//! DIR/segment-000000001.idx    what a full segment spans, and which event ids are in it (see `index`)
//! ```
//! Only the spans are kept in memory: some hundred bytes per 4,096 records.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

pub mod frame;
pub mod index;
mod pen;
mod search;
pub mod segment;

pub use pen::Pen;
pub use search::{Found, Range};

use segment::Segment;

/// A full segment holds so many records, fewer when only few are kept.
const RECORDS_PER_SEGMENT: usize = 4096;

/// The shelf of segments, shared by the thread that writes and those who look up.
#[derive(Debug)]
pub struct Archive {
    dir: Option<PathBuf>,
    keep: usize,
    segments: RwLock<Vec<Arc<Segment>>>,
}

impl Archive {
    /// Opens the folder, or makes it, and recovers what the last run left. `None`: nothing outlives the process.
    /// At least the newest `keep` records stay; older ones go a segment at a time.
    pub fn open(dir: Option<PathBuf>, keep: usize) -> io::Result<(Arc<Self>, Pen)> {
        let sequences = dir.as_deref().map(segment_numbers).transpose()?.unwrap_or_default();
        let (last, full) = match sequences.split_last() {
            Some((last, full)) => (Some(*last), full),
            None => (None, &[][..]),
        };
        let mut segments = Vec::new();
        for n in full {
            let dir = dir.as_deref().expect("numbers come from a folder");
            segments.push(Arc::new(Segment::full(&log_path(dir, *n), &index_path(dir, *n))?));
        }
        let archive = Arc::new(Self { dir, keep: keep.max(1), segments: RwLock::new(segments) });
        let pen = match last {
            Some(last) => Pen::resume(archive.clone(), last)?,
            None => Pen::begin(archive.clone(), 1)?,
        };
        Ok((archive, pen))
    }

    /// The largest ordinal written so far; 0 for an empty trail.
    pub fn last_ordinal(&self) -> u64 {
        self.snapshot().iter().map(|segment| segment.summary().last_ordinal).max().unwrap_or(0)
    }

    /// How many records there are.
    pub fn records(&self) -> usize {
        self.snapshot().iter().map(|segment| segment.summary().records as usize).sum()
    }

    fn snapshot(&self) -> Vec<Arc<Segment>> {
        self.segments.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn records_per_segment(&self) -> usize {
        (self.keep / 8).clamp(16, RECORDS_PER_SEGMENT)
    }

    fn add(&self, segment: Arc<Segment>) {
        self.segments.write().unwrap_or_else(PoisonError::into_inner).push(segment);
    }

    /// Lets go of the oldest segments as long as the others hold enough.
    fn retire(&self) {
        let mut segments = self.segments.write().unwrap_or_else(PoisonError::into_inner);
        let mut records: usize = segments.iter().map(|segment| segment.summary().records as usize).sum();
        while let Some(oldest) = segments.first() {
            records -= oldest.summary().records as usize;
            if records < self.keep || segments.len() == 1 {
                return;
            }
            remove_files(&segments.remove(0));
        }
    }
}

fn remove_files(segment: &Segment) {
    let Some(path) = segment.path() else { return };
    for path in [path.to_owned(), path.with_extension("idx")] {
        if let Err(e) = std::fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), error = %e, "an old trail segment could not be removed");
        }
    }
}

fn log_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("segment-{number:09}.log"))
}

fn index_path(dir: &Path, number: u64) -> PathBuf {
    log_path(dir, number).with_extension("idx")
}

fn segment_numbers(dir: &Path) -> io::Result<Vec<u64>> {
    std::fs::create_dir_all(dir)?;
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name();
        let digits = name.to_str().and_then(|name| name.strip_prefix("segment-")?.strip_suffix(".log"));
        numbers.extend(digits.and_then(|digits| digits.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}
