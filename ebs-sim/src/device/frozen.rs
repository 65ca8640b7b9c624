//! A point in time of a volume, while it is being brought to safety.
//!
//! ```text
//!            chunk   0    1    2    3    4          a writer keeps a chunk before its first change (3, above all others);
//!   kept             ■    ■    ·    ■    ·          the upload keeps the rest in order
//!   file           then  now then  now then         what is not kept stands in the file as it was
//! ```
//!
//! One lock per chunk (by number, of a few) is held while the chunk is copied; the mark is set when the copy is
//! durable. So a chunk without mark has not changed since the freeze, and this also holds for a process that is
//! killed: the marks can be read back from what lies on the shelf.
//!
//! A copy that fails gives the image up, never the write: whoever writes to a disk is not punished for its backups.
//! The giving up is durable before the write goes on, so that no later start takes a spoilt image for a whole one.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::aligned::with_chunk_buffer;
use super::block_device::{BlockTarget, IoFault};
use super::chunk::{CHUNK_BYTES, chunk_start, without_trailing_holes};

const LOCKS: usize = 32;

/// Where a frozen image's chunks go.
pub trait Refuge: Send + Sync {
    /// Returns when the chunk is durable.
    ///
    /// # Errors
    /// What the medium says.
    fn keep(&self, chunk: u64, bytes: &[u8]) -> Result<(), IoFault>;

    /// The image is lost. Returns when nobody will ever take it for whole.
    ///
    /// # Errors
    /// When even that cannot be written down.
    fn give_up(&self, why: IoFault) -> Result<(), IoFault>;
}

/// A frozen image.
pub struct Frozen {
    chunks: u64,
    kept: Vec<AtomicU64>,
    locks: [Mutex<()>; LOCKS],
    over: AtomicBool,
    ending: Mutex<()>,
    refuge: Box<dyn Refuge>,
}

impl Frozen {
    /// The image of a device of `size_bytes`, of which nothing is kept yet.
    pub fn new(size_bytes: u64, refuge: Box<dyn Refuge>) -> Self {
        let chunks = size_bytes.div_ceil(CHUNK_BYTES as u64);
        let kept = (0..chunks.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Self { chunks, kept, locks: Default::default(), over: AtomicBool::new(false), ending: Mutex::default(), refuge }
    }

    /// How many chunks the image has.
    pub fn chunks(&self) -> u64 {
        self.chunks
    }

    /// Whether a chunk's copy is durable.
    pub fn is_kept(&self, chunk: u64) -> bool {
        let word = self.kept.get((chunk / 64) as usize);
        word.is_some_and(|word| word.load(Ordering::Acquire) & (1 << (chunk % 64)) != 0)
    }

    /// Notes that a chunk's copy is durable.
    pub fn mark_kept(&self, chunk: u64) {
        if let Some(word) = self.kept.get((chunk / 64) as usize) {
            word.fetch_or(1 << (chunk % 64), Ordering::Release);
        }
    }

    /// All chunks whose copies are durable.
    pub fn all_kept(&self) -> impl Iterator<Item = u64> {
        (0..self.chunks).filter(|chunk| self.is_kept(*chunk))
    }

    /// Keeps others from copying or changing a chunk.
    pub fn hold(&self, chunk: u64) -> MutexGuard<'_, ()> {
        lock(&self.locks[(chunk % LOCKS as u64) as usize])
    }

    /// Brings a chunk to safety that is about to change.
    ///
    /// # Errors
    /// Only when neither the copy nor the giving up could be written down; then the change must not happen.
    pub fn before_change(&self, medium: &dyn BlockTarget, chunk: u64) -> Result<(), IoFault> {
        if chunk >= self.chunks || self.is_kept(chunk) || self.is_over() {
            return Ok(());
        }
        let _held = self.hold(chunk);
        if self.is_kept(chunk) || self.is_over() {
            return Ok(());
        }
        match self.copy(medium, chunk) {
            Ok(()) => Ok(()),
            Err(fault) => self.give_up(fault),
        }
    }

    /// Copies a chunk, which the caller holds, from the medium to safety.
    fn copy(&self, medium: &dyn BlockTarget, chunk: u64) -> Result<(), IoFault> {
        with_chunk_buffer(|buffer| {
            let bytes = read_chunk(medium, chunk, buffer)?;
            self.keep(chunk, bytes)
        })
    }

    /// Brings a chunk's bytes to safety, while the caller holds it.
    ///
    /// # Errors
    /// What the medium says; nothing is marked then.
    pub fn keep(&self, chunk: u64, bytes: &[u8]) -> Result<(), IoFault> {
        self.refuge.keep(chunk, bytes)?;
        self.mark_kept(chunk);
        Ok(())
    }

    /// Gives the image up, durably. Once is enough.
    ///
    /// # Errors
    /// When that cannot be written down; the image is not over then.
    pub fn give_up(&self, why: IoFault) -> Result<(), IoFault> {
        let _ending = lock(&self.ending);
        if !self.is_over() {
            self.refuge.give_up(why)?;
            self.over.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Whether the image needs nothing any more: it is whole, or lost.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// The image needs nothing any more. Returns when nobody copies any more.
    pub fn end(&self) {
        self.over.store(true, Ordering::Release);
        self.locks.iter().for_each(|each| drop(lock(each)));
    }
}

impl fmt::Debug for Frozen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frozen({} chunks)", self.chunks)
    }
}

/// A chunk as the medium has it, without the holes at its end. The last chunk of a medium may be shorter.
///
/// # Errors
/// What the medium says.
pub fn read_chunk<'a>(medium: &dyn BlockTarget, chunk: u64, buffer: &'a mut [u8]) -> Result<&'a [u8], IoFault> {
    let start = chunk_start(chunk);
    let len = medium.size_bytes().saturating_sub(start.0).min(CHUNK_BYTES as u64) as usize;
    medium.read_at(start, &mut buffer[..len])?;
    Ok(without_trailing_holes(&buffer[..len]))
}

fn lock(mutex: &Mutex<()>) -> MutexGuard<'_, ()> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
