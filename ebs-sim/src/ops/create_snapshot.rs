//! CreateSnapshot. The point in time is now; the answer says `pending`, and the chunks are brought to safety behind it.
//! No call to KMS: the snapshot has its volume's data key, as the volume has it wrapped.

use aws_wire::xml::Element;
use serde_json::json;

use super::{shapes, snapping, tagging};
use crate::call::Call;
use crate::error::EbsError;
use crate::sim::EbsSim;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    let id = call.require("VolumeId")?.to_owned();
    call.note_request(json!({ "volumeId": id, "description": call.text("Description") }));
    let description = snapping::description(call)?;
    let wished = tagging::wished(call, "snapshot", "snap", &["snapshot"])?;
    let touched = [call.touch_volume(sim, &id)?, snapping::touched(call.ctx, Some(&id), &wished.tags)];
    if !wished.tags.is_empty() {
        let tagging = snapping::touched(call.ctx, Some(&id), &wished.tags).fact("ec2:CreateAction", "CreateSnapshot");
        call.authorize_as(sim, "CreateTags", &[tagging])?;
    }
    call.authorize(sim, &touched)?;

    let _held = sim.moves().begin(&[&id]).await;
    let volume = call.volume(sim, &id)?;
    snapping::check_pending(sim, &volume)?;
    let snapshot = snapping::snapshot_of(sim, &volume, &description, wished);
    sim.begin_snapshots(vec![(volume, snapshot.clone())]).await?;
    call.respond(shapes::logged_snapshot(&snapshot));
    Ok(shapes::snapshot(&snapshot, ""))
}
