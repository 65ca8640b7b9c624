//! The writing end of the archive, held by one thread. Frames gather in a buffer, are written at once, and are synced on
//! request. A write that fails is repeated at the same place: a full disk makes callers wait, and loses nothing.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use aws_core::policy::explain::Explanation;

use super::frame::Frame;
use super::index::{Index, id_hash};
use super::segment::{Segment, Summary};
use super::{Archive, index_path, log_path};
use crate::card::Card;

/// Appends to the newest segment and begins the next one when it is full.
#[derive(Debug)]
pub struct Pen {
    archive: Arc<Archive>,
    number: u64,
    segment: Arc<Segment>,
    file: File,
    buffer: Vec<u8>,
    /// What the segment will span once the buffer is written, and the ids in it.
    ahead: Index,
    unsynced: bool,
}

impl Pen {
    /// On a new segment. It joins the shelf last, so that a failure on the way can be repeated.
    pub(super) fn begin(archive: Arc<Archive>, number: u64) -> io::Result<Self> {
        let segment = Arc::new(match &archive.dir {
            Some(dir) => Segment::create(&log_path(dir, number))?,
            None => Segment::nameless()?,
        });
        let pen = Self::on(archive, number, segment, Index { summary: Summary::EMPTY, ids: Vec::new() })?;
        pen.archive.add(pen.segment.clone());
        Ok(pen)
    }

    /// On the last segment of an earlier run.
    pub(super) fn resume(archive: Arc<Archive>, number: u64) -> io::Result<Self> {
        let dir = archive.dir.as_deref().expect("only a named trail can be resumed");
        let (segment, index) = Segment::recover(&log_path(dir, number))?;
        let segment = Arc::new(segment);
        archive.add(segment.clone());
        Self::on(archive, number, segment, index)
    }

    fn on(archive: Arc<Archive>, number: u64, segment: Arc<Segment>, ahead: Index) -> io::Result<Self> {
        let file = segment.writer()?;
        Ok(Self { archive, number, segment, file, buffer: Vec::new(), ahead, unsynced: false })
    }

    /// Puts a record into the buffer.
    pub fn append(&mut self, card: &Card, record: &str, decision: Option<&Explanation>) -> io::Result<()> {
        let before = self.buffer.len();
        Frame::write(&mut self.buffer, card, record, decision)?;
        let bytes = (self.buffer.len() - before) as u64;
        self.ahead.summary = self.ahead.summary.with(card.position, bytes);
        self.ahead.ids.push(id_hash(&card.id));
        Ok(())
    }

    /// Bytes that wait for [`Pen::write`].
    pub fn buffered_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// Hands the buffer to the operating system, so that readers see the records and they outlive this process.
    pub fn write(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.file.write_all_at(&self.buffer, self.segment.summary().bytes)?;
        self.buffer.clear();
        self.segment.publish(self.ahead.summary);
        self.unsynced = true;
        if self.ahead.summary.records as usize >= self.archive.records_per_segment() {
            // A full segment that cannot be closed grows on, and is closed by a later write.
            self.roll()?;
        }
        Ok(())
    }

    /// Makes what is written durable.
    pub fn sync(&mut self) -> io::Result<()> {
        if self.unsynced && self.segment.path().is_some() {
            self.file.sync_data()?;
        }
        self.unsynced = false;
        Ok(())
    }

    /// Whether something is written but not yet durable.
    pub fn unsynced(&self) -> bool {
        self.unsynced
    }

    fn roll(&mut self) -> io::Result<()> {
        self.sync()?;
        if let Some(dir) = &self.archive.dir {
            std::fs::write(index_path(dir, self.number), self.ahead.to_bytes())?;
        }
        *self = Self::begin(self.archive.clone(), self.number + 1)?;
        self.archive.retire();
        Ok(())
    }
}
