//! Copy-before-write: below the cipher, above the file. While a snapshot is pending, a chunk is copied and durable
//! before its first sector changes. While none is, the price is one atomic load per request.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::block_device::{BlockTarget, ByteOffset, IoFault, Seek, within};
use super::chunk::{chunk_of, chunk_start};
use super::frozen::Frozen;

/// The frozen images of one volume, shared by whoever serves it and whoever uploads them.
#[derive(Debug, Default)]
pub struct Guard {
    armed: AtomicUsize,
    frozen: RwLock<Vec<Arc<Frozen>>>,
}

impl Guard {
    /// From now on `image` is preserved. No request may be under way: see [`super::live::LiveDevice::pause`].
    pub fn arm(&self, image: Arc<Frozen>) {
        let mut frozen = self.frozen.write().unwrap_or_else(PoisonError::into_inner);
        frozen.push(image);
        self.armed.store(frozen.len(), Ordering::Release);
    }

    /// `image` needs no preserving any more. Returns when nobody copies for it.
    pub fn disarm(&self, image: &Arc<Frozen>) {
        {
            let mut frozen = self.frozen.write().unwrap_or_else(PoisonError::into_inner);
            frozen.retain(|other| !Arc::ptr_eq(other, image));
            self.armed.store(frozen.len(), Ordering::Release);
        }
        image.end();
    }

    fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Acquire) != 0
    }

    fn before_change(&self, medium: &dyn BlockTarget, chunk: u64) -> Result<(), IoFault> {
        let frozen = self.frozen.read().unwrap_or_else(PoisonError::into_inner).clone();
        frozen.iter().try_for_each(|image| image.before_change(medium, chunk))
    }
}

/// A device whose frozen images outlive its changes.
#[derive(Debug)]
pub struct PreservingTarget<B> {
    below: B,
    guard: Arc<Guard>,
}

impl<B: BlockTarget> PreservingTarget<B> {
    /// Serves `below`; `guard` says what is to be preserved.
    pub fn new(below: B, guard: Arc<Guard>) -> Self {
        Self { below, guard }
    }

    fn before_write(&self, at: ByteOffset, len: u64) -> Result<(), IoFault> {
        within(self.below.size_bytes(), at, len)?;
        let last = ByteOffset(at.0 + len.max(1) - 1);
        (chunk_of(at)..=chunk_of(last)).try_for_each(|chunk| self.guard.before_change(&self.below, chunk))
    }

    /// A discard changes only chunks in which there is something.
    fn before_discard(&self, at: ByteOffset, len: u64) -> Result<(), IoFault> {
        within(self.below.size_bytes(), at, len)?;
        let end = at.0 + len;
        let mut from = at;
        while from.0 < end {
            match self.below.seek(from, Seek::Data)? {
                Some(data) if data.0 < end => {
                    self.guard.before_change(&self.below, chunk_of(data))?;
                    from = chunk_start(chunk_of(data) + 1);
                }
                _ => break,
            }
        }
        Ok(())
    }
}

impl<B: BlockTarget> BlockTarget for PreservingTarget<B> {
    fn size_bytes(&self) -> u64 {
        self.below.size_bytes()
    }

    fn read_at(&self, at: ByteOffset, into: &mut [u8]) -> Result<(), IoFault> {
        self.below.read_at(at, into)
    }

    fn write_at(&self, at: ByteOffset, data: &[u8]) -> Result<(), IoFault> {
        if self.guard.is_armed() {
            self.before_write(at, data.len() as u64)?;
        }
        self.below.write_at(at, data)
    }

    fn discard(&self, at: ByteOffset, len: u64) -> Result<(), IoFault> {
        if self.guard.is_armed() {
            self.before_discard(at, len)?;
        }
        self.below.discard(at, len)
    }

    fn flush(&self) -> Result<(), IoFault> {
        self.below.flush()
    }

    fn seek(&self, at: ByteOffset, what: Seek) -> Result<Option<ByteOffset>, IoFault> {
        self.below.seek(at, what)
    }

    fn grow(&self, size_bytes: u64) -> Result<(), IoFault> {
        self.below.grow(size_bytes)
    }
}
