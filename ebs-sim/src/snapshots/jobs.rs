//! What is under way: guards of volumes, snapshots being made, maps that somebody reads from, chunks that may go.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::watch;

use super::map::{ChunkMap, ChunkName};
use crate::device::block_device::IoFault;
use crate::device::chunk::Shelf;
use crate::device::file::FileTarget;
use crate::device::frozen::{Frozen, Refuge};
use crate::device::preserving::Guard;
use crate::model::snapshot::{Snapshot, SnapshotState};
use crate::store::Tables;

/// All of it.
pub(crate) struct Snapshots {
    shelf: Arc<dyn Shelf>,
    guards: Mutex<HashMap<String, Weak<Guard>>>,
    jobs: Mutex<HashMap<String, Arc<Job>>>,
    waiting: Mutex<Vec<Arc<Job>>>,
    pins: Mutex<Vec<Weak<ChunkMap>>>,
    doomed: Mutex<BTreeSet<ChunkName>>,
    stopping: AtomicBool,
}

/// A snapshot being made.
pub(crate) struct Job {
    /// As it was when it began.
    pub(crate) snapshot: Snapshot,
    pub(crate) image: Arc<Frozen>,
    pub(crate) guard: Arc<Guard>,
    /// The volume's file, for reading.
    pub(crate) medium: FileTarget,
    pub(crate) looked_at: AtomicU64,
    /// The volume is gone: a restart could not finish this.
    pub(crate) orphaned: AtomicBool,
    pub(crate) done: watch::Sender<bool>,
}

impl Snapshots {
    pub(crate) fn new(shelf: Arc<dyn Shelf>) -> Self {
        Self {
            shelf,
            guards: Mutex::default(),
            jobs: Mutex::default(),
            waiting: Mutex::default(),
            pins: Mutex::default(),
            doomed: Mutex::default(),
            stopping: AtomicBool::new(false),
        }
    }

    pub(crate) fn shelf(&self) -> &Arc<dyn Shelf> {
        &self.shelf
    }

    /// The guard of a volume: the same for all, as long as anybody has it.
    pub(crate) fn guard(&self, volume_id: &str) -> Arc<Guard> {
        let mut guards = lock(&self.guards);
        guards.retain(|_, guard| guard.strong_count() > 0);
        let known = guards.get(volume_id).and_then(Weak::upgrade);
        known.unwrap_or_else(|| {
            let guard = Arc::new(Guard::default());
            guards.insert(volume_id.into(), Arc::downgrade(&guard));
            guard
        })
    }

    /// A job for a snapshot, not frozen yet.
    pub(crate) fn job(&self, tables: &Tables, snapshot: Snapshot, medium: FileTarget) -> Arc<Job> {
        let refuge = Place { shelf: self.shelf.clone(), tables: tables.clone(), id: snapshot.id.as_str().into() };
        let size_bytes = u64::from(snapshot.size_gib) * crate::model::volume::GIB;
        let image = Arc::new(Frozen::new(size_bytes, Box::new(refuge)));
        let guard = self.guard(&snapshot.volume_id);
        Arc::new(Job {
            snapshot,
            image,
            guard,
            medium,
            looked_at: AtomicU64::new(0),
            orphaned: AtomicBool::new(false),
            done: watch::Sender::new(false),
        })
    }

    /// Makes a job known.
    pub(crate) fn begun(&self, job: &Arc<Job>) {
        lock(&self.jobs).insert(job.snapshot.id.clone(), job.clone());
    }

    /// Makes a job known that the last process began; its upload waits for [`Self::take_waiting`].
    pub(crate) fn found(&self, job: &Arc<Job>) {
        self.begun(job);
        lock(&self.waiting).push(job.clone());
    }

    /// The jobs that were found, once.
    pub(crate) fn take_waiting(&self) -> Vec<Arc<Job>> {
        std::mem::take(&mut *lock(&self.waiting))
    }

    /// Tells uploads to stop. Answers with those that are under way.
    pub(crate) fn stop(&self) -> Vec<Arc<Job>> {
        self.stopping.store(true, Ordering::Relaxed);
        let unbegun = self.take_waiting();
        let jobs = lock(&self.jobs);
        jobs.values().filter(|job| !unbegun.iter().any(|other| Arc::ptr_eq(job, other))).cloned().collect()
    }

    /// Whether uploads are to stop.
    pub(crate) fn stopping(&self) -> &AtomicBool {
        &self.stopping
    }

    /// A volume goes. Its pending snapshots are finished all the same, from the file that this process has open; but
    /// no other process could, and what comes under the same id has nothing to do with them. Answers with their ids.
    pub(crate) fn orphan(&self, volume_id: &str) -> Vec<String> {
        lock(&self.guards).remove(volume_id);
        let jobs = lock(&self.jobs);
        let orphans = jobs.values().filter(|job| job.snapshot.volume_id == volume_id);
        orphans.inspect(|job| job.orphaned.store(true, Ordering::Release)).map(|job| job.snapshot.id.clone()).collect()
    }

    /// The job of a pending snapshot.
    pub(crate) fn find(&self, snapshot_id: &str) -> Option<Arc<Job>> {
        lock(&self.jobs).get(snapshot_id).cloned()
    }

    /// Forgets a job, and tells those who wait for it.
    pub(crate) fn ended(&self, job: &Job) {
        lock(&self.jobs).remove(&job.snapshot.id);
        job.done.send_replace(true);
    }

    /// Keeps the chunks of a map from being swept for as long as the answer lives.
    pub(crate) fn pin(&self, map: ChunkMap) -> Arc<ChunkMap> {
        let map = Arc::new(map);
        let mut pins = lock(&self.pins);
        pins.retain(|pin| pin.strong_count() > 0);
        pins.push(Arc::downgrade(&map));
        map
    }

    /// The maps that somebody reads from.
    pub(crate) fn pinned(&self) -> Vec<Arc<ChunkMap>> {
        lock(&self.pins).iter().filter_map(Weak::upgrade).collect()
    }

    /// The chunks that may go. Who holds them sweeps alone.
    pub(crate) fn doomed(&self) -> MutexGuard<'_, BTreeSet<ChunkName>> {
        lock(&self.doomed)
    }
}

impl Job {
    /// `0%` to `99%`: whole is what the row says.
    pub(crate) fn percent(&self) -> u64 {
        (self.looked_at.load(Ordering::Relaxed) * 100 / self.image.chunks().max(1)).min(99)
    }
}

/// Chunks go to the shelf under the snapshot's name; giving up is written into its row.
struct Place {
    shelf: Arc<dyn Shelf>,
    tables: Tables,
    id: Arc<str>,
}

impl Refuge for Place {
    fn keep(&self, chunk: u64, bytes: &[u8]) -> Result<(), IoFault> {
        self.shelf.put(&self.id, chunk, bytes)
    }

    fn give_up(&self, why: IoFault) -> Result<(), IoFault> {
        tracing::error!(snapshot = &*self.id, %why, "a snapshot is lost");
        let lost = move |snapshot: &mut Snapshot| {
            if snapshot.is_pending() {
                snapshot.state = SnapshotState::Error { message: format!("The snapshot could not be kept: {why}.") };
            }
        };
        // A row that is gone is no snapshot either.
        let told = self.tables.change_snapshot_blocking(&self.id, lost);
        told.map(drop).map_err(|error| {
            tracing::error!(snapshot = &*self.id, %error, "the loss of a snapshot cannot be written down");
            IoFault::Medium
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
