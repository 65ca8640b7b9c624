//! One file of frames, appended to until it is full, then read only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::frame::Frame;
use super::index::{Index, id_hash};
use crate::card::Position;

/// What a segment spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How many.
    pub records: u32,
    /// Length of the file up to the last whole frame.
    pub bytes: u64,
    /// Earliest position in it.
    pub oldest: Position,
    /// Latest position in it.
    pub newest: Position,
    /// Largest ordinal in it, which need not be that of `newest`: the simulated clock can be set back.
    pub last_ordinal: u64,
}

impl Summary {
    /// Spans nothing: its newest lies before everything, its oldest after.
    pub const EMPTY: Self = Self {
        records: 0,
        bytes: 0,
        oldest: Position { time: i64::MAX, ordinal: u64::MAX },
        newest: Position { time: i64::MIN, ordinal: 0 },
        last_ordinal: 0,
    };

    /// With one more record.
    pub fn with(self, position: Position, bytes: u64) -> Self {
        Self {
            records: self.records + 1,
            bytes: self.bytes + bytes,
            oldest: self.oldest.min(position),
            newest: self.newest.max(position),
            last_ordinal: self.last_ordinal.max(position.ordinal),
        }
    }
}

/// Where a segment's bytes are. Named files are opened when read, so that a long trail holds no descriptors.
#[derive(Debug)]
enum Home {
    Named(PathBuf),
    /// Ephemeral: already unlinked, gone with the process however it ends.
    Nameless(File),
}

/// A segment. Shared between the writing thread and readers; a reader sees the frames that were whole when it began.
#[derive(Debug)]
pub struct Segment {
    home: Home,
    summary: Mutex<Summary>,
}

impl Segment {
    /// A new file at `path`, its name durable.
    pub fn create(path: &Path) -> io::Result<Self> {
        File::create(path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(Self { home: Home::Named(path.into()), summary: Mutex::new(Summary::EMPTY) })
    }

    /// A new file without a name, in the system's folder for temporary files.
    pub fn nameless() -> io::Result<Self> {
        for attempt in 0.. {
            let path = std::env::temp_dir().join(format!("sse-sim-trail-{}-{attempt}", std::process::id()));
            match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => {
                    fs::remove_file(&path)?;
                    return Ok(Self { home: Home::Nameless(file), summary: Mutex::new(Summary::EMPTY) });
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists && attempt < 1000 => {}
                Err(e) => return Err(e),
            }
        }
        unreachable!("the loop ends by returning")
    }

    /// A full segment of an earlier run; its index, when whole, spares the reading.
    pub fn full(path: &Path, index: &Path) -> io::Result<Self> {
        let length = fs::metadata(path)?.len();
        let known = fs::read(index).ok().and_then(|bytes| Index::from_bytes(&bytes));
        match known.filter(|known| known.summary.bytes <= length) {
            Some(known) => Ok(Self { home: Home::Named(path.into()), summary: Mutex::new(known.summary) }),
            None => {
                let (segment, rebuilt) = Self::scanned(path)?;
                fs::write(index, rebuilt.to_bytes())?;
                Ok(segment)
            }
        }
    }

    /// The last segment of an earlier run: read through, and cut where the first torn frame begins.
    pub fn recover(path: &Path) -> io::Result<(Self, Index)> {
        let (segment, index) = Self::scanned(path)?;
        let file = OpenOptions::new().write(true).open(path)?;
        let torn = file.metadata()?.len().saturating_sub(index.summary.bytes);
        if torn > 0 {
            tracing::warn!(path = %path.display(), bytes = torn, "the trail ended in a torn record, which is cut off");
            file.set_len(index.summary.bytes)?;
            file.sync_all()?;
        }
        Ok((segment, index))
    }

    fn scanned(path: &Path) -> io::Result<(Self, Index)> {
        let mut index = Index { summary: Summary::EMPTY, ids: Vec::new() };
        let mut bytes = BufReader::new(File::open(path)?);
        while let Some(frame) = Frame::read(&mut bytes)? {
            match frame.card() {
                Some(card) => {
                    index.summary = index.summary.with(card.position, frame.len_bytes());
                    index.ids.push(id_hash(&card.id));
                }
                // Whole, but of a later version: not ours to find, and not ours to cut off.
                None => index.summary.bytes += frame.len_bytes(),
            }
        }
        let summary = Mutex::new(index.summary);
        Ok((Self { home: Home::Named(path.into()), summary }, index))
    }

    /// A handle to write with.
    pub fn writer(&self) -> io::Result<File> {
        match &self.home {
            Home::Named(path) => OpenOptions::new().write(true).open(path),
            Home::Nameless(file) => file.try_clone(),
        }
    }

    /// Where the file is; `None` for a nameless one.
    pub fn path(&self) -> Option<&Path> {
        match &self.home {
            Home::Named(path) => Some(path),
            Home::Nameless(_) => None,
        }
    }

    /// What it spans now.
    pub fn summary(&self) -> Summary {
        *self.summary.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that more is written; readers that begin now see it.
    pub fn publish(&self, summary: Summary) {
        *self.summary.lock().unwrap_or_else(PoisonError::into_inner) = summary;
    }

    /// Visits every whole frame, oldest first, until `visit` says to stop by answering `false`.
    pub fn visit(&self, mut visit: impl FnMut(&Frame) -> bool) -> io::Result<()> {
        let length = self.summary().bytes;
        let mut bytes = BufReader::with_capacity(1 << 16, self.reader()?.take(length));
        while let Some(frame) = Frame::read(&mut bytes)? {
            if !visit(&frame) {
                break;
            }
        }
        Ok(())
    }

    fn reader(&self) -> io::Result<Positioned> {
        let file = match &self.home {
            Home::Named(path) => File::open(path)?,
            Home::Nameless(file) => file.try_clone()?,
        };
        Ok(Positioned { file, at: 0 })
    }
}

/// Reads by position: handles cloned from one file share its cursor, and readers must not disturb each other.
struct Positioned {
    file: File,
    at: u64,
}

impl Read for Positioned {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(out, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}
