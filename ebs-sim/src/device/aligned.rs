//! A page-aligned buffer per thread: allocated once, before it is needed, so that the write path never grows memory
//! while the kernel waits for this very writer to free some.

use std::cell::RefCell;

use super::chunk::CHUNK_BYTES;

const PAGE_BYTES: usize = 4096;

/// The largest piece that is encrypted and written at once.
pub const SCRATCH_BYTES: usize = 256 * 1024;

/// Bytes whose first stands at a page border.
#[derive(Debug)]
pub struct AlignedBuf {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl AlignedBuf {
    /// `len` zeros.
    pub fn zeroed(len: usize) -> Self {
        let bytes = vec![0; len + PAGE_BYTES];
        let start = bytes.as_ptr().align_offset(PAGE_BYTES);
        Self { bytes, start, len }
    }

    /// The bytes.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + self.len]
    }
}

thread_local! {
    static CHUNK: RefCell<AlignedBuf> = RefCell::new(AlignedBuf::zeroed(CHUNK_BYTES));
    static SCRATCH: RefCell<AlignedBuf> = RefCell::new(AlignedBuf::zeroed(SCRATCH_BYTES));
}

/// Lends this thread's scratch. It only ever holds ciphertext.
pub fn with_scratch<T>(work: impl FnOnce(&mut [u8]) -> T) -> T {
    SCRATCH.with_borrow_mut(|scratch| work(scratch.as_mut_slice()))
}

/// Lends this thread's room for one chunk. It only ever holds ciphertext.
pub fn with_chunk_buffer<T>(work: impl FnOnce(&mut [u8]) -> T) -> T {
    CHUNK.with_borrow_mut(|chunk| work(chunk.as_mut_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scratch_stands_on_a_page_border_and_stays_where_it_is() {
        let place = |bytes: &mut [u8]| (bytes.as_ptr() as usize, bytes.len());
        let first = with_scratch(place);
        assert_eq!((first.0 % PAGE_BYTES, first.1), (0, SCRATCH_BYTES));
        assert_eq!(with_scratch(place), first);
    }
}
