//! From chunks to a new volume. Under the same data key the ciphertext is copied as it is: a sector's ciphertext depends
//! on key and place alone. Under another, each written sector is opened and sealed anew; holes stay holes.

use envelope::xts::DataUnit;

use super::map::ChunkMap;
use crate::device::block_device::{BlockTarget, ByteOffset, IoFault, SECTOR_BYTES};
use crate::device::chunk::{CHUNK_SECTORS, Shelf, chunk_start};
use crate::device::cipher::KeyedCipher;

/// What is left hole where nothing was written: a page of the file below.
const GRAIN_BYTES: usize = 4096;

/// Opens under the snapshot's key, seals under the volume's.
pub(crate) struct Resealing {
    pub(crate) from: KeyedCipher,
    pub(crate) to: KeyedCipher,
}

/// Fills an empty volume, and returns when it is durable.
///
/// # Errors
/// What the shelf or the medium says.
pub(crate) fn fill(
    medium: &dyn BlockTarget,
    shelf: &dyn Shelf,
    map: &ChunkMap,
    resealing: Option<&Resealing>,
) -> Result<(), IoFault> {
    for (owner, chunk) in map.names() {
        let mut bytes = shelf.get(&owner, chunk)?;
        if let Some(resealing) = resealing {
            resealing.apply(chunk * CHUNK_SECTORS, &mut bytes);
        }
        write_sparsely(medium, chunk_start(chunk), &bytes)?;
    }
    medium.flush()
}

impl Resealing {
    fn apply(&self, first: u64, bytes: &mut [u8]) {
        for (sector, unit) in bytes.chunks_exact_mut(SECTOR_BYTES).zip(first..) {
            if !is_zero(sector) {
                self.from.get().decrypt_in_place(DataUnit(unit), sector);
                self.to.get().encrypt_in_place(DataUnit(unit), sector);
            }
        }
    }
}

/// Runs of grains with something in them, each in one write.
fn write_sparsely(medium: &dyn BlockTarget, at: ByteOffset, bytes: &[u8]) -> Result<(), IoFault> {
    let written = |piece: &&[u8]| !is_zero(piece);
    let mut start = 0;
    while start < bytes.len() {
        let rest = &bytes[start..];
        let run: usize = rest.chunks(GRAIN_BYTES).take_while(written).map(<[u8]>::len).sum();
        medium.write_at(ByteOffset(at.0 + start as u64), &rest[..run])?;
        let gap: usize = rest[run..].chunks(GRAIN_BYTES).take_while(|piece| is_zero(piece)).map(<[u8]>::len).sum();
        start += run + gap;
    }
    Ok(())
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}
