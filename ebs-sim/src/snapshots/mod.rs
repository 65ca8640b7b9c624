//! What snapshots are made of: immutable chunks of ciphertext, shared along a lineage, and maps that name them.
//!
//! ```text
//!  volume file    [0][1][2][3]…            a chunk is named by the snapshot that first kept it, and its place
//!  snap-a         a0 a1 ·  a3              full
//!  snap-b         a0 b1 ·  a3              only chunk 1 had changed
//!  delete snap-a  → a1 goes; a0 and a3 stay, for snap-b names them
//! ```
//!
//! A lineage is all that stands under one data key: a chunk is good for whoever has it, since its ciphertext depends
//! on key and place alone. Unencrypted volumes have lineages, too.
//!
//! ```text
//! map      which chunk is where            begin    the point in time
//! shelf    chunks as files                 upload   from frozen image to completed snapshot
//! restore  from chunks to a volume         sweep    what nobody names any more
//! ```
//!
//! Deliberately absent: counters of references, which a crash could falsify; a chunk lives while a map names it.

pub(crate) mod begin;
pub(crate) mod jobs;
pub(crate) mod map;
pub(crate) mod restore;
pub(crate) mod shelf;
pub(crate) mod sweep;
pub(crate) mod upload;

#[cfg(test)]
mod tests;
