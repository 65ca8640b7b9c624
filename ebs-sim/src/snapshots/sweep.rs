//! Chunks that no map names any more. What a reader holds stays until the sweep after it.

use std::collections::BTreeSet;

use aws_core::event::Place;

use super::map::ChunkName;
use crate::error::EbsError;
use crate::model::snapshot::Snapshot;
use crate::sim::EbsSim;

impl EbsSim {
    /// Deletes a snapshot: its row at once, its chunks behind the answer, but for those that others need. One that is
    /// pending is given up.
    ///
    /// # Errors
    /// When the tables fail.
    pub(crate) async fn unmake_snapshot(&self, snapshot: &Snapshot) -> Result<(), EbsError> {
        let map = self.tables().delete_snapshot(&snapshot.id).await?;
        if let Some(job) = self.snapshots().find(&snapshot.id) {
            // The row is gone, so that no copy is needed any more; the upload finds out and tidies up.
            let _ = tokio::task::spawn_blocking(move || job.image.end()).await;
        }
        if snapshot.key.is_some() {
            self.world().custodian().dropped(&snapshot.key_subject(), Place::EbsMetadata);
        }
        let Some(sim) = self.myself() else { return Ok(()) };
        tokio::task::spawn_blocking(move || {
            sim.snapshots().doomed().extend(map.names());
            sim.sweep();
        });
        Ok(())
    }

    /// Removes what is doomed and named by nobody. Blocks.
    pub(crate) fn sweep(&self) {
        if let Err(error) = self.try_sweep() {
            tracing::error!(%error, "chunks stay until the next sweep");
        }
    }

    fn try_sweep(&self) -> Result<(), EbsError> {
        let mut doomed = self.snapshots().doomed();
        if doomed.is_empty() {
            return Ok(());
        }
        // Pins before rows: whoever lets go of a pin has written the row that takes its place.
        let pinned = self.snapshots().pinned();
        for snapshot in self.tables().all_snapshots()? {
            for name in self.tables().chunk_map(&snapshot.id)?.names() {
                doomed.remove(&name);
            }
        }
        let held: BTreeSet<ChunkName> = pinned.iter().flat_map(|map| map.names()).collect();
        for (owner, chunk) in doomed.difference(&held) {
            self.snapshots().shelf().remove(owner, *chunk)?;
        }
        doomed.retain(|name| held.contains(name));
        Ok(())
    }
}
