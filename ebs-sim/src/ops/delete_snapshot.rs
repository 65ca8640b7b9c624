//! DeleteSnapshot. Chunks that other snapshots need stay.

use aws_wire::xml::Element;
use serde_json::json;

use crate::call::Call;
use crate::error::EbsError;
use crate::sim::EbsSim;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    let id = call.require("SnapshotId")?.to_owned();
    call.note_request(json!({ "snapshotId": id }));
    let touched = call.touch_snapshot(sim, &id)?;
    call.authorize(sim, &[touched])?;

    let _held = sim.moves().begin(&[&id]).await;
    let snapshot = call.snapshot(sim, &id)?;
    sim.unmake_snapshot(&snapshot).await?;
    call.respond(json!({ "_return": true }));
    Ok(Element::new("DeleteSnapshotResponse").leaf("return", true))
}
