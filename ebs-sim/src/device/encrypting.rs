//! Ciphertext below, plaintext above: AES-256-XTS over data units of 512 bytes, the sector number as tweak
//! (`aes-xts-plain64`).
//!
//! **Hole rule.** A sector whose 512 stored bytes are all zero was never written, or was discarded: it reads as zeros
//! and is never decrypted. A real ciphertext looks so with probability 2^-4096, so that the rule needs neither bitmap
//! nor journal and no crash can tear it. Its price: whoever can write the file can also zero a sector unnoticed,
//! since XTS has no integrity.

use envelope::xts::DataUnit;

use super::aligned::{SCRATCH_BYTES, with_scratch};
use super::block_device::{BlockTarget, ByteOffset, IoFault, SECTOR_BYTES, Seek, within};
use super::cipher::KeyedCipher;
use super::span::{Body, Edge, Span};
use super::stripes::Stripes;

const HOLE: [u8; SECTOR_BYTES] = [0; SECTOR_BYTES];
const PIECE_SECTORS: usize = SCRATCH_BYTES / SECTOR_BYTES;

/// A device that encrypts what it passes down.
#[derive(Debug)]
pub struct EncryptingTarget<B> {
    below: B,
    cipher: KeyedCipher,
    stripes: Stripes,
}

impl<B: BlockTarget> EncryptingTarget<B> {
    /// Serves `below` under `cipher`.
    pub fn new(below: B, cipher: KeyedCipher) -> Self {
        Self { below, cipher, stripes: Stripes::default() }
    }

    fn read_body(&self, first: u64, into: &mut [u8]) -> Result<(), IoFault> {
        let at = sector_start(first);
        {
            let _held = self.stripes.hold(at, into.len() as u64);
            self.below.read_at(at, into)?;
        }
        self.open_sectors(first, into);
        Ok(())
    }

    /// Decrypts in place, run by run, leaving holes alone.
    fn open_sectors(&self, first: u64, sectors: &mut [u8]) {
        let mut start = 0;
        while start < sectors.len() {
            let hole = is_hole(&sectors[start..start + SECTOR_BYTES]);
            let run = sectors[start..].chunks_exact(SECTOR_BYTES).take_while(|sector| is_hole(sector) == hole).count();
            let end = start + run * SECTOR_BYTES;
            if !hole {
                let unit = DataUnit(first + (start / SECTOR_BYTES) as u64);
                self.cipher.get().decrypt_in_place(unit, &mut sectors[start..end]);
            }
            start = end;
        }
    }

    fn write_body(&self, body: &Body, data: &[u8]) -> Result<(), IoFault> {
        for (first, piece) in (body.first..).step_by(PIECE_SECTORS).zip(data.chunks(SCRATCH_BYTES)) {
            with_scratch(|scratch| {
                let sealed = &mut scratch[..piece.len()];
                self.cipher.get().encrypt(DataUnit(first), piece, sealed);
                let at = sector_start(first);
                let _held = self.stripes.hold(at, piece.len() as u64);
                self.below.write_at(at, sealed)
            })?;
        }
        Ok(())
    }

    fn read_edge(&self, edge: &Edge, into: &mut [u8]) -> Result<(), IoFault> {
        let mut sector = HOLE;
        self.read_body(edge.sector, &mut sector)?;
        into.copy_from_slice(&sector[edge.within.clone()]);
        Ok(())
    }

    /// Read, patch, write: one sector, alone.
    fn patch_edge(&self, edge: &Edge, patch: impl FnOnce(&mut [u8])) -> Result<(), IoFault> {
        let at = sector_start(edge.sector);
        let _held = self.stripes.hold(at, SECTOR_BYTES as u64);
        let mut sector = HOLE;
        self.below.read_at(at, &mut sector)?;
        self.open_sectors(edge.sector, &mut sector);
        patch(&mut sector[edge.within.clone()]);
        self.cipher.get().encrypt_in_place(DataUnit(edge.sector), &mut sector);
        self.below.write_at(at, &sector)
    }
}

impl<B: BlockTarget> BlockTarget for EncryptingTarget<B> {
    fn size_bytes(&self) -> u64 {
        self.below.size_bytes()
    }

    fn read_at(&self, at: ByteOffset, into: &mut [u8]) -> Result<(), IoFault> {
        within(self.size_bytes(), at, into.len() as u64)?;
        let span = Span::of(at, into.len());
        if let Some(body) = &span.body {
            self.read_body(body.first, &mut into[body.of_request.clone()])?;
        }
        span.edges().try_for_each(|edge| self.read_edge(edge, &mut into[edge.of_request.clone()]))
    }

    fn write_at(&self, at: ByteOffset, data: &[u8]) -> Result<(), IoFault> {
        within(self.size_bytes(), at, data.len() as u64)?;
        let span = Span::of(at, data.len());
        if let Some(body) = &span.body {
            self.write_body(body, &data[body.of_request.clone()])?;
        }
        span.edges()
            .try_for_each(|edge| self.patch_edge(edge, |place| place.copy_from_slice(&data[edge.of_request.clone()])))
    }

    fn discard(&self, at: ByteOffset, len: u64) -> Result<(), IoFault> {
        within(self.size_bytes(), at, len)?;
        let span = Span::of(at, usize::try_from(len).map_err(|_| IoFault::PastEnd)?);
        if let Some(body) = &span.body {
            let (start, len) = (sector_start(body.first), body.of_request.len() as u64);
            let _held = self.stripes.hold(start, len);
            self.below.discard(start, len)?;
        }
        span.edges().try_for_each(|edge| self.patch_edge(edge, |place| place.fill(0)))
    }

    fn flush(&self) -> Result<(), IoFault> {
        self.below.flush()
    }

    fn seek(&self, at: ByteOffset, what: Seek) -> Result<Option<ByteOffset>, IoFault> {
        self.below.seek(at, what)
    }

    fn grow(&self, size_bytes: u64) -> Result<(), IoFault> {
        self.below.grow(size_bytes)
    }
}

fn sector_start(sector: u64) -> ByteOffset {
    ByteOffset(sector * SECTOR_BYTES as u64)
}

fn is_hole(sector: &[u8]) -> bool {
    // Ciphertext betrays itself in its first bytes; only a hole is compared to the end.
    sector == HOLE
}

#[cfg(test)]
mod tests;
