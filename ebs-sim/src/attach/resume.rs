//! After a restart: the host comes back and opens its volumes again, through the grants that exist. That is what AWS
//! made the grants for; the users who attached the volumes are not asked.

use super::move_in::spot;
use super::move_out::Leaving;
use crate::error::EbsError;
use crate::model::attachment::{Attachment, AttachmentState};
use crate::model::instance::InstanceState;
use crate::model::volume::Volume;
use crate::sim::EbsSim;

impl EbsSim {
    /// Puts every attached volume of a running instance into use again. A volume whose key cannot be had stays
    /// attached, without a device; Describe, the health page and the trail say why.
    ///
    /// Snapshots that the last process had not finished go on.
    pub async fn resume(&self) {
        if let Err(error) = self.resume_snapshots().await {
            tracing::error!(%error, "pending snapshots are not resumed");
        }
        let volumes = self.tables().all_volumes().unwrap_or_else(|error| {
            tracing::error!(%error, "no volume is resumed");
            Vec::new()
        });
        for volume in volumes {
            let Some(attachment) = &volume.attachment else { continue };
            if let Err(error) = self.resume_one(&volume, attachment).await {
                tracing::error!(volume = volume.id, %error, "an attached volume is not resumed");
            }
        }
    }

    async fn resume_one(&self, volume: &Volume, attachment: &Attachment) -> Result<(), EbsError> {
        let _held = self.moves().begin(&[&attachment.instance_id, &volume.id]).await;
        let instance = self.tables().instance(&attachment.instance_id)?;
        match (attachment.state, instance.map(|instance| instance.state)) {
            (_, Some(InstanceState::Stopped | InstanceState::Stopping)) => Ok(()),
            // Nobody has held the device since the last process died: the detach can end. Likewise a terminate.
            (AttachmentState::Busy | AttachmentState::Detached, _)
            | (_, None | Some(InstanceState::Terminated | InstanceState::ShuttingDown)) => {
                self.move_out(volume, Leaving::ForGood).await.map(drop)
            }
            (AttachmentState::Attached, Some(InstanceState::Running | InstanceState::Pending)) => {
                self.reopen(volume, attachment).await;
                Ok(())
            }
        }
    }

    async fn reopen(&self, volume: &Volume, attachment: &Attachment) {
        if let Err(reason) = self.try_reopen(volume, attachment).await {
            tracing::warn!(volume = volume.id, reason, "an attached volume is without its device");
            self.bench().note_trouble(spot(&volume.id, attachment), reason);
        }
    }

    async fn try_reopen(&self, volume: &Volume, attachment: &Attachment) -> Result<(), String> {
        let opened =
            self.open_data_file(volume).map_err(|error| format!("the data file cannot be opened: {error:?}"))?;
        let cipher = self.unlock_again(volume, &attachment.instance_id).await;
        let cipher = cipher.map_err(|trouble| format!("the volume's key cannot be had: {trouble}"))?;
        self.serve(spot(&volume.id, attachment), opened, cipher).await.map_err(|error| error.to_string())
    }
}
