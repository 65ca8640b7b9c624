//! Overwriting the stack: what a key expansion, a hash or a moved value leaves there after it returns.
//!
//! Wiping on drop reaches the variables that Rust knows, not the copies that moves and spilled registers leave in
//! dead frames. So the work runs in a frame of its own, and the same stretch of stack is overwritten after it.
//! `tests/key_in_memory.rs` looks for what is left.

use std::hint::black_box;

use zeroize::Zeroize;

/// Words of stack that are overwritten: 16 KiB, more than any of the calls here needs.
const WORDS: usize = 2048;

/// Runs `work`, then overwrites the stack that it used. The result is moved out: it must hold no secret by value.
pub(crate) fn scrubbed<T>(work: impl FnOnce() -> T) -> T {
    let done = in_its_own_frame(work);
    scrub_stack();
    done
}

#[inline(never)]
fn in_its_own_frame<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn scrub_stack() {
    let mut ground = [0u64; WORDS];
    ground.zeroize();
    black_box(&ground);
}
