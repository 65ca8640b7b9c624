//! A volume comes to an instance. The caller holds both in `Moves`.

use std::sync::Arc;

use aws_core::call::CallContext;

use super::bench::Spot;
use super::key_flow::{KeyTrouble, Unlocked};
use crate::device::cipher::KeyedCipher;
use crate::device::encrypting::EncryptingTarget;
use crate::device::file::FileTarget;
use crate::device::live::LiveDevice;
use crate::device::preserving::PreservingTarget;
use crate::error::EbsError;
use crate::model::attachment::Attachment;
use crate::model::device_name::file_name;
use crate::model::volume::Volume;
use crate::sim::EbsSim;
use crate::store::Gone;

/// A volume's data file, opened and found sound.
pub(super) struct Opened {
    file: FileTarget,
    stored_on: u64,
}

impl EbsSim {
    /// Asks KMS, writes the row, makes the device appear. Of `attachment`, the grant is filled in here.
    ///
    /// # Errors
    /// [`EbsError::CustomerKeyHasBeenRevoked`] whatever KMS's reason; then nothing has changed.
    pub(crate) async fn move_in(
        &self,
        ctx: &CallContext,
        volume: &Volume,
        attachment: Attachment,
    ) -> Result<Volume, EbsError> {
        // First, so that no grant is made for a volume that cannot be served.
        let opened = self.open_data_file(volume)?;
        let unlocked = self.unlock(ctx, volume, &attachment.instance_id).await;
        let Unlocked { cipher, grant } = unlocked.map_err(|trouble| refusal(&volume.id, trouble))?;
        let attachment = Attachment { grant: grant.clone(), ..attachment };
        let spot = spot(&volume.id, &attachment);
        let written = self.tables().change_volume(&volume.id, move |v| v.attachment = Some(attachment)).await;
        match (written, grant) {
            (Ok(Ok(changed)), _) => {
                self.serve(spot, opened, cipher).await?;
                Ok(changed)
            }
            (failed, grant) => {
                drop(cipher);
                if let Some(grant) = &grant {
                    self.retire(volume, grant).await;
                }
                failed?.map_err(|Gone| EbsError::VolumeNotFound(volume.id.clone()))
            }
        }
    }

    pub(super) fn open_data_file(&self, volume: &Volume) -> Result<Opened, EbsError> {
        let file = FileTarget::open(&self.folder().data_file(&volume.id), volume.size_bytes())?;
        let stored_on = file.file_system()?;
        Ok(Opened { file, stored_on })
    }

    /// Takes an opened volume into use. On a thread that may block: the first device mounts the file system.
    pub(super) async fn serve(&self, spot: Spot, opened: Opened, cipher: KeyedCipher) -> Result<(), EbsError> {
        let preserving = PreservingTarget::new(opened.file, self.snapshots().guard(&spot.volume_id));
        let engine = Box::new(EncryptingTarget::new(preserving, cipher));
        let device = Arc::new(LiveDevice::new(engine, self.world().now()));
        let bench = self.bench().clone();
        let placing = tokio::task::spawn_blocking(move || bench.place(spot, device, opened.stored_on));
        placing.await.map_err(|_| EbsError::Task)
    }
}

/// Where an attachment's device is to appear.
pub(super) fn spot(volume_id: &str, attachment: &Attachment) -> Spot {
    Spot {
        volume_id: volume_id.into(),
        instance_id: attachment.instance_id.clone(),
        name: file_name(&attachment.device).into(),
    }
}

fn refusal(volume_id: &str, trouble: KeyTrouble) -> EbsError {
    match trouble {
        KeyTrouble::Refused(_) => EbsError::CustomerKeyHasBeenRevoked(volume_id.into()),
        KeyTrouble::Cipher(error) => EbsError::Cipher(error),
    }
}
