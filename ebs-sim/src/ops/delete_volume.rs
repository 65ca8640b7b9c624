//! DeleteVolume. With the wrapped data key gone, the ciphertext is noise.

use aws_wire::xml::Element;
use serde_json::json;

use crate::call::Call;
use crate::error::EbsError;
use crate::sim::EbsSim;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    let id = call.require("VolumeId")?.to_owned();
    call.note_request(json!({ "volumeId": id }));
    let touched = call.touch_volume(sim, &id)?;
    call.authorize(sim, &[touched])?;

    let _held = sim.moves().begin(&[&id]).await;
    let volume = call.volume(sim, &id)?;
    if let Some(attachment) = volume.attachment {
        return Err(EbsError::AttachedVolume { volume: id, instance: attachment.instance_id });
    }
    sim.unmake_volume(&volume).await?;
    call.respond(json!({ "_return": true }));
    Ok(Element::new("DeleteVolumeResponse").leaf("return", true))
}
