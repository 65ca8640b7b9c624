//! Memory for keys that live long: one page-aligned mapping of its own, kept out of swap, core dumps and forks.
//!
//! `mmap` (so that no allocator neighbour and no `realloc` touches it) + `mlock` (no swap) + `MADV_DONTDUMP` (no
//! core dump) + `MADV_WIPEONFORK` (a child sees zeros). Wiped before it is given back.
//!
//! JUSTIFICATION for `unsafe`: a mapping has no owner in safe Rust. The one type here is that owner; nothing else
//! sees the pointer. Together with `xts::fused` this is all the `unsafe` of the crate.

#![allow(unsafe_code, reason = "owns one memory mapping; every block carries its SAFETY note")]

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mlock, mmap_anonymous, munmap};
use zeroize::Zeroize;

use crate::scrub::scrubbed;

/// The kernel did not give locked memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LockError {
    /// No mapping to be had.
    #[error("no memory for a key: {0}")]
    Map(rustix::io::Errno),
    /// `mlock` refused, most likely because of `RLIMIT_MEMLOCK`: each volume in use needs one page.
    #[error("a key's memory cannot be locked: {0}; raise RLIMIT_MEMLOCK (ulimit -l)")]
    Lock(rustix::io::Errno),
    /// The kernel does not know how to keep a page out of dumps and forks.
    #[error("a key's memory cannot be kept out of core dumps and forks: {0}")]
    Advise(rustix::io::Errno),
}

/// A `T` in locked memory. Dropped, wiped and unmapped together.
pub struct Locked<T> {
    value: NonNull<T>,
}

impl<T> Locked<T> {
    /// Reserves the memory, then builds the value there, and then overwrites the part of the stack on which
    /// `build` may have left copies.
    pub fn build(build: impl FnOnce() -> T) -> Result<Self, LockError> {
        let region = Region::reserve(Self::LEN)?;
        let value = region.start.cast::<T>();
        // SAFETY: the region is writable, as long as `T`, and page-aligned, which `LEN` checks to be enough for `T`.
        scrubbed(|| unsafe { value.write(build()) });
        std::mem::forget(region);
        Ok(Self { value })
    }

    /// Bytes to map; refuses, at compile time, a type that wants more than a page's alignment.
    const LEN: usize = {
        assert!(align_of::<T>() <= 4096, "a mapping is aligned to pages only");
        assert!(size_of::<T>() > 0, "an empty mapping does not exist");
        size_of::<T>()
    };
}

impl<T> Deref for Locked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: `build` initialised the value, and it lives until `drop`.
        unsafe { self.value.as_ref() }
    }
}

impl<T> DerefMut for Locked<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`; `&mut self` makes the reference the only one.
        unsafe { self.value.as_mut() }
    }
}

impl<T> Drop for Locked<T> {
    fn drop(&mut self) {
        // SAFETY: the value was initialised by `build` and nobody can reach it after this.
        unsafe { self.value.drop_in_place() };
        drop(Region { start: self.value.cast(), len: Self::LEN });
    }
}

// SAFETY: a `Locked` owns its value alone, as a `Box` does.
unsafe impl<T: Send> Send for Locked<T> {}
// SAFETY: shared access goes through `&T` only.
unsafe impl<T: Sync> Sync for Locked<T> {}

impl<T> fmt::Debug for Locked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Locked({} bytes withheld)", Self::LEN)
    }
}

/// A private mapping; wiped and unmapped when dropped.
struct Region {
    start: NonNull<u8>,
    len: usize,
}

impl Region {
    fn reserve(len: usize) -> Result<Self, LockError> {
        let (rights, private) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        // SAFETY: an anonymous mapping at an address of the kernel's choice touches no memory in use.
        let start = unsafe { mmap_anonymous(std::ptr::null_mut(), len, rights, private) }.map_err(LockError::Map)?;
        let start = NonNull::new(start.cast::<u8>()).ok_or(LockError::Map(rustix::io::Errno::NOMEM))?;
        let region = Self { start, len };
        // SAFETY: the range is the mapping just made; locking and these two advices do not change its content here.
        unsafe {
            mlock(start.as_ptr().cast(), len).map_err(LockError::Lock)?;
            for advice in [Advice::LinuxDontDump, Advice::LinuxWipeOnFork] {
                madvise(start.as_ptr().cast(), len, advice).map_err(LockError::Advise)?;
            }
        }
        Ok(region)
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours until `munmap`, readable and writable for `len` bytes, and no reference into
        // it is left: only `Locked::drop` and a failed `reserve` get here.
        unsafe {
            std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len).zeroize();
            // Cannot fail for a range that was mapped; if it did, an empty page would leak, no key.
            let _ = munmap(self.start.as_ptr().cast(), self.len);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lives_in_its_own_locked_pages() {
        let mut page = Locked::build(|| [7u64; 90]).unwrap();
        page[89] = 9;
        assert_eq!((page[0], page[89]), (7, 9));
        let flags = flags_of(page.value.as_ptr() as usize);
        for flag in ["lo", "dd", "wf"] {
            assert!(flags.contains(&flag.to_owned()), "{flag} is missing in {flags:?}");
        }
    }

    /// The kernel's own account of the mapping that holds `address`: `VmFlags` of `/proc/self/smaps`.
    fn flags_of(address: usize) -> Vec<String> {
        let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let holds = |line: &str| {
            let (from, rest) = line.split_once('-')?;
            let to = rest.split(' ').next()?;
            let range = usize::from_str_radix(from, 16).ok()?..usize::from_str_radix(to, 16).ok()?;
            Some(range.contains(&address))
        };
        let mut lines = smaps.lines().skip_while(|line| holds(line) != Some(true));
        let flags = lines.find_map(|line| line.strip_prefix("VmFlags:")).unwrap();
        flags.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn a_value_is_dropped_once() {
        let witness = std::sync::Arc::new(());
        let page = Locked::build(|| witness.clone()).unwrap();
        assert_eq!(std::sync::Arc::strong_count(&witness), 2);
        drop(page);
        assert_eq!(std::sync::Arc::strong_count(&witness), 1);
    }
}
