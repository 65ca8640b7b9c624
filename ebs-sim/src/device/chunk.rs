//! The chunk: 512 KiB, the piece that snapshots keep and share. A volume's size is a multiple of it.

use super::block_device::{ByteOffset, IoFault, SECTOR_BYTES};

/// Bytes of a chunk.
pub const CHUNK_BYTES: usize = 512 * 1024;

/// Sectors of a chunk.
pub const CHUNK_SECTORS: u64 = (CHUNK_BYTES / SECTOR_BYTES) as u64;

/// Where chunk number `chunk` starts.
pub fn chunk_start(chunk: u64) -> ByteOffset {
    ByteOffset(chunk * CHUNK_BYTES as u64)
}

/// The number of the chunk that a byte lies in.
pub fn chunk_of(at: ByteOffset) -> u64 {
    at.0 / CHUNK_BYTES as u64
}

/// The bytes up to the last sector that is no hole: nothing at all for a chunk that is all hole.
pub fn without_trailing_holes(bytes: &[u8]) -> &[u8] {
    let mut sectors = bytes.chunks(SECTOR_BYTES);
    let written = sectors.rposition(|sector| sector.iter().any(|byte| *byte != 0)).map_or(0, |last| last + 1);
    &bytes[..(written * SECTOR_BYTES).min(bytes.len())]
}

/// Where chunks are kept, each under its owner's name. They never change, and are durable when `put` returns.
pub trait Shelf: Send + Sync {
    /// Keeps a chunk. One of the same name is replaced, whole.
    ///
    /// # Errors
    /// What the medium says; then nothing is kept, or what was there before.
    fn put(&self, owner: &str, chunk: u64, bytes: &[u8]) -> Result<(), IoFault>;

    /// A kept chunk, as it was put.
    ///
    /// # Errors
    /// [`IoFault::Medium`] also when there is no such chunk.
    fn get(&self, owner: &str, chunk: u64) -> Result<Vec<u8>, IoFault>;

    /// Forgets a chunk. One that is not there is forgotten already.
    ///
    /// # Errors
    /// What the medium says.
    fn remove(&self, owner: &str, chunk: u64) -> Result<(), IoFault>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_ends_with_its_last_written_sector() {
        let mut bytes = vec![0; 4 * SECTOR_BYTES];
        assert_eq!(without_trailing_holes(&bytes).len(), 0);
        bytes[SECTOR_BYTES + 511] = 1;
        assert_eq!(without_trailing_holes(&bytes).len(), 2 * SECTOR_BYTES);
        bytes[4 * SECTOR_BYTES - 1] = 1;
        assert_eq!(without_trailing_holes(&bytes), bytes);
    }
}
