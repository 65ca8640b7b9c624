//! StartInstances: CreateGrant and Decrypt again for each volume. If a key cannot be had, the instance is back in
//! `stopped` by the next Describe, with AWS's reason.

use aws_wire::xml::Element;
use serde_json::json;

use super::shapes;
use crate::attach::move_out::Leaving;
use crate::call::Call;
use crate::error::EbsError;
use crate::model::instance::{Instance, InstanceEvent, InstanceState, StateReason};
use crate::sim::EbsSim;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    let ids = call.instance_ids()?;
    let listed: Vec<_> = ids.iter().map(|id| json!({ "instanceId": id })).collect();
    call.note_request(json!({ "instancesSet": { "items": listed } }));
    let touched = ids.iter().map(|id| call.touch_instance(sim, id)).collect::<Result<Vec<_>, _>>()?;
    call.authorize(sim, &touched)?;

    let (mut items, mut logged) = (Vec::new(), Vec::new());
    for id in &ids {
        let before = start(sim, call, id).await?;
        let now = if before == InstanceState::Running { before } else { InstanceState::Pending };
        items.push(shapes::state_change(id, before, now));
        logged.push(shapes::logged_state_change(id, before, now));
    }
    call.respond(json!({ "instancesSet": { "items": logged } }));
    Ok(Element::new("StartInstancesResponse").list("instancesSet", "item", items))
}

/// Starts one instance. Answers what state it was in.
async fn start(sim: &EbsSim, call: &Call<'_>, id: &str) -> Result<InstanceState, EbsError> {
    let _held = sim.moves().begin(&[id]).await;
    let instance = call.instance(sim, id)?;
    if instance.state.on(InstanceEvent::Start).is_none() {
        return Err(EbsError::InstanceState(id.into(), "started"));
    }
    if instance.state == InstanceState::Running {
        return Ok(instance.state);
    }
    let (state, reason) = match open_all(sim, call, id).await {
        Ok(()) => (InstanceState::Running, None),
        Err(error) => {
            tracing::info!(instance = id, %error, "a start failed");
            close_all(sim, id).await?;
            (InstanceState::Stopped, Some(unusable_key()))
        }
    };
    let started = move |instance: &mut Instance| (instance.state, instance.reason) = (state, reason);
    let changed = sim.tables().change_instance(id, started).await?;
    changed.map_err(|_| EbsError::InstanceNotFound(id.into()))?;
    Ok(instance.state)
}

async fn open_all(sim: &EbsSim, call: &Call<'_>, id: &str) -> Result<(), EbsError> {
    for volume in sim.tables().volumes_on(id)? {
        let _held = sim.moves().begin(&[&volume.id]).await;
        if let Some(attachment) = volume.attachment.clone() {
            sim.move_in(call.ctx, &volume, attachment).await?;
        }
    }
    Ok(())
}

async fn close_all(sim: &EbsSim, id: &str) -> Result<(), EbsError> {
    for volume in sim.tables().volumes_on(id)? {
        let _held = sim.moves().begin(&[&volume.id]).await;
        sim.move_out(&volume, Leaving::UntilStart).await?;
    }
    Ok(())
}

fn unusable_key() -> StateReason {
    StateReason {
        code: "Client.InvalidKMSKey.InvalidState".into(),
        message: "The KMS key provided is in an incorrect state".into(),
    }
}
