//! Snapshots against plain vectors of bytes: any mixture of writes, discards, snapshots, restores and deletions, and an
//! end at any moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::map::ChunkMap;
use super::restore::{Resealing, fill};
use super::upload::{Upload, Uploaded};
use crate::device::block_device::{BlockTarget, ByteOffset, IoFault, SECTOR_BYTES, Seek};
use crate::device::chunk::{CHUNK_BYTES, Shelf};
use crate::device::cipher::KeyedCipher;
use crate::device::encrypting::EncryptingTarget;
use crate::device::frozen::{Frozen, Refuge};
use crate::device::memory::MemoryTarget;
use crate::device::preserving::{Guard, PreservingTarget};

const CHUNKS: usize = 4;
const SIZE: usize = CHUNKS * CHUNK_BYTES;

type Chunks = BTreeMap<(String, u64), Vec<u8>>;

/// Chunks in memory. After so many steps it does nothing any more, as a process that has been killed.
#[derive(Clone, Default)]
struct MemoryShelf {
    chunks: Arc<Mutex<Chunks>>,
    steps_left: Option<Arc<AtomicI64>>,
}

impl MemoryShelf {
    fn step(&self) -> Result<(), IoFault> {
        let alive = self.steps_left.as_ref().is_none_or(|left| left.fetch_sub(1, Ordering::Relaxed) > 0);
        if alive { Ok(()) } else { Err(IoFault::Medium) }
    }

    fn names(&self) -> BTreeSet<(String, u64)> {
        self.chunks.lock().unwrap().keys().cloned().collect()
    }
}

impl Shelf for MemoryShelf {
    fn put(&self, owner: &str, chunk: u64, bytes: &[u8]) -> Result<(), IoFault> {
        self.step()?;
        self.chunks.lock().unwrap().insert((owner.into(), chunk), bytes.to_vec());
        Ok(())
    }

    fn get(&self, owner: &str, chunk: u64) -> Result<Vec<u8>, IoFault> {
        self.chunks.lock().unwrap().get(&(owner.to_owned(), chunk)).cloned().ok_or(IoFault::Medium)
    }

    fn remove(&self, owner: &str, chunk: u64) -> Result<(), IoFault> {
        self.step()?;
        self.chunks.lock().unwrap().remove(&(owner.to_owned(), chunk));
        Ok(())
    }
}

/// Keeps on a shelf; a loss is written down in `lost`, unless that fails, too.
struct TestRefuge {
    shelf: MemoryShelf,
    owner: String,
    lost: Arc<Mutex<BTreeSet<String>>>,
    deaf: bool,
}

impl Refuge for TestRefuge {
    fn keep(&self, chunk: u64, bytes: &[u8]) -> Result<(), IoFault> {
        self.shelf.put(&self.owner, chunk, bytes)
    }

    fn give_up(&self, _: IoFault) -> Result<(), IoFault> {
        if self.deaf {
            return Err(IoFault::Medium);
        }
        self.lost.lock().unwrap().insert(self.owner.clone());
        Ok(())
    }
}

fn key(seed: u8) -> KeyedCipher {
    KeyedCipher::unwitnessed(&(0..64).map(|n| seed.wrapping_add(n)).collect::<Vec<_>>())
}

/// A memory that several hold.
#[derive(Clone)]
struct Shared(Arc<MemoryTarget>);

impl BlockTarget for Shared {
    fn size_bytes(&self) -> u64 {
        self.0.size_bytes()
    }

    fn read_at(&self, at: ByteOffset, into: &mut [u8]) -> Result<(), IoFault> {
        self.0.read_at(at, into)
    }

    fn write_at(&self, at: ByteOffset, data: &[u8]) -> Result<(), IoFault> {
        self.0.write_at(at, data)
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

/// One volume with its snapshots, pending and whole.
struct Lab {
    medium: Shared,
    guard: Arc<Guard>,
    device: EncryptingTarget<PreservingTarget<Shared>>,
    shelf: MemoryShelf,
    lost: Arc<Mutex<BTreeSet<String>>>,
    pending: BTreeMap<String, Arc<Frozen>>,
    whole: BTreeMap<String, ChunkMap>,
}

impl Lab {
    fn new(shelf: MemoryShelf) -> Self {
        Self::on(Shared(Arc::new(MemoryTarget::zeroed(SIZE))), shelf)
    }

    fn on(medium: Shared, shelf: MemoryShelf) -> Self {
        let guard = Arc::new(Guard::default());
        let device = EncryptingTarget::new(PreservingTarget::new(medium.clone(), guard.clone()), key(1));
        Self { medium, guard, device, shelf, lost: Arc::default(), pending: BTreeMap::new(), whole: BTreeMap::new() }
    }

    fn frozen(&self, owner: &str, deaf: bool) -> Arc<Frozen> {
        let refuge = TestRefuge { shelf: self.shelf.clone(), owner: owner.into(), lost: self.lost.clone(), deaf };
        Arc::new(Frozen::new(SIZE as u64, Box::new(refuge)))
    }

    fn freeze(&mut self, owner: &str) {
        let image = self.frozen(owner, false);
        self.guard.arm(image.clone());
        self.pending.insert(owner.into(), image);
    }

    /// What another process does with a pending snapshot that it finds.
    fn freeze_again(&mut self, owner: &str) {
        self.freeze(owner);
        let kept = self.shelf.names().into_iter().filter(|(other, _)| other == owner);
        kept.for_each(|(_, chunk)| self.pending[owner].mark_kept(chunk));
    }

    fn with_upload<T>(&self, owner: &str, base: &ChunkMap, work: impl FnOnce(&Upload<'_>) -> T) -> T {
        let (image, looked_at, stopping) = (self.pending[owner].clone(), AtomicU64::new(0), AtomicBool::new(false));
        let (medium, shelf) = (&self.medium, &self.shelf);
        work(&Upload {
            medium,
            image: &image,
            shelf,
            owner: owner.into(),
            base,
            looked_at: &looked_at,
            stopping: &stopping,
        })
    }

    fn upload(&mut self, owner: &str) -> Result<(), IoFault> {
        let base = self.whole.values().next_back().cloned().unwrap_or_default();
        let map = whole(self.with_upload(owner, &base, |upload| upload.run())?);
        self.guard.disarm(&self.pending[owner]);
        self.with_upload(owner, &base, |upload| upload.tidy(map.as_ref()));
        self.pending.remove(owner);
        self.whole.extend(map.map(|map| (owner.into(), map)));
        Ok(())
    }

    /// Mark and sweep.
    fn delete(&mut self, owner: &str) {
        let Some(map) = self.whole.remove(owner) else { return };
        let live: BTreeSet<_> = self.whole.values().flat_map(ChunkMap::names).collect();
        for (owner, chunk) in map.names().filter(|name| !live.contains(name)) {
            self.shelf.remove(&owner, chunk).unwrap();
        }
    }

    fn restored(&self, owner: &str) -> Vec<u8> {
        let target = MemoryTarget::zeroed(SIZE);
        fill(&target, &self.shelf, &self.whole[owner], None).unwrap();
        all(&EncryptingTarget::new(target, key(1)))
    }
}

fn whole(uploaded: Uploaded) -> Option<ChunkMap> {
    match uploaded {
        Uploaded::Whole(map) => Some(map),
        Uploaded::Over | Uploaded::Interrupted => None,
    }
}

fn all(device: &impl BlockTarget) -> Vec<u8> {
    let mut bytes = vec![0xee; device.size_bytes() as usize];
    device.read_at(ByteOffset(0), &mut bytes).unwrap();
    bytes
}

#[derive(Clone, Debug)]
enum Step {
    Write { at: usize, len: usize, seed: u8 },
    Discard { at: usize, len: usize },
    Freeze,
    Upload(usize),
    Delete(usize),
}

fn ranges() -> impl Strategy<Value = (usize, usize)> {
    let sectors = SIZE / SECTOR_BYTES;
    let aligned = (0..sectors, 0..64usize).prop_map(|(first, count)| (first * SECTOR_BYTES, count * SECTOR_BYTES));
    let ragged = (0..SIZE, 0..3000usize);
    let border = (1..CHUNKS, 1..2000usize, 1..2000usize).prop_map(|(n, a, b)| (n * CHUNK_BYTES - a, a + b));
    let chunks = (0..CHUNKS, 1..=CHUNKS).prop_map(|(first, count)| (first * CHUNK_BYTES, count * CHUNK_BYTES));
    prop_oneof![aligned, ragged, border, chunks].prop_map(|(at, len)| (at, len.min(SIZE - at)))
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (ranges(), any::<u8>()).prop_map(|((at, len), seed)| Step::Write { at, len, seed }),
        2 => ranges().prop_map(|(at, len)| Step::Discard { at, len }),
        2 => Just(Step::Freeze),
        2 => any::<usize>().prop_map(Step::Upload),
        1 => any::<usize>().prop_map(Step::Delete),
    ]
}

fn pattern(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|n| (n as u8).wrapping_mul(31).wrapping_add(seed)).collect()
}

/// The lab and, beside it, what everything should be.
struct Checked {
    lab: Lab,
    model: Vec<u8>,
    images: BTreeMap<String, Vec<u8>>,
}

impl Checked {
    fn new(shelf: MemoryShelf) -> Self {
        Self { lab: Lab::new(shelf), model: vec![0; SIZE], images: BTreeMap::new() }
    }

    fn apply(&mut self, step: &Step) -> Result<(), IoFault> {
        match step {
            Step::Write { at, len, seed } => {
                let data = pattern(*len, *seed);
                self.lab.device.write_at(ByteOffset(*at as u64), &data)?;
                self.model[*at..at + len].copy_from_slice(&data);
            }
            Step::Discard { at, len } => {
                self.lab.device.discard(ByteOffset(*at as u64), *len as u64)?;
                self.model[*at..at + len].fill(0);
            }
            Step::Freeze => {
                let owner = format!("snap-{:04}", self.images.len());
                self.lab.freeze(&owner);
                self.images.insert(owner, self.model.clone());
            }
            Step::Upload(n) => {
                if let Some(owner) = nth(&self.lab.pending, *n) {
                    self.lab.upload(&owner)?;
                }
            }
            Step::Delete(n) => {
                if let Some(owner) = nth(&self.lab.whole, *n) {
                    self.lab.delete(&owner);
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self) {
        let pending: Vec<String> = self.lab.pending.keys().cloned().collect();
        pending.iter().for_each(|owner| self.lab.upload(owner).unwrap());
    }

    /// Each whole snapshot is exact, and the shelf holds what they name and nothing else.
    fn check(&self) {
        for owner in self.lab.whole.keys() {
            assert!(self.lab.restored(owner) == self.images[owner], "{owner} is not what it was");
        }
        let named = self.lab.whole.values().flat_map(ChunkMap::names).map(|(owner, chunk)| (owner.to_string(), chunk));
        assert_eq!(self.lab.shelf.names(), named.collect::<BTreeSet<_>>());
    }
}

fn nth<V>(of: &BTreeMap<String, V>, n: usize) -> Option<String> {
    of.keys().nth(n.checked_rem(of.len())?).cloned()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn snapshots_are_what_the_volume_was(steps in prop::collection::vec(steps(), 1..30)) {
        let mut it = Checked::new(MemoryShelf::default());
        for step in &steps {
            it.apply(step).unwrap();
        }
        it.finish();
        prop_assert!(all(&it.lab.device) == it.model);
        it.check();
    }

    /// The process is killed at some access to the shelf. The next one has the file and the shelf as they are, and the
    /// rows: which snapshots are pending and which are whole.
    #[test]
    fn a_kill_at_any_access_leaves_snapshots_exact(steps in prop::collection::vec(steps(), 1..30), life in 0i64..12) {
        let shelf = MemoryShelf { steps_left: Some(Arc::new(AtomicI64::new(life))), ..MemoryShelf::default() };
        let mut it = Checked::new(shelf);
        // A dead process writes nothing down, not even that a snapshot is lost.
        let mut killed = false;
        for step in &steps {
            let before: BTreeSet<String> = it.lab.lost.lock().unwrap().clone();
            let unharmed = it.medium_before();
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| it.apply(step)));
            if !matches!(done, Ok(Ok(()))) || *it.lab.lost.lock().unwrap() != before {
                it.die(unharmed);
                killed = true;
                break;
            }
        }
        let survivor = MemoryShelf { chunks: it.lab.shelf.chunks.clone(), steps_left: None };
        let mut lab = Lab::on(it.lab.medium.clone(), survivor);
        lab.whole = it.lab.whole.clone();
        // What the sweep at start does.
        let pending: Vec<String> = it.lab.pending.keys().cloned().collect();
        let live: BTreeSet<_> = lab.whole.values().flat_map(ChunkMap::names).map(|(o, c)| (o.to_string(), c)).collect();
        lab.shelf.chunks.lock().unwrap().retain(|name, _| pending.contains(&name.0) || live.contains(name));
        pending.iter().for_each(|owner| lab.freeze_again(owner));
        it.lab = lab;
        // Life goes on before the uploads do.
        let model = all(&it.lab.device);
        prop_assert!(killed || model == it.model);
        it.model = model;
        it.apply(&Step::Write { at: 1000, len: SIZE - 2000, seed: 99 }).unwrap();
        it.finish();
        it.check();
    }
}

impl Checked {
    fn medium_before(&self) -> Vec<u8> {
        self.lab.medium.0.stored()
    }

    /// Killed in the shelf: what the medium got after that moment, it never got.
    fn die(&mut self, medium: Vec<u8>) {
        self.lab.lost.lock().unwrap().clear();
        self.lab.medium.0.discard(ByteOffset(0), SIZE as u64).unwrap();
        self.lab.medium.0.write_at(ByteOffset(0), &medium).unwrap();
    }
}

#[test]
fn only_changed_chunks_are_kept_anew() {
    let mut lab = Lab::new(MemoryShelf::default());
    lab.device.write_at(ByteOffset(0), &[1; 3 * CHUNK_BYTES]).unwrap();
    lab.freeze("snap-a");
    lab.upload("snap-a").unwrap();
    lab.device.write_at(ByteOffset(CHUNK_BYTES as u64), &[2; 512]).unwrap();
    // The same bytes again are no change.
    lab.device.write_at(ByteOffset(0), &[1; 512]).unwrap();
    lab.freeze("snap-b");
    lab.upload("snap-b").unwrap();
    let owners: Vec<_> = lab.whole["snap-b"].names().map(|(owner, chunk)| format!("{owner} {chunk}")).collect();
    assert_eq!(owners, ["snap-a 0", "snap-b 1", "snap-a 2"]);
    lab.delete("snap-a");
    let left: Vec<_> = lab.shelf.names().into_iter().map(|(owner, chunk)| format!("{owner} {chunk}")).collect();
    assert_eq!(left, ["snap-a 0", "snap-a 2", "snap-b 1"]);
}

/// A writer copies a chunk that the upload has found to be the base's: the copy is not needed, and goes.
#[test]
fn a_copy_that_came_too_late_goes() {
    let mut lab = Lab::new(MemoryShelf::default());
    lab.device.write_at(ByteOffset(0), &[1; CHUNK_BYTES]).unwrap();
    lab.freeze("snap-a");
    lab.upload("snap-a").unwrap();
    lab.freeze("snap-b");
    let base = lab.whole["snap-a"].clone();
    let map = whole(lab.with_upload("snap-b", &base, |upload| upload.run()).unwrap());
    lab.device.write_at(ByteOffset(0), &[2; 512]).unwrap();
    assert_eq!(lab.shelf.names().len(), 2);
    lab.with_upload("snap-b", &base, |upload| upload.tidy(map.as_ref()));
    assert_eq!(lab.shelf.names().into_iter().next(), Some(("snap-a".into(), 0)));
    assert_eq!((lab.shelf.names().len(), map), (1, Some(base)));
}

/// A full shelf costs the snapshot, never the write; and only when the loss itself is written down.
#[test]
fn a_copy_that_fails_costs_the_snapshot_and_not_the_write() {
    let full = || MemoryShelf { steps_left: Some(Arc::new(AtomicI64::new(0))), ..MemoryShelf::default() };
    let mut lab = Lab::new(full());
    lab.freeze("snap-a");
    lab.device.write_at(ByteOffset(0), &[1; 512]).unwrap();
    assert_eq!(*lab.lost.lock().unwrap(), BTreeSet::from(["snap-a".into()]));
    assert_eq!(lab.with_upload("snap-a", &ChunkMap::default(), |upload| upload.run()), Ok(Uploaded::Over));

    let lab = Lab::new(full());
    lab.guard.arm(lab.frozen("snap-b", true));
    assert_eq!(lab.device.write_at(ByteOffset(0), &[1; 512]), Err(IoFault::Medium));
    assert_eq!(lab.medium.0.stored()[..512], [0; 512], "nothing may change before the loss is known");
}

/// Another key: every written sector is sealed anew, holes stay holes.
#[test]
fn a_restore_under_another_key_reads_the_same() {
    let mut lab = Lab::new(MemoryShelf::default());
    lab.device.write_at(ByteOffset(1000), &[b'S'; 5000]).unwrap();
    lab.device.write_at(ByteOffset(3 * CHUNK_BYTES as u64), &[b'T'; 512]).unwrap();
    lab.freeze("snap-a");
    lab.upload("snap-a").unwrap();
    let target = MemoryTarget::zeroed(SIZE);
    fill(&target, &lab.shelf, &lab.whole["snap-a"], Some(&Resealing { from: key(1), to: key(2) })).unwrap();
    let (old, new) = (lab.medium.0.stored(), target.stored());
    for (old, new) in old.chunks(SECTOR_BYTES).zip(new.chunks(SECTOR_BYTES)) {
        let written = old.iter().any(|byte| *byte != 0);
        assert_eq!(new.iter().any(|byte| *byte != 0), written);
        assert!(!written || old != new);
    }
    assert!(all(&EncryptingTarget::new(target, key(2))) == all(&lab.device));
}

/// Writers at full speed while snapshots are taken and uploaded: each snapshot is one moment. The writer counts up in
/// all chunks, one after the other, so that at any moment the counters fall along the chunks, by one at most.
#[test]
fn a_snapshot_is_one_moment_while_others_write() {
    use crate::device::live::LiveDevice;

    let medium = Shared(Arc::new(MemoryTarget::zeroed(SIZE)));
    let mut lab = Lab::on(medium.clone(), MemoryShelf::default());
    let engine = EncryptingTarget::new(PreservingTarget::new(medium, lab.guard.clone()), key(1));
    let live = LiveDevice::new(Box::new(engine), aws_core::time::Timestamp::UNIX_EPOCH);
    let (stop, rounds) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for count in 1u64.. {
                for chunk in 0..CHUNKS {
                    let sector = [count.to_le_bytes(); SECTOR_BYTES / 8].concat();
                    live.write_at(ByteOffset((chunk * CHUNK_BYTES) as u64), &sector).unwrap();
                }
                rounds.store(count, Ordering::Release);
                if stop.load(Ordering::Acquire) {
                    return;
                }
            }
        });
        for n in 0..20 {
            let seen = rounds.load(Ordering::Acquire);
            while rounds.load(Ordering::Acquire) < seen + 2 {
                std::thread::yield_now();
            }
            let owner = format!("snap-{n:02}");
            let paused = live.pause();
            lab.freeze(&owner);
            drop(paused);
            lab.upload(&owner).unwrap();
        }
        stop.store(true, Ordering::Release);
    });
    for owner in lab.whole.keys() {
        let image = lab.restored(owner);
        let counts: Vec<u64> =
            image.chunks(CHUNK_BYTES).map(|c| u64::from_le_bytes(c[..8].try_into().unwrap())).collect();
        assert!(counts.is_sorted_by(|a, b| a >= b) && counts[0] - counts[CHUNKS - 1] <= 1, "{owner}: {counts:?}");
    }
    assert_eq!(lab.whole.len(), 20);
}
