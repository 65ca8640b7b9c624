//! The point in time. Rows first, then the freeze between two requests of every volume at once, then the answer; the
//! upload goes on behind it.
//!
//! ```text
//!  rows "pending, unsettled" ─► pause all ─► arm ─► go on ─► answer
//!                                                    └─► flush ─► "settled" ─► chunks ─► map and "completed" ─► disarm
//! ```
//!
//! A process that dies before "settled" leaves an error; after it, the next one arms again before anything is attached,
//! finds on the shelf which chunks are safe, and goes on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_core::event::Place;

use super::jobs::Job;
use super::map::ChunkMap;
use super::upload::{Upload, Uploaded};
use crate::device::block_device::{BlockTarget, IoFault};
use crate::device::file::FileTarget;
use crate::error::EbsError;
use crate::model::snapshot::{Snapshot, SnapshotState};
use crate::model::volume::Volume;
use crate::sim::EbsSim;
use crate::store::{Gone, Taken};

/// How long the end waits for uploads to notice it: each looks up after every chunk.
const FAREWELL: Duration = Duration::from_secs(10);

impl EbsSim {
    /// Takes snapshots of volumes, which the caller holds in `Moves`, at one point in time.
    ///
    /// # Errors
    /// When an id is taken, or tables or files fail; nothing is frozen then.
    pub(crate) async fn begin_snapshots(&self, taken: Vec<(Volume, Snapshot)>) -> Result<(), EbsError> {
        let mut jobs = Vec::with_capacity(taken.len());
        for (volume, snapshot) in taken {
            let medium = FileTarget::open(&self.folder().data_file(&volume.id), volume.size_bytes())?;
            jobs.push(self.snapshots().job(self.tables(), snapshot, medium));
        }
        let rows: Vec<_> = jobs.iter().map(|job| job.snapshot.clone()).collect();
        let first_id = rows.first().map_or_else(String::new, |snapshot| snapshot.id.clone());
        self.tables().add_snapshots(rows).await?.map_err(|Taken| EbsError::IdInUse(first_id))?;
        self.freeze(&jobs).await?;
        for job in jobs {
            self.announce_snapshot(&job.snapshot);
            self.snapshots().begun(&job);
            self.upload_behind(job);
        }
        Ok(())
    }

    /// Stops all volumes at once, arms their guards, and lets them go on.
    async fn freeze(&self, jobs: &[Arc<Job>]) -> Result<(), EbsError> {
        let (bench, mut jobs) = (self.bench().clone(), jobs.to_vec());
        // In the order of the ids, so that two freezes cannot wait for each other.
        jobs.sort_by(|a, b| a.snapshot.volume_id.cmp(&b.snapshot.volume_id));
        let freezing = tokio::task::spawn_blocking(move || {
            let devices: Vec<_> = jobs.iter().filter_map(|job| bench.device(&job.snapshot.volume_id)).collect();
            let paused: Vec<_> = devices.iter().map(|device| device.pause()).collect();
            jobs.iter().for_each(|job| job.guard.arm(job.image.clone()));
            drop(paused);
        });
        freezing.await.map_err(|_| EbsError::Task)
    }

    fn announce_snapshot(&self, snapshot: &Snapshot) {
        if let Some(key) = &snapshot.key {
            self.world().custodian().wrapped(&snapshot.key_subject(), Place::EbsMetadata, &key.kms_key_arn);
        }
    }

    fn upload_behind(&self, job: Arc<Job>) {
        if let Some(sim) = self.myself() {
            tokio::spawn(upload(sim, job));
        }
    }

    /// At start, before anything is attached: arms the guards of what the last process had not finished, and cleans
    /// the shelf.
    ///
    /// # Errors
    /// When the tables or the shelf fail.
    pub(crate) fn find_interrupted(&self, shelf: &super::shelf::BlobShelf) -> Result<(), store::StoreError> {
        let (mut live, mut jobs) = (BTreeSet::new(), Vec::new());
        for snapshot in self.tables().all_snapshots()? {
            if snapshot.is_completed() {
                live.extend(self.tables().chunk_map(&snapshot.id)?.names());
            } else if let Some(medium) = self.medium_of_settled(&snapshot)? {
                jobs.push(self.snapshots().job(self.tables(), snapshot, medium));
            }
        }
        let is_interrupted = |owner: &str| jobs.iter().any(|job| job.snapshot.id == owner);
        let staying = shelf.sweep(|owner, chunk| is_interrupted(owner) || live.contains(&(Arc::from(owner), chunk)))?;
        for job in jobs {
            let kept = staying.iter().filter(|(owner, _)| *owner == job.snapshot.id);
            kept.for_each(|(_, chunk)| job.image.mark_kept(*chunk));
            job.guard.arm(job.image.clone());
            self.snapshots().found(&job);
        }
        Ok(())
    }

    /// The file of a pending snapshot's volume, if the snapshot can be finished.
    fn medium_of_settled(&self, snapshot: &Snapshot) -> Result<Option<FileTarget>, store::StoreError> {
        if snapshot.state != (SnapshotState::Pending { settled: true }) {
            return Ok(None);
        }
        let volume = self.tables().volume(&snapshot.volume_id)?;
        Ok(volume.and_then(|it| FileTarget::open(&self.folder().data_file(&it.id), it.size_bytes()).ok()))
    }

    /// Goes on with what was found, and writes down what is lost.
    ///
    /// # Errors
    /// When the tables fail.
    pub(crate) async fn resume_snapshots(&self) -> Result<(), EbsError> {
        self.snapshots().take_waiting().into_iter().for_each(|job| self.upload_behind(job));
        for snapshot in self.tables().all_snapshots()? {
            if snapshot.is_pending() && self.snapshots().find(&snapshot.id).is_none() {
                let changed = self.tables().change_snapshot(&snapshot.id, interrupted).await?;
                changed.unwrap_or_else(|Gone| tracing::debug!("a snapshot was deleted meanwhile"));
            }
        }
        Ok(())
    }

    /// The process ends: pending snapshots stay pending, for the next one.
    pub(crate) async fn interrupt_snapshots(&self) {
        let under_way = self.snapshots().stop();
        let noticed = async {
            for job in under_way {
                let _ = job.done.subscribe().wait_for(|done| *done).await;
            }
        };
        if tokio::time::timeout(FAREWELL, noticed).await.is_err() {
            tracing::warn!("an upload does not notice the end");
        }
    }

    /// A volume, which the caller holds in `Moves`, is about to go: a restart shall not look for its file.
    ///
    /// # Errors
    /// When the tables fail.
    pub(crate) async fn orphan_snapshots(&self, volume_id: &str) -> Result<(), EbsError> {
        for id in self.snapshots().orphan(volume_id) {
            let orphan = |snapshot: &mut Snapshot| {
                if snapshot.is_pending() {
                    snapshot.state = SnapshotState::Pending { settled: false };
                }
            };
            let changed = self.tables().change_snapshot(&id, orphan).await?;
            changed.unwrap_or_else(|Gone| tracing::debug!("a snapshot was deleted meanwhile"));
        }
        Ok(())
    }

    /// The completed snapshot of the lineage whose chunks are most likely to be the same.
    fn base_of(&self, snapshot: &Snapshot) -> Result<Arc<ChunkMap>, EbsError> {
        let source = self.tables().volume(&snapshot.volume_id)?.and_then(|volume| volume.snapshot_id);
        let likely = |other: &Snapshot| {
            (other.volume_id == snapshot.volume_id, source.as_deref() == Some(&other.id), other.started_at)
        };
        let mut relatives = self.tables().all_snapshots()?;
        relatives.retain(|other| other.is_completed() && other.lineage == snapshot.lineage);
        let base = relatives.into_iter().max_by_key(likely);
        let map = base.map(|base| self.pinned_map(&base.id)).transpose()?.flatten();
        Ok(map.unwrap_or_default())
    }

    /// A completed snapshot's map, whose chunks stay while the answer lives; `None` when it has been deleted.
    pub(crate) fn pinned_map(&self, id: &str) -> Result<Option<Arc<ChunkMap>>, EbsError> {
        let map = self.snapshots().pin(self.tables().chunk_map(id)?);
        // Looked at again under the pin: a sweep that saw no pin came after the deletion of the row.
        let still_there = self.tables().snapshot(id)?.is_some_and(|snapshot| snapshot.is_completed());
        Ok(still_there.then_some(map))
    }

    /// Blocks until the snapshot is whole, or lost.
    fn upload_now(&self, job: &Job) {
        let map = match self.collect(job) {
            Ok(Uploaded::Whole(map)) => Some(map),
            Ok(Uploaded::Over) => None,
            // Guard and chunks stay as they are, for the next process.
            Ok(Uploaded::Interrupted) => return,
            Err(error) => {
                tracing::error!(snapshot = job.snapshot.id, %error, "a snapshot's upload failed");
                if let Err(error) = job.image.give_up(IoFault::Medium) {
                    tracing::error!(snapshot = job.snapshot.id, %error, "and nobody is told before the next start");
                }
                None
            }
        };
        job.guard.disarm(&job.image);
        if map.is_some() || self.is_surely_lost(&job.snapshot.id) {
            self.with_upload(job, &ChunkMap::default(), |upload| upload.tidy(map.as_ref()));
        }
    }

    /// Whether nobody will ever read this snapshot's chunks. A commit that failed may have come to pass all the same.
    fn is_surely_lost(&self, id: &str) -> bool {
        let state = self.tables().snapshot(id).map(|row| row.map(|snapshot| snapshot.state));
        matches!(state, Ok(None | Some(SnapshotState::Error { .. })))
    }

    /// Uploads, and writes down that the snapshot is whole.
    fn collect(&self, job: &Job) -> Result<Uploaded, EbsError> {
        let base = self.base_of(&job.snapshot)?;
        let uploaded = self.with_upload(job, &base, |upload| upload.run())?;
        let Uploaded::Whole(map) = &uploaded else { return Ok(uploaded) };
        match self.tables().complete_snapshot(&job.snapshot.id, map, self.world().now())? {
            Ok(()) => Ok(uploaded),
            Err(Gone) => Ok(Uploaded::Over),
        }
    }

    fn with_upload<T>(&self, job: &Job, base: &ChunkMap, work: impl FnOnce(&Upload<'_>) -> T) -> T {
        work(&Upload {
            medium: &job.medium,
            image: &job.image,
            shelf: &**self.snapshots().shelf(),
            owner: job.snapshot.id.as_str().into(),
            base,
            looked_at: &job.looked_at,
            stopping: self.snapshots().stopping(),
        })
    }
}

/// One after the other per volume, so that the later can share the chunks of the earlier.
async fn upload(sim: Arc<EbsSim>, job: Arc<Job>) {
    {
        let _volume = sim.moves().begin(&[&job.snapshot.volume_id]).await;
        let (sim, job) = (sim.clone(), job.clone());
        let _settled = tokio::task::spawn_blocking(move || settle(&sim, &job)).await;
    }
    let _turn = sim.moves().begin(&[&format!("upload/{}", job.snapshot.volume_id)]).await;
    let uploading = tokio::task::spawn_blocking({
        let (sim, job) = (sim.clone(), job.clone());
        move || {
            sim.upload_now(&job);
            sim.snapshots().ended(&job);
            sim.sweep();
        }
    });
    if uploading.await.is_err() {
        tracing::error!(snapshot = job.snapshot.id, "an upload panicked; the next start goes on with it");
    }
}

/// Makes durable what was written before the freeze, and then the fact that it is. The volume is held in `Moves`.
fn settle(sim: &EbsSim, job: &Job) {
    if job.orphaned.load(Ordering::Acquire) || job.snapshot.state == (SnapshotState::Pending { settled: true }) {
        return;
    }
    let flushed = job.medium.flush().map_err(EbsError::from);
    let told = flushed.and_then(|()| {
        let settled = |snapshot: &mut Snapshot| {
            if snapshot.is_pending() {
                snapshot.state = SnapshotState::Pending { settled: true };
            }
        };
        Ok(sim.tables().change_snapshot_blocking(&job.snapshot.id, settled)?)
    });
    match told {
        Ok(Ok(())) => {}
        // Deleted already: nothing needs preserving.
        Ok(Err(Gone)) => job.image.end(),
        Err(error) => {
            tracing::error!(snapshot = job.snapshot.id, %error, "a snapshot cannot be settled");
            let _ = job.image.give_up(IoFault::Medium);
        }
    }
}

fn interrupted(snapshot: &mut Snapshot) {
    if snapshot.is_pending() {
        let message = "The snapshot was interrupted before its point in time was safe.".into();
        snapshot.state = SnapshotState::Error { message };
    }
}
