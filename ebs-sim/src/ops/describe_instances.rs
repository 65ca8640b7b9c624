//! DescribeInstances, grouped by reservation.

use std::collections::BTreeMap;

use aws_wire::xml::Element;
use serde_json::json;

use super::filters::{Filters, Values, one, page};
use super::shapes;
use crate::call::{Call, Touched};
use crate::error::EbsError;
use crate::model::instance::Instance;
use crate::sim::EbsSim;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    let filters = Filters::of(call);
    let ids: Vec<_> = call.form.list("InstanceId").into_iter().map(|id| json!({ "instanceId": id })).collect();
    call.note_request(json!({ "instancesSet": { "items": ids }, "filterSet": filters.logged() }));
    call.authorize(sim, &[Touched::anything()])?;

    let mut shown = Vec::new();
    for instance in named_or_all(sim, call)? {
        if filters.pass(|name| look(&instance, name))? {
            shown.push(instance);
        }
    }
    let (shown, next) = page(call, shown, |instance| &instance.id)?;
    let reservations = reservations(sim, call, &shown)?;
    Ok(Element::new("DescribeInstancesResponse").list("reservationSet", "item", reservations).maybe("nextToken", next))
}

/// The instances named by `InstanceId.N`, each of which must exist; all of the caller's when none is named.
pub(super) fn named_or_all(sim: &EbsSim, call: &Call<'_>) -> Result<Vec<Instance>, EbsError> {
    let named = call.form.list("InstanceId");
    let mut instances = match named.is_empty() {
        true => sim.tables().instances_of(call.ctx.account(), &call.ctx.region)?,
        false => named.into_iter().map(|id| call.instance(sim, id)).collect::<Result<Vec<_>, _>>()?,
    };
    let now = sim.world().now();
    instances.retain(|instance| instance.is_remembered(now));
    instances.sort_by(|a, b| a.id.cmp(&b.id));
    instances.dedup_by(|a, b| a.id == b.id);
    Ok(instances)
}

fn reservations(sim: &EbsSim, call: &Call<'_>, shown: &[Instance]) -> Result<Vec<Element>, EbsError> {
    let mut grouped: BTreeMap<&str, Vec<Element>> = BTreeMap::new();
    for instance in shown {
        let item = shapes::instance(instance, instance.state, &sim.tables().volumes_on(&instance.id)?);
        grouped.entry(&instance.reservation_id).or_default().push(item);
    }
    let reservation = |(id, instances)| {
        Element::new("item")
            .leaf("reservationId", id)
            .leaf("ownerId", call.ctx.account())
            .list("groupSet", "item", [])
            .list("instancesSet", "item", instances)
    };
    Ok(grouped.into_iter().map(reservation).collect())
}

fn look(instance: &Instance, name: &str) -> Values {
    let (code, state) = instance.state.code_and_name();
    match name {
        "instance-id" => one(&instance.id),
        "instance-state-name" => one(state),
        "instance-state-code" => one(code),
        "instance-type" => one(&instance.instance_type),
        "image-id" => one(&instance.image_id),
        "availability-zone" => one(&instance.zone),
        "key-name" => Some(instance.key_name.iter().cloned().collect()),
        "reservation-id" => one(&instance.reservation_id),
        "owner-id" => one(&instance.account),
        "root-device-name" => one(&instance.root_device),
        "root-device-type" => one("ebs"),
        other => Filters::tag_values(other, &instance.tags),
    }
}
