//! The block layer under a volume: sectors in, sectors out, synchronous, and never a word to KMS.
//!
//! ```text
//!  fuse ──► live ──► encrypting ──► preserving ──► file      one buffer, no await, no hand-over between threads
//!           (gate)   (cipher,       (chunks of     (sparse file
//!                     span,          pending        of ciphertext)
//!                     stripes)       snapshots)
//! ```
//!
//! `memory` is the double of `file`. Deliberately absent: caches of plaintext, journals (a sector is written whole or
//! not at all, as on a disk), and any way from here to a key service.

pub mod aligned;
pub mod block_device;
pub mod chunk;
pub mod cipher;
pub mod encrypting;
pub mod file;
pub mod frozen;
pub mod live;
pub mod memory;
pub mod preserving;
pub mod span;
pub mod stripes;
