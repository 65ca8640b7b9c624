//! A device in memory: the double of `file`, for tests and for benches that want no disk.

use std::sync::{PoisonError, RwLock};

use super::block_device::{BlockTarget, ByteOffset, IoFault, Seek, within};

/// A device that forgets everything when it is dropped.
#[derive(Debug)]
pub struct MemoryTarget(RwLock<Vec<u8>>);

impl MemoryTarget {
    /// `size` zeros.
    pub fn zeroed(size: usize) -> Self {
        Self(RwLock::new(vec![0; size]))
    }

    /// What is stored, byte for byte.
    pub fn stored(&self) -> Vec<u8> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, at: ByteOffset, len: usize, write: impl FnOnce(&mut [u8])) -> Result<(), IoFault> {
        let mut bytes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        within(bytes.len() as u64, at, len as u64)?;
        write(&mut bytes[at.0 as usize..at.0 as usize + len]);
        Ok(())
    }
}

impl BlockTarget for MemoryTarget {
    fn size_bytes(&self) -> u64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).len() as u64
    }

    fn read_at(&self, at: ByteOffset, into: &mut [u8]) -> Result<(), IoFault> {
        let bytes = self.0.read().unwrap_or_else(PoisonError::into_inner);
        within(bytes.len() as u64, at, into.len() as u64)?;
        into.copy_from_slice(&bytes[at.0 as usize..at.0 as usize + into.len()]);
        Ok(())
    }

    fn write_at(&self, at: ByteOffset, data: &[u8]) -> Result<(), IoFault> {
        self.change(at, data.len(), |place| place.copy_from_slice(data))
    }

    fn discard(&self, at: ByteOffset, len: u64) -> Result<(), IoFault> {
        let len = usize::try_from(len).map_err(|_| IoFault::PastEnd)?;
        self.change(at, len, |place| place.fill(0))
    }

    fn flush(&self) -> Result<(), IoFault> {
        Ok(())
    }

    fn grow(&self, size_bytes: u64) -> Result<(), IoFault> {
        let size = usize::try_from(size_bytes).map_err(|_| IoFault::NoSpace)?;
        let mut bytes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if size > bytes.len() {
            bytes.resize(size, 0);
        }
        Ok(())
    }

    fn seek(&self, at: ByteOffset, what: Seek) -> Result<Option<ByteOffset>, IoFault> {
        let bytes = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let wanted = |byte: &u8| (*byte == 0) == (what == Seek::Hole);
        let rest = bytes.get(at.0 as usize..).unwrap_or_default();
        Ok(rest.iter().position(wanted).map(|ahead| ByteOffset(at.0 + ahead as u64)))
    }
}
