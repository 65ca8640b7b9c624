//! TerminateInstances. Volumes are cut off, whoever holds them; those that were made to go with the instance go.

use aws_wire::xml::Element;
use serde_json::json;

use super::shapes;
use crate::attach::move_out::Leaving;
use crate::call::Call;
use crate::error::EbsError;
use crate::model::instance::{Instance, InstanceState, StateReason};
use crate::sim::EbsSim;
use crate::store::Gone;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    let ids = call.instance_ids()?;
    let listed: Vec<_> = ids.iter().map(|id| json!({ "instanceId": id })).collect();
    call.note_request(json!({ "instancesSet": { "items": listed } }));
    let touched = ids.iter().map(|id| call.touch_instance(sim, id)).collect::<Result<Vec<_>, _>>()?;
    call.authorize(sim, &touched)?;

    for id in &ids {
        call.instance(sim, id)?;
    }
    let (mut items, mut logged) = (Vec::new(), Vec::new());
    for id in &ids {
        let _held = sim.moves().begin(&[id]).await;
        let instance = call.instance(sim, id)?;
        let before = instance.state;
        let now = if before == InstanceState::Terminated { before } else { InstanceState::ShuttingDown };
        sim.end_instance(&instance, None).await?;
        items.push(shapes::state_change(id, before, now));
        logged.push(shapes::logged_state_change(id, before, now));
    }
    call.respond(json!({ "instancesSet": { "items": logged } }));
    Ok(Element::new("TerminateInstancesResponse").list("instancesSet", "item", items))
}

impl EbsSim {
    /// Ends an instance, which the caller holds in `Moves`.
    ///
    /// # Errors
    /// When the tables or the state folder fail.
    pub(super) async fn end_instance(
        &self,
        instance: &Instance,
        reason: Option<StateReason>,
    ) -> Result<Instance, EbsError> {
        for volume in self.tables().volumes_on(&instance.id)? {
            let _held = self.moves().begin(&[&volume.id]).await;
            let detached = self.move_out(&volume, Leaving::ForGood).await?;
            if volume.attachment.is_some_and(|attachment| attachment.delete_on_termination) {
                self.unmake_volume(&detached).await?;
            }
        }
        self.folder().remove_home(&instance.id);
        let now = self.world().now();
        let end = move |instance: &mut Instance| {
            instance.state = InstanceState::Terminated;
            instance.terminated_at = instance.terminated_at.or(Some(now));
            instance.reason = reason.or(instance.reason.take());
        };
        let ended = self.tables().change_instance(&instance.id, end).await?;
        ended.map_err(|Gone| EbsError::InstanceNotFound(instance.id.clone()))
    }
}
