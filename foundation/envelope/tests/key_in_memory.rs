//! Where are keys in this process? A volume's key once, in locked memory, for as long as its cipher lives; then
//! nowhere.
//!
//! The test reads its own memory through `/proc/self/mem` and counts. It must not add copies itself: the needle is
//! kept masked, and the buffer for reading is left out of the count. Keys are used on a thread that then stands still,
//! so that its stack keeps what was left there.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::hint::black_box;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, mpsc};

use envelope::blob::{CiphertextBlob, Origin, seal_blob};
use envelope::context::EncryptionContext;
use envelope::data_key::{PlaintextDataKey, Witness};
use envelope::derive::{hkdf_sha256, kbkdf_counter};
use envelope::entropy::SeededEntropy;
use envelope::secret::Secret;
use envelope::segment::{Opener, PartId, Sealer, SegmentIndex};
use envelope::wrap::{unwrap, wrap};
use envelope::xts::{Backend, DATA_UNIT_BYTES, DataUnit, VolumeCipher};

const MASK: u8 = 0xa5;

/// One test at a time: while one reads memory, its buffer holds copies that the other would count.
static ALONE: Mutex<()> = Mutex::new(());

struct Nobody;

impl Witness for Nobody {
    fn born(&self) {}
    fn dropped(&self) {}
}

#[test]
fn the_key_is_in_memory_once_and_then_not_at_all() {
    let _alone = ALONE.lock();
    let worker = Worker::start();
    for (round, backend) in Backend::available().into_iter().filter(|backend| *backend != Backend::Null).enumerate() {
        let seed = black_box(round as u64 + 1);
        let key = PlaintextDataKey::born(Secret::filled(64, |key| fill(key, seed, 0)), Box::new(Nobody));
        assert_eq!(counts(seed), [1, 1], "the key itself");
        let (cipher, key) = worker.run(move || (VolumeCipher::with_backend(&key, backend).unwrap(), key));
        assert_eq!(counts(seed), [2, 2], "{backend}: the key and the cipher");
        drop(key);
        assert_eq!(counts(seed), [1, 1], "{backend}: the cipher alone");
        let cipher = worker.run(move || {
            use_it(&cipher);
            cipher
        });
        assert_eq!(counts(seed), [1, 1], "{backend}: the cipher after use");
        worker.run(move || drop(cipher));
        assert_eq!(counts(seed), [0, 0], "{backend}: after the cipher");
    }
}

/// A data key is born in the HSM, wrapped, unwrapped, and seals and opens a body. When its last holder is dropped,
/// nothing of it is left: not in the blocks of a hash, not in a cipher's temporaries.
#[test]
fn a_data_key_leaves_nothing_behind() {
    let _alone = ALONE.lock();
    let (worker, seed) = (Worker::start(), black_box(77));
    let data_key = worker.run(move || Secret::filled(64, |key| fill(key, seed, 0)));
    let data_key = worker.run(move || {
        wrap_and_unwrap(data_key.expose());
        data_key
    });
    assert_eq!(counts(seed), [1, 1], "after KMS has wrapped and unwrapped it");
    let data_key = worker.run(move || {
        seal_and_open(&data_key.expose()[..32]);
        data_key
    });
    assert_eq!(counts(seed), [1, 1], "after S3 has used it");
    let data_key = worker.run(move || {
        hkdf_sha256(&data_key.expose()[..32], b"salt", b"info", &mut [0; 71]);
        data_key
    });
    assert_eq!(counts(seed), [1, 1], "after HKDF");
    let data_key = worker.run(move || {
        kbkdf_counter(&data_key.expose()[..32], b"fixed", &mut [0; 32]);
        data_key
    });
    assert_eq!(counts(seed), [1, 1], "after SP 800-108");
    worker.run(move || drop(data_key));
    assert_eq!(counts(seed), [0, 0], "after its last holder");
}

#[inline(never)]
fn wrap_and_unwrap(key: &[u8]) {
    let (backing, entropy) = (Secret::copied(&[3; 32]), SeededEntropy::new(1));
    let context = EncryptionContext::default();
    let blob = seal_blob(&backing, [9; 32], Origin::DataKey, &context, key, &entropy);
    let opened = CiphertextBlob::parse(&blob).unwrap().open(&backing, &context).unwrap();
    let wrapped = wrap(&backing, b"name", opened.expose(), &entropy);
    assert_eq!(unwrap(&backing, b"name", &wrapped).unwrap().len(), key.len());
}

#[inline(never)]
fn seal_and_open(key: &[u8]) {
    let (id, mut body) = (PartId { blob: [1; 16], part_number: 1 }, Vec::new());
    let mut sealer = Sealer::start(key, id, &SeededEntropy::new(1), &mut body);
    sealer.push(&[5; 100_000], &mut body).unwrap();
    sealer.finish(&mut body).unwrap();
    let (header, segments) = body.split_first_chunk_mut().unwrap();
    let mut plain = Vec::new();
    let opener = Opener::new(header, key, id).unwrap();
    opener.open_run(100_000, SegmentIndex(0), segments, &mut plain).unwrap();
    assert_eq!(plain, [5; 100_000]);
}

/// A thread that does one thing and then stands still, so that what it left on its stack stays there to be found.
struct Worker(mpsc::Sender<Box<dyn FnOnce() + Send>>);

impl Worker {
    fn start() -> Self {
        let (sender, jobs) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
        std::thread::spawn(move || jobs.into_iter().for_each(|job| job()));
        Self(sender)
    }

    fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        let (sender, done) = mpsc::channel();
        self.0.send(Box::new(move || sender.send(job()).unwrap())).unwrap();
        done.recv().unwrap()
    }
}

#[inline(never)]
fn use_it(cipher: &VolumeCipher) {
    for units in [1, 3, 8, 64, 100] {
        let (src, mut dst) = (vec![1; units * DATA_UNIT_BYTES], vec![0; units * DATA_UNIT_BYTES]);
        cipher.encrypt(DataUnit(5), &src, &mut dst);
        cipher.encrypt_in_place(DataUnit(5), &mut dst);
        cipher.decrypt_in_place(DataUnit(5), &mut dst);
        cipher.decrypt(DataUnit(5), &src, &mut dst);
    }
}

/// Key bytes that stand in no constant of the program.
fn fill(out: &mut [u8], seed: u64, mask: u8) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for byte in out {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *byte = (state >> 32) as u8 ^ mask;
    }
}

/// How often the first and the second half of the key are found.
fn counts(seed: u64) -> [usize; 2] {
    let mut masked = [0; 64];
    fill(&mut masked, seed, MASK);
    let (memory, mut window) = (File::open("/proc/self/mem").unwrap(), vec![0; 1 << 20]);
    let own = window.as_ptr() as u64..window.as_ptr() as u64 + window.len() as u64;
    let mut found = [0, 0];
    for region in regions().into_iter().flat_map(|region| without(region, &own)) {
        let mut at = region.start;
        while at < region.end {
            let len = (region.end - at).min(window.len() as u64) as usize;
            if memory.read_exact_at(&mut window[..len], at).is_err() {
                break;
            }
            for (found, half) in found.iter_mut().zip(masked.chunks(32)) {
                *found += window[..len].windows(32).filter(|there| same(there, half)).count();
            }
            // Overlapping by one byte less than a needle: none is missed at a border, none is counted twice.
            at += if len == window.len() { len as u64 - 31 } else { len as u64 };
        }
    }
    window.fill(0);
    black_box(&window);
    found
}

fn same(there: &[u8], masked: &[u8]) -> bool {
    there.iter().zip(masked).all(|(there, masked)| there ^ MASK == *masked)
}

/// All writable mappings: where data can be.
fn regions() -> Vec<Range<u64>> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let writable = maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|rights| rights.starts_with("rw")));
    writable
        .map(|line| line.split_once(' ').unwrap().0.split_once('-').unwrap())
        .map(|(from, to)| u64::from_str_radix(from, 16).unwrap()..u64::from_str_radix(to, 16).unwrap())
        .collect()
}

fn without(region: Range<u64>, hole: &Range<u64>) -> Vec<Range<u64>> {
    let before = region.start..region.end.min(hole.start);
    let after = region.start.max(hole.end)..region.end;
    [before, after].into_iter().filter(|part| part.start < part.end).collect()
}
