//! The device against a plain vector of bytes, under everything a kernel may ask of it.

use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;

use super::*;
use crate::device::memory::MemoryTarget;

const SECTORS: usize = 24;
const SIZE: usize = SECTORS * SECTOR_BYTES;

fn key(seed: u8) -> KeyedCipher {
    KeyedCipher::unwitnessed(&(0..64).map(|n| seed.wrapping_add(n)).collect::<Vec<_>>())
}

fn device() -> EncryptingTarget<MemoryTarget> {
    EncryptingTarget::new(MemoryTarget::zeroed(SIZE), key(1))
}

fn all(device: &impl BlockTarget) -> Vec<u8> {
    let mut bytes = vec![0xee; device.size_bytes() as usize];
    device.read_at(ByteOffset(0), &mut bytes).unwrap();
    bytes
}

#[derive(Clone, Debug)]
enum Step {
    Write { at: usize, data: Vec<u8> },
    Discard { at: usize, len: usize },
    Read { at: usize, len: usize },
}

fn ranges() -> impl Strategy<Value = (usize, usize)> {
    let aligned = (0..SECTORS, 0..=SECTORS).prop_map(|(first, count)| (first * SECTOR_BYTES, count * SECTOR_BYTES));
    let ragged = (0..SIZE, 0..2000usize);
    prop_oneof![aligned, ragged].prop_map(|(at, len)| (at, len.min(SIZE - at)))
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        (ranges(), any::<u8>()).prop_map(|((at, len), seed)| Step::Write {
            at,
            data: (0..len).map(|n| (n as u8).wrapping_mul(31).wrapping_add(seed)).collect(),
        }),
        ranges().prop_map(|(at, len)| Step::Discard { at, len }),
        ranges().prop_map(|(at, len)| Step::Read { at, len }),
    ]
}

proptest! {
    #[test]
    fn it_behaves_like_a_vector_of_bytes(steps in prop::collection::vec(steps(), 1..40)) {
        let device = device();
        let mut model = vec![0; SIZE];
        for step in steps {
            match step {
                Step::Write { at, data } => {
                    device.write_at(ByteOffset(at as u64), &data).unwrap();
                    model[at..at + data.len()].copy_from_slice(&data);
                }
                Step::Discard { at, len } => {
                    device.discard(ByteOffset(at as u64), len as u64).unwrap();
                    model[at..at + len].fill(0);
                }
                Step::Read { at, len } => {
                    let mut read = vec![0xee; len];
                    device.read_at(ByteOffset(at as u64), &mut read).unwrap();
                    prop_assert_eq!(&read, &model[at..at + len]);
                }
            }
        }
        prop_assert_eq!(all(&device), model);
    }
}

#[test]
fn what_is_stored_is_ciphertext_and_what_was_never_written_is_nothing() {
    let device = device();
    device.write_at(ByteOffset(512), &[b'S'; 1024]).unwrap();
    let stored = device.below.stored();
    assert!(is_hole(&stored[..512]) && is_hole(&stored[1536..2048]));
    assert!(!stored.windows(4).any(|bytes| bytes == b"SSSS"));
    // The same plaintext in two sectors: the sector number is in the cipher.
    assert_ne!(stored[512..1024], stored[1024..1536]);
}

#[test]
fn written_zeros_are_encrypted_and_discarded_sectors_are_not_decrypted() {
    let device = device();
    device.write_at(ByteOffset(0), &[0; 512]).unwrap();
    assert!(!is_hole(&device.below.stored()[..512]));
    device.discard(ByteOffset(0), 512).unwrap();
    assert!(is_hole(&device.below.stored()[..512]));
    assert_eq!(all(&device), vec![0; SIZE]);
}

#[test]
fn another_key_reads_garbage_and_no_error() {
    let first = device();
    first.write_at(ByteOffset(0), &[b'S'; SIZE]).unwrap();
    let second = EncryptingTarget::new(MemoryTarget::zeroed(SIZE), key(2));
    second.below.write_at(ByteOffset(0), &first.below.stored()).unwrap();
    assert!(!all(&second).windows(4).any(|bytes| bytes == b"SSSS"));
}

#[test]
fn a_large_write_is_cut_into_scratch_sized_pieces_and_comes_back_whole() {
    let size = 3 * SCRATCH_BYTES + SECTOR_BYTES;
    let device = EncryptingTarget::new(MemoryTarget::zeroed(size), key(1));
    let data: Vec<u8> = (0..size).map(|n| (n / 7) as u8).collect();
    device.write_at(ByteOffset(0), &data).unwrap();
    assert_eq!(all(&device), data);
}

#[test]
fn the_end_of_the_device_is_the_end() {
    let device = device();
    let end = ByteOffset(SIZE as u64 - 512);
    assert_eq!(device.write_at(end, &[1; 1024]), Err(IoFault::PastEnd));
    assert_eq!(device.read_at(end, &mut [1; 1024]), Err(IoFault::PastEnd));
    assert_eq!(device.discard(end, 1024), Err(IoFault::PastEnd));
    assert_eq!(all(&device), vec![0; SIZE]);
}

/// A medium on which everything takes its time: others come in between a read and what follows it, and between the
/// two halves of a written sector. What a disk's cache does once in a million times happens here always.
struct Dawdling(MemoryTarget);

fn dawdle() {
    for _ in 0..3 {
        std::thread::yield_now();
    }
}

impl BlockTarget for Dawdling {
    fn size_bytes(&self) -> u64 {
        self.0.size_bytes()
    }

    fn read_at(&self, at: ByteOffset, into: &mut [u8]) -> Result<(), IoFault> {
        self.0.read_at(at, into)?;
        dawdle();
        Ok(())
    }

    fn write_at(&self, at: ByteOffset, data: &[u8]) -> Result<(), IoFault> {
        // The borders of the halves lie inside sectors and inside cipher blocks.
        for (n, half) in data.chunks(260).enumerate() {
            self.0.write_at(ByteOffset(at.0 + 260 * n as u64), half)?;
            dawdle();
        }
        Ok(())
    }

    fn discard(&self, at: ByteOffset, len: u64) -> Result<(), IoFault> {
        self.0.discard(at, len)
    }

    fn flush(&self) -> Result<(), IoFault> {
        Ok(())
    }

    fn seek(&self, at: ByteOffset, what: Seek) -> Result<Option<ByteOffset>, IoFault> {
        self.0.seek(at, what)
    }
}

fn dawdling() -> EncryptingTarget<Dawdling> {
    EncryptingTarget::new(Dawdling(MemoryTarget::zeroed(SIZE)), key(1))
}

/// Writers put one byte value over whole sectors; every read must see each sector in the state between two writes.
#[test]
fn overlapping_writes_never_mix_within_a_sector() {
    let device = dawdling();
    device.write_at(ByteOffset(0), &[1; SIZE]).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for value in [1u8, 2, 3] {
            let (device, stop) = (&device, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    device.write_at(ByteOffset(0), &[value; SIZE]).unwrap();
                }
            });
        }
        let torn = (0..100)
            .flat_map(|_| all(&device).chunks(SECTOR_BYTES).map(<[u8]>::to_vec).collect::<Vec<_>>())
            .find(|sector| !matches!(sector[0], 1..=3) || sector.iter().any(|byte| *byte != sector[0]));
        stop.store(true, Ordering::Relaxed);
        assert_eq!(torn, None, "a sector half old, half new");
    });
}

/// Two threads own the two halves of one sector and rewrite them raggedly. Neither may undo the other.
#[test]
fn ragged_writers_of_one_sector_do_not_undo_each_other() {
    let device = dawdling();
    let start = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        for (at, mark) in [(0u64, 10u8), (256, 20)] {
            let (device, start) = (&device, &start);
            scope.spawn(move || {
                start.wait();
                for round in 0..200u32 {
                    let value = mark + (round % 7) as u8;
                    device.write_at(ByteOffset(at), &[value; 256]).unwrap();
                    let mut back = [0; 256];
                    device.read_at(ByteOffset(at), &mut back).unwrap();
                    assert_eq!(back, [value; 256]);
                }
            });
        }
    });
}

/// A ragged write beside an aligned one over the same sector: the aligned one's bytes must not be lost.
#[test]
fn a_ragged_write_does_not_undo_an_aligned_one() {
    let device = dawdling();
    let start = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        let (device, start) = (&device, &start);
        scope.spawn(move || {
            start.wait();
            (0..400).for_each(|_| device.write_at(ByteOffset(3), &[9; 5]).unwrap());
        });
        start.wait();
        for round in 0..200u32 {
            let value = (round % 7) as u8 + 1;
            device.write_at(ByteOffset(0), &[value; 512]).unwrap();
            let mut back = [0; 504];
            device.read_at(ByteOffset(8), &mut back).unwrap();
            assert_eq!(back, [value; 504]);
        }
    });
}

struct Failing(IoFault);

impl BlockTarget for Failing {
    fn size_bytes(&self) -> u64 {
        SIZE as u64
    }

    fn read_at(&self, _: ByteOffset, into: &mut [u8]) -> Result<(), IoFault> {
        into.fill(0);
        Ok(())
    }

    fn write_at(&self, _: ByteOffset, _: &[u8]) -> Result<(), IoFault> {
        Err(self.0)
    }

    fn discard(&self, _: ByteOffset, _: u64) -> Result<(), IoFault> {
        Err(self.0)
    }

    fn flush(&self) -> Result<(), IoFault> {
        Err(self.0)
    }

    fn seek(&self, _: ByteOffset, _: Seek) -> Result<Option<ByteOffset>, IoFault> {
        Err(self.0)
    }
}

#[test]
fn what_the_medium_says_reaches_the_writer() {
    for fault in [IoFault::NoSpace, IoFault::Medium] {
        let device = EncryptingTarget::new(Failing(fault), key(1));
        assert_eq!(device.write_at(ByteOffset(0), &[1; 512]), Err(fault));
        assert_eq!(device.write_at(ByteOffset(3), &[1; 5]), Err(fault));
        assert_eq!(device.discard(ByteOffset(0), 512), Err(fault));
        assert_eq!(device.flush(), Err(fault));
    }
}
