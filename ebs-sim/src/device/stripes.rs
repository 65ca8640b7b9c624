//! Range locks, one holder per range.
//!
//! A pwrite to the file is not atomic for a pread beside it, and a sector half old, half new would decrypt into
//! garbage instead of into the one or the other. Likewise the read-modify-write of a ragged edge must not lose what
//! an aligned write puts into the same sector meanwhile. So ranges are locked, by the megabyte, for the length of the
//! file access only; encryption happens outside.
//!
//! ```text
//!   offset   0 MiB   1 MiB   2 MiB  …  32 MiB
//!   stripe   0       1       2         0        taken in rising order, so that two requests cannot wait for each other
//! ```
//!
//! Readers exclude each other, too. A lock that lets them share starves them as soon as two writers keep at it
//! (measured: half a second for one read), and what is saved is little: requests go to different megabytes.

use std::array;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::block_device::ByteOffset;

const STRIPES: usize = 32;
const STRIPE_SHIFT: u32 = 20;

/// The locks of one device.
#[derive(Debug, Default)]
pub struct Stripes([Mutex<()>; STRIPES]);

/// A range, held until it is dropped.
pub struct Held<'a>([Option<MutexGuard<'a, ()>>; STRIPES]);

impl Stripes {
    /// Holds `len` bytes from `at` on.
    pub fn hold(&self, at: ByteOffset, len: u64) -> Held<'_> {
        let touched = touched(at, len);
        Held(array::from_fn(|n| touched(n).then(|| self.0[n].lock().unwrap_or_else(PoisonError::into_inner))))
    }
}

impl Held<'_> {
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
            [(0, 512, 1), (MIB - 512, 1024, 2), (31 * MIB, 2 * MIB, 2), (3 * MIB, 40 * MIB, 32), (0, 0, 1)]
        {
            assert_eq!(stripes.hold(ByteOffset(at), len).count(), held, "{at}+{len}");
        }
    }

    #[test]
    fn neighbours_do_not_wait_for_each_other() {
        let stripes = Stripes::default();
        let one = stripes.hold(ByteOffset(31 * MIB), MIB);
        let other = stripes.hold(ByteOffset(32 * MIB), MIB);
        assert_eq!(one.count() + other.count(), 2);
    }
}
