//! A volume leaves an instance: wiped first, then the grant is retired, then the row is written. The caller holds both
//! in `Moves`.

use std::sync::Arc;
use std::time::Duration;

use crate::device::live::LiveDevice;
use crate::error::EbsError;
use crate::model::attachment::{AttachmentEvent, AttachmentState};
use crate::model::volume::Volume;
use crate::sim::EbsSim;
use crate::store::Gone;

/// `close` and `losetup -d` return a moment before the kernel tells us. That moment is not yet "busy".
const SETTLING: Duration = Duration::from_millis(500);

/// What becomes of the attachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// Detach, terminate: it is over.
    ForGood,
    /// Stop: it stays, without key and grant, until the instance starts again.
    UntilStart,
}

impl EbsSim {
    /// Takes the device away, whoever holds it.
    ///
    /// # Errors
    /// When the row cannot be written. The key is wiped all the same.
    pub(crate) async fn move_out(&self, volume: &Volume, leaving: Leaving) -> Result<Volume, EbsError> {
        let (bench, id) = (self.bench().clone(), volume.id.clone());
        tokio::task::spawn_blocking(move || bench.clear(&id)).await.map_err(|_| EbsError::Task)?;
        if let Some(grant) = volume.attachment.as_ref().and_then(|attachment| attachment.grant.as_ref()) {
            self.retire(volume, grant).await;
        }
        let changed = self.tables().change_volume(&volume.id, move |volume| forget(volume, leaving)).await?;
        changed.map_err(|Gone| EbsError::VolumeNotFound(volume.id.clone()))
    }

    /// Detaches at once, or, if the guest holds the device and `force` is not given, as soon as it lets go. Answers
    /// with what the attachment has become.
    ///
    /// # Errors
    /// As [`Self::move_out`].
    pub(crate) async fn detach(&self, volume: &Volume, force: bool) -> Result<AttachmentState, EbsError> {
        let event = match self.bench().device(&volume.id) {
            _ if force => AttachmentEvent::Cut,
            Some(device) if still_held(&device).await => AttachmentEvent::AskedWhileOpen,
            _ => AttachmentEvent::LetGo,
        };
        let state = volume.attachment.as_ref().map_or(AttachmentState::Detached, |attachment| attachment.state);
        let next = state.on(event).unwrap_or(AttachmentState::Detached);
        match next {
            AttachmentState::Busy => self.detach_when_let_go(volume).await?,
            AttachmentState::Detached | AttachmentState::Attached => {
                self.move_out(volume, Leaving::ForGood).await?;
            }
        }
        Ok(next)
    }

    async fn detach_when_let_go(&self, volume: &Volume) -> Result<(), EbsError> {
        let busy = |volume: &mut Volume| {
            if let Some(attachment) = &mut volume.attachment {
                attachment.state = AttachmentState::Busy;
            }
        };
        let changed = self.tables().change_volume(&volume.id, busy).await?;
        let was_busy = volume.attachment.as_ref().is_some_and(|a| a.state == AttachmentState::Busy);
        if let (Ok(volume), Some(sim), false) = (changed, self.myself(), was_busy) {
            tokio::spawn(finish(sim, volume));
        }
        Ok(())
    }
}

async fn still_held(device: &LiveDevice) -> bool {
    device.ask_to_leave() && tokio::time::timeout(SETTLING, until_released(device)).await.is_err()
}

/// Waits until nobody holds the device.
async fn until_released(device: &LiveDevice) {
    loop {
        let rung = device.bell().notified();
        tokio::pin!(rung);
        // Listening before looking, so that a release in between is not missed.
        rung.as_mut().enable();
        if device.open_handles() == 0 {
            return;
        }
        rung.await;
    }
}

/// The rest of a detach that had to wait. Somebody may have forced it meanwhile.
async fn finish(sim: Arc<EbsSim>, asked: Volume) {
    let (Some(device), Some(attachment)) = (sim.bench().device(&asked.id), asked.attachment.clone()) else { return };
    until_released(&device).await;
    let _held = sim.moves().begin(&[&attachment.instance_id, &asked.id]).await;
    let unchanged = sim.tables().volume(&asked.id).ok().flatten().filter(|now| now.attachment == asked.attachment);
    let Some(volume) = unchanged else { return };
    if let Err(error) = sim.move_out(&volume, Leaving::ForGood).await {
        tracing::error!(volume = volume.id, %error, "a detach could not be finished");
    }
}

fn forget(volume: &mut Volume, leaving: Leaving) {
    match leaving {
        Leaving::ForGood => volume.attachment = None,
        Leaving::UntilStart => {
            if let Some(attachment) = &mut volume.attachment {
                attachment.grant = None;
                attachment.state = AttachmentState::Attached;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_core::time::Timestamp;

    use super::*;
    use crate::device::memory::MemoryTarget;

    #[tokio::test]
    async fn a_detach_that_was_asked_for_waits_for_the_last_handle() {
        let target = Box::new(MemoryTarget::zeroed(4096));
        let device = Arc::new(LiveDevice::new(target, Timestamp::UNIX_EPOCH));
        device.open().unwrap();
        device.open().unwrap();
        assert!(device.ask_to_leave());
        let waiting = tokio::spawn({
            let device = device.clone();
            async move { until_released(&device).await }
        });
        device.release();
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(!waiting.is_finished(), "one handle is still open");
        device.release();
        waiting.await.unwrap();
    }
}
