//! One sparse file of ciphertext per volume: byte for byte what the device holds, so that anybody with the key can
//! open it as `aes-xts-plain64`.
//!
//! The page cache under this file only ever sees ciphertext, so reads and writes go through it at the speed of memory.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{FallocateFlags, SeekFrom};
use rustix::io::Errno;

use super::aligned::SCRATCH_BYTES;
use super::block_device::{BlockTarget, ByteOffset, IoFault, Seek, within};

/// A file as a device.
#[derive(Debug)]
pub struct FileTarget {
    file: File,
    /// Only ever grows.
    size: AtomicU64,
}

impl FileTarget {
    /// Makes a new file of `size` bytes, all hole, and makes its name durable.
    ///
    /// # Errors
    /// When the file exists, or the file system refuses.
    pub fn create(path: &Path, size: u64) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
        file.set_len(size)?;
        file.sync_all()?;
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        File::open(folder)?.sync_all()?;
        Ok(Self { file, size: AtomicU64::new(size) })
    }

    /// Opens an existing file. What lies behind `size` bytes is cut off: it is the hole that a growth left which a
    /// crash kept from being known, and was never served.
    ///
    /// # Errors
    /// When it is absent, or shorter than `size` bytes: a truncated volume is not served.
    pub fn open(path: &Path, size: u64) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let found = file.metadata()?.len();
        if found > size {
            file.set_len(size)?;
        }
        if found < size {
            return Err(io::Error::other(format!("{} has {found} bytes instead of {size}", path.display())));
        }
        Ok(Self { file, size: AtomicU64::new(size) })
    }

    /// The number of the file system that the file lies on.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn file_system(&self) -> io::Result<u64> {
        use std::os::unix::fs::MetadataExt;
        Ok(self.file.metadata()?.dev())
    }

    fn write_zeros(&self, at: ByteOffset, len: u64) -> Result<(), IoFault> {
        let zeros = [0; 4096];
        for start in (at.0..at.0 + len).step_by(zeros.len()) {
            let piece = (at.0 + len - start).min(zeros.len() as u64) as usize;
            self.write_at(ByteOffset(start), &zeros[..piece])?;
        }
        Ok(())
    }
}

impl BlockTarget for FileTarget {
    fn size_bytes(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    fn read_at(&self, at: ByteOffset, into: &mut [u8]) -> Result<(), IoFault> {
        within(self.size_bytes(), at, into.len() as u64)?;
        self.file.read_exact_at(into, at.0).map_err(|error| told("read", at, &error))
    }

    fn write_at(&self, at: ByteOffset, data: &[u8]) -> Result<(), IoFault> {
        within(self.size_bytes(), at, data.len() as u64)?;
        self.file.write_all_at(data, at.0).map_err(|error| told("write", at, &error))
    }

    fn discard(&self, at: ByteOffset, len: u64) -> Result<(), IoFault> {
        within(self.size_bytes(), at, len)?;
        if len == 0 {
            return Ok(());
        }
        let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        match rustix::fs::fallocate(&self.file, punch, at.0, len) {
            Ok(()) => Ok(()),
            // A file system without holes keeps the space; the promise that zeros are read is kept all the same.
            Err(Errno::OPNOTSUPP) => self.write_zeros(at, len),
            Err(error) => Err(told("discard", at, &error.into())),
        }
    }

    fn flush(&self) -> Result<(), IoFault> {
        self.file.sync_data().map_err(|error| told("flush", ByteOffset(0), &error))
    }

    fn seek(&self, at: ByteOffset, what: Seek) -> Result<Option<ByteOffset>, IoFault> {
        let whence = match what {
            Seek::Data => SeekFrom::Data(at.0),
            Seek::Hole => SeekFrom::Hole(at.0),
        };
        // All other access is positioned, so that the file's own position is nobody's.
        match rustix::fs::seek(&self.file, whence) {
            Ok(found) => Ok(Some(ByteOffset(found)).filter(|found| found.0 < self.size_bytes())),
            Err(Errno::NXIO) => Ok(None),
            Err(error) => Err(told("seek", at, &error.into())),
        }
    }

    fn grow(&self, size_bytes: u64) -> Result<(), IoFault> {
        let size = self.size_bytes();
        if size_bytes > size {
            let grown = self.file.set_len(size_bytes).and_then(|()| self.file.sync_all());
            grown.map_err(|error| told("grow", ByteOffset(size), &error))?;
            self.size.store(size_bytes, Ordering::Release);
        }
        Ok(())
    }
}

fn told(what: &str, at: ByteOffset, error: &io::Error) -> IoFault {
    tracing::error!(offset_bytes = at.0, %error, "a volume's data file failed to {what}");
    IoFault::from_os(error)
}

// A request never exceeds what one pwrite takes.
const _: () = assert!(SCRATCH_BYTES < i32::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_all_hole_and_a_discarded_range_becomes_one_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vol-1");
        let target = FileTarget::create(&path, 1 << 30).unwrap();
        assert_eq!(target.seek(ByteOffset(0), Seek::Data).unwrap(), None);

        target.write_at(ByteOffset(8192), &[7; 8192]).unwrap();
        target.flush().unwrap();
        assert_eq!(target.seek(ByteOffset(0), Seek::Data).unwrap(), Some(ByteOffset(8192)));
        target.discard(ByteOffset(8192), 8192).unwrap();
        assert_eq!(target.seek(ByteOffset(0), Seek::Data).unwrap(), None);
        let mut back = [1; 8192];
        target.read_at(ByteOffset(8192), &mut back).unwrap();
        assert_eq!(back, [0; 8192]);
    }

    #[test]
    fn a_file_of_another_size_is_not_served_and_nothing_is_read_past_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vol-1");
        let target = FileTarget::create(&path, 4096).unwrap();
        assert!(FileTarget::create(&path, 4096).is_err());
        assert!(FileTarget::open(&path, 8192).is_err());
        assert_eq!(target.read_at(ByteOffset(4000), &mut [0; 100]), Err(IoFault::PastEnd));
        assert_eq!(target.write_at(ByteOffset(u64::MAX), &[1]), Err(IoFault::PastEnd));
        assert_eq!(target.discard(ByteOffset(0), 5000), Err(IoFault::PastEnd));
    }

    #[test]
    fn a_file_grows_and_never_shrinks_and_forgets_a_growth_that_nobody_heard_of() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vol-1");
        let target = FileTarget::create(&path, 4096).unwrap();
        target.write_at(ByteOffset(0), &[7; 4096]).unwrap();
        target.grow(1 << 20).unwrap();
        target.grow(512).unwrap();
        assert_eq!(target.size_bytes(), 1 << 20);
        target.write_at(ByteOffset(1 << 19), &[8; 512]).unwrap();

        let again = FileTarget::open(&path, 4096).unwrap();
        assert_eq!((again.size_bytes(), path.metadata().unwrap().len()), (4096, 4096));
        again.grow(8192).unwrap();
        let mut back = [1; 8192];
        again.read_at(ByteOffset(0), &mut back).unwrap();
        assert!(back[..4096].iter().all(|byte| *byte == 7) && back[4096..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_full_disk_is_told_to_the_writer() {
        let full = OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
        let target = FileTarget { file: full, size: AtomicU64::new(4096) };
        assert_eq!(target.write_at(ByteOffset(0), &[1; 512]), Err(IoFault::NoSpace));
        assert_eq!(IoFault::NoSpace.errno(), libc::ENOSPC);
    }
}
