//! Range locks: readers of a range share it, a writer has it alone.
//!
//! A pwrite to the file is not atomic for a pread beside it, and a sector half old, half new would decrypt into
//! garbage instead of into the one or the other. Likewise the read-modify-write of a ragged edge must not lose what
//! an aligned write puts into the same sector meanwhile. So ranges are locked, by the megabyte, for the length of the
//! file access only; encryption happens outside.
//!
//! ```text
//!   offset   0 MiB   1 MiB   2 MiB  …  16 MiB
//!   stripe   0       1       2         0        taken in rising order, so that two requests cannot wait for each other
//! ```

use std::array;
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::block_device::ByteOffset;

const STRIPES: usize = 16;
const STRIPE_SHIFT: u32 = 20;

/// The locks of one device.
#[derive(Debug, Default)]
pub struct Stripes([RwLock<()>; STRIPES]);

/// A range held together with other readers.
pub struct Shared<'a>([Option<RwLockReadGuard<'a, ()>>; STRIPES]);

/// A range held alone.
pub struct Exclusive<'a>([Option<RwLockWriteGuard<'a, ()>>; STRIPES]);

impl Stripes {
    /// Holds `len` bytes from `at` on against writers.
    pub fn shared(&self, at: ByteOffset, len: u64) -> Shared<'_> {
        let touched = touched(at, len);
        Shared(array::from_fn(|i| touched(i).then(|| self.0[i].read().unwrap_or_else(|poison| poison.into_inner()))))
    }

    /// Holds `len` bytes from `at` on against everybody.
    pub fn exclusive(&self, at: ByteOffset, len: u64) -> Exclusive<'_> {
        let touched = touched(at, len);
        Exclusive(array::from_fn(|i| {
            touched(i).then(|| self.0[i].write().unwrap_or_else(|poison| poison.into_inner()))
        }))
    }
}

impl Shared<'_> {
    /// How many stripes are held.
    pub fn count(&self) -> usize {
        self.0.iter().flatten().count()
    }
}

impl Exclusive<'_> {
    /// How many stripes are held.
    pub fn count(&self) -> usize {
        self.0.iter().flatten().count()
    }
}

fn touched(at: ByteOffset, len: u64) -> impl Fn(usize) -> bool {
    let first = at.0 >> STRIPE_SHIFT;
    let last = (at.0 + len.max(1) - 1) >> STRIPE_SHIFT;
    let start = (first % STRIPES as u64) as usize;
    move |stripe| ((stripe + STRIPES - start) % STRIPES) as u64 <= last - first
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn a_range_holds_the_stripes_it_touches_and_no_more() {
        let stripes = Stripes::default();
        for (at, len, held) in
            [(0, 512, 1), (MIB - 512, 1024, 2), (15 * MIB, 2 * MIB, 2), (3 * MIB, 40 * MIB, 16), (0, 0, 1)]
        {
            assert_eq!(stripes.exclusive(ByteOffset(at), len).count(), held, "{at}+{len}");
            assert_eq!(stripes.shared(ByteOffset(at), len).count(), held, "{at}+{len}");
        }
    }

    #[test]
    fn readers_share_and_neighbours_do_not_wait() {
        let stripes = Stripes::default();
        let _writer = stripes.exclusive(ByteOffset(15 * MIB), MIB);
        let reader = stripes.shared(ByteOffset(16 * MIB), MIB);
        assert_eq!(reader.count() + stripes.shared(ByteOffset(16 * MIB), MIB).count(), 2);
    }
}
