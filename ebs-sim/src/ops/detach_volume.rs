//! DetachVolume: drain, flush, wipe, RetireGrant. While the guest holds the device the attachment is `busy`, and the
//! detach ends when it lets go; `Force` cuts it.

use aws_wire::xml::Element;
use serde_json::json;

use super::shapes;
use crate::call::Call;
use crate::error::EbsError;
use crate::model::attachment::Attachment;
use crate::model::instance::InstanceState;
use crate::model::volume::Volume;
use crate::sim::EbsSim;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    let id = call.require("VolumeId")?.to_owned();
    let force = call.flag("Force")?.unwrap_or(false);
    call.note_request(logged_request(call, &id, force));
    let mut touched = vec![call.touch_volume(sim, &id)?];
    let attached_to = call.find_volume(sim, &id)?.and_then(|volume| volume.attachment).map(|a| a.instance_id);
    let instance_id = call.text("InstanceId").map(str::to_owned).or(attached_to);
    if let Some(instance) = &instance_id {
        touched.push(call.touch_instance(sim, instance)?);
    }
    call.authorize(sim, &touched)?;

    let ids: Vec<&str> = instance_id.iter().map(String::as_str).chain([id.as_str()]).collect();
    let _held = sim.moves().begin(&ids).await;
    let volume = call.volume(sim, &id)?;
    let attachment = named_attachment(call, &volume)?;
    check_root(sim, &volume, &attachment)?;
    sim.detach(&volume, force).await?;
    call.respond(shapes::logged_attachment(&id, &attachment, "detaching"));
    Ok(shapes::attachment(&id, &attachment, "detaching"))
}

/// The attachment, if it is the one that the call names.
fn named_attachment(call: &Call<'_>, volume: &Volume) -> Result<Attachment, EbsError> {
    let Some(attachment) = volume.attachment.clone() else {
        return Err(EbsError::VolumeState { volume: volume.id.clone(), state: volume.state().name() });
    };
    let instance = call.text("InstanceId").unwrap_or(&attachment.instance_id);
    let device = call.text("Device").unwrap_or(&attachment.device);
    if instance != attachment.instance_id || device != attachment.device {
        let (volume, instance, device) = (volume.id.clone(), instance.to_owned(), device.to_owned());
        return Err(EbsError::AttachmentNotFound { volume, instance, device });
    }
    Ok(attachment)
}

fn check_root(sim: &EbsSim, volume: &Volume, attachment: &Attachment) -> Result<(), EbsError> {
    let instance = sim.tables().instance(&attachment.instance_id)?;
    let runs_on_it = instance.filter(|i| i.state == InstanceState::Running && i.root_device == attachment.device);
    match runs_on_it {
        Some(instance) => Err(EbsError::RootVolume { volume: volume.id.clone(), instance: instance.id }),
        None => Ok(()),
    }
}

fn logged_request(call: &Call<'_>, id: &str, force: bool) -> serde_json::Value {
    let mut request = json!({ "volumeId": id, "force": force });
    for (shown, name) in [("instanceId", "InstanceId"), ("device", "Device")] {
        if let Some(value) = call.text(name) {
            request[shown] = json!(value);
        }
    }
    request
}
