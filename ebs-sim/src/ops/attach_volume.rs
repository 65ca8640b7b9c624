//! AttachVolume: CreateGrant as the caller, Decrypt as the instance's host, then the device appears. The answer says
//! `attaching`; the next Describe shows `attached`.

use aws_wire::xml::Element;
use serde_json::json;

use super::shapes;
use crate::call::Call;
use crate::error::EbsError;
use crate::model::attachment::{Attachment, AttachmentState};
use crate::model::device_name::DeviceName;
use crate::model::instance::{Instance, InstanceState};
use crate::model::volume::Volume;
use crate::sim::EbsSim;

/// How many volumes an instance takes.
const MOST_VOLUMES: usize = 28;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    let [volume_id, instance_id, device] =
        [call.require("VolumeId")?, call.require("InstanceId")?, call.require("Device")?].map(str::to_owned);
    call.note_request(
        json!({ "volumeId": volume_id, "instanceId": instance_id, "device": device, "deleteOnTermination": false }),
    );
    let device = device_of(&device)?;
    let touched = [call.touch_volume(sim, &volume_id)?, call.touch_instance(sim, &instance_id)?];
    call.authorize(sim, &touched)?;

    let _held = sim.moves().begin(&[&volume_id, &instance_id]).await;
    let (volume, instance) = (call.volume(sim, &volume_id)?, call.instance(sim, &instance_id)?);
    check(sim, &volume, &instance, &device)?;
    let attachment = Attachment {
        instance_id,
        device: device.as_given().into(),
        attached_at: sim.world().now(),
        delete_on_termination: false,
        state: AttachmentState::Attached,
        grant: None,
    };
    attach(sim, call, &volume, &instance, attachment.clone()).await?;
    call.respond(shapes::logged_attachment(&volume.id, &attachment, "attaching"));
    Ok(shapes::attachment(&volume.id, &attachment, "attaching"))
}

/// A stopped instance has no host that could hold a key: only the row is written, and the start does the rest.
async fn attach(
    sim: &EbsSim,
    call: &Call<'_>,
    volume: &Volume,
    instance: &Instance,
    attachment: Attachment,
) -> Result<(), EbsError> {
    if instance.state == InstanceState::Stopped {
        let changed = sim.tables().change_volume(&volume.id, move |v| v.attachment = Some(attachment)).await?;
        return changed.map(drop).map_err(|_| EbsError::VolumeNotFound(volume.id.clone()));
    }
    sim.move_in(call.ctx, volume, attachment).await.map(drop)
}

pub(super) fn device_of(text: &str) -> Result<DeviceName, EbsError> {
    DeviceName::parse(text).ok_or_else(|| {
        let text = format!("Value ({text}) for parameter device is invalid. {text} is not a valid EBS device name.");
        EbsError::InvalidParameterValue(text)
    })
}

fn check(sim: &EbsSim, volume: &Volume, instance: &Instance, device: &DeviceName) -> Result<(), EbsError> {
    if !matches!(instance.state, InstanceState::Running | InstanceState::Stopped) {
        return Err(EbsError::InstanceNotRunning(instance.id.clone()));
    }
    if volume.attachment.is_some() {
        return Err(EbsError::AlreadyAttached(volume.id.clone()));
    }
    if volume.zone != instance.zone {
        return Err(EbsError::ZoneMismatch { volume: volume.id.clone(), instance: instance.id.clone() });
    }
    let others = sim.tables().volumes_on(&instance.id)?;
    let taken = others.iter().flat_map(|v| &v.attachment).any(|a| device.same_place(&a.device));
    match (taken, others.len() < MOST_VOLUMES) {
        (true, _) => Err(EbsError::DeviceInUse(device.as_given().into())),
        (false, false) => Err(EbsError::AttachmentLimitExceeded(instance.id.clone())),
        (false, true) => Ok(()),
    }
}
