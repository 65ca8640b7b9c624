//! What a block device can do, and how it can fail.

use std::io;

/// A position on a device, in bytes from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteOffset(pub u64);

/// The logical block: 512 bytes, also the data unit of the cipher.
pub const SECTOR_BYTES: usize = 512;

/// A device. All calls may come from several threads at once; those that overlap are never mixed
/// within a sector.
pub trait BlockTarget: Send + Sync {
    /// Size in bytes, a multiple of [`SECTOR_BYTES`].
    fn size_bytes(&self) -> u64;

    /// Fills `into` from `at` on.
    ///
    /// # Errors
    /// [`IoFault::PastEnd`] when the range does not lie on the device; what the medium says otherwise.
    fn read_at(&self, at: ByteOffset, into: &mut [u8]) -> Result<(), IoFault>;

    /// Writes `data` from `at` on.
    ///
    /// # Errors
    /// As [`Self::read_at`], and [`IoFault::NoSpace`] when the medium is full.
    fn write_at(&self, at: ByteOffset, data: &[u8]) -> Result<(), IoFault>;

    /// Makes `len` bytes from `at` on read as zeros, and gives their space back where it can.
    ///
    /// # Errors
    /// As [`Self::write_at`].
    fn discard(&self, at: ByteOffset, len: u64) -> Result<(), IoFault>;

    /// Returns when everything written before is durable.
    ///
    /// # Errors
    /// What the medium says.
    fn flush(&self) -> Result<(), IoFault>;

    /// The first position at or after `at` that holds data (or is a hole, for [`Seek::Hole`]); `None` when there is
    /// no such position before the end.
    ///
    /// # Errors
    /// What the medium says.
    fn seek(&self, at: ByteOffset, what: Seek) -> Result<Option<ByteOffset>, IoFault>;

    /// Makes the device `size_bytes` long, durably; what is new is hole. A device never shrinks: a smaller size changes
    /// nothing.
    ///
    /// # Errors
    /// [`IoFault::NoSpace`] for a medium of fixed size; what the medium says otherwise.
    fn grow(&self, _size_bytes: u64) -> Result<(), IoFault> {
        Err(IoFault::NoSpace)
    }
}

/// What to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seek {
    /// Something written.
    Data,
    /// Something never written, or discarded.
    Hole,
}

/// How I/O fails. The writer hears of it; nothing is retried behind its back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IoFault {
    /// The range reaches over the end of the device.
    #[error("past the end of the device")]
    PastEnd,
    /// The disk under the state folder, or the owner's quota of it, is used up.
    #[error("no space left under the volume")]
    NoSpace,
    /// The medium failed.
    #[error("the medium failed")]
    Medium,
    /// The volume is detached.
    #[error("the volume is detached")]
    Detached,
}

impl IoFault {
    /// What the operating system said about the file under the volume.
    pub fn from_os(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::ENOSPC | libc::EDQUOT | libc::EFBIG) => Self::NoSpace,
            _ => Self::Medium,
        }
    }

    /// The number that the kernel hands to whoever waits for the I/O. A write past the end of a disk is ENOSPC.
    pub fn errno(self) -> i32 {
        match self {
            Self::PastEnd | Self::NoSpace => libc::ENOSPC,
            Self::Medium | Self::Detached => libc::EIO,
        }
    }
}

/// Whether `len` bytes from `at` on lie on a device of `size` bytes.
///
/// # Errors
/// [`IoFault::PastEnd`].
pub fn within(size: u64, at: ByteOffset, len: u64) -> Result<(), IoFault> {
    match at.0.checked_add(len) {
        Some(end) if end <= size => Ok(()),
        _ => Err(IoFault::PastEnd),
    }
}
