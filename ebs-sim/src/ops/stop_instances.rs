//! StopInstances. The host lets go of the instance's volumes: keys are wiped and grants retired, attachments stay.

use aws_wire::xml::Element;
use serde_json::json;

use super::shapes;
use crate::attach::move_out::Leaving;
use crate::call::Call;
use crate::error::EbsError;
use crate::model::instance::{InstanceEvent, InstanceState};
use crate::sim::EbsSim;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    let ids = call.instance_ids()?;
    let listed: Vec<_> = ids.iter().map(|id| json!({ "instanceId": id })).collect();
    let force = call.flag("Force")?.unwrap_or(false);
    call.note_request(json!({ "instancesSet": { "items": listed }, "force": force }));
    let touched = ids.iter().map(|id| call.touch_instance(sim, id)).collect::<Result<Vec<_>, _>>()?;
    call.authorize(sim, &touched)?;

    let (mut items, mut logged) = (Vec::new(), Vec::new());
    for id in &ids {
        let before = stop(sim, call, id).await?;
        let now = if before == InstanceState::Stopped { before } else { InstanceState::Stopping };
        items.push(shapes::state_change(id, before, now));
        logged.push(shapes::logged_state_change(id, before, now));
    }
    call.respond(json!({ "instancesSet": { "items": logged } }));
    Ok(Element::new("StopInstancesResponse").list("instancesSet", "item", items))
}

/// Stops one instance. Answers what state it was in.
async fn stop(sim: &EbsSim, call: &Call<'_>, id: &str) -> Result<InstanceState, EbsError> {
    let _held = sim.moves().begin(&[id]).await;
    let instance = call.instance(sim, id)?;
    if instance.state.on(InstanceEvent::Stop).is_none() {
        return Err(EbsError::InstanceState(id.into(), "stopped"));
    }
    for volume in sim.tables().volumes_on(id)? {
        let _held = sim.moves().begin(&[&volume.id]).await;
        sim.move_out(&volume, Leaving::UntilStart).await?;
    }
    let stop = |instance: &mut crate::model::instance::Instance| instance.state = InstanceState::Stopped;
    let stopped = sim.tables().change_instance(id, stop).await?;
    stopped.map_err(|_| EbsError::InstanceNotFound(id.into()))?;
    Ok(instance.state)
}
