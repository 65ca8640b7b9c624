//! DescribeInstanceStatus: running instances only, unless `IncludeAllInstances` is given. Both checks are passed at once,
//! as there is nothing that could fail them.

use aws_wire::xml::Element;
use serde_json::json;

use super::describe_instances::named_or_all;
use super::filters::{Filters, Values, one, page};
use super::shapes;
use crate::call::{Call, Touched};
use crate::error::EbsError;
use crate::model::instance::{Instance, InstanceState};
use crate::sim::EbsSim;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    let filters = Filters::of(call);
    let ids: Vec<_> = call.form.list("InstanceId").into_iter().map(|id| json!({ "instanceId": id })).collect();
    call.note_request(json!({ "instancesSet": { "items": ids }, "filterSet": filters.logged() }));
    call.authorize(sim, &[Touched::anything()])?;

    let all = call.flag("IncludeAllInstances")?.unwrap_or(false);
    let mut shown = Vec::new();
    for instance in named_or_all(sim, call)? {
        let listed = all || instance.state == InstanceState::Running;
        if listed && filters.pass(|name| look(&instance, name))? {
            shown.push(instance);
        }
    }
    let (shown, next) = page(call, shown, |instance| &instance.id)?;
    let items = shown.iter().map(item);
    Ok(Element::new("DescribeInstanceStatusResponse").list("instanceStatusSet", "item", items).maybe("nextToken", next))
}

fn item(instance: &Instance) -> Element {
    let verdict = verdict(instance);
    let check = |name: &'static str| {
        let reachable = if verdict == "ok" { "passed" } else { verdict };
        let detail = Element::new("item").leaf("name", "reachability").leaf("status", reachable);
        Element::new(name).leaf("status", verdict).list("details", "item", [detail])
    };
    Element::new("item")
        .leaf("instanceId", &instance.id)
        .leaf("availabilityZone", &instance.zone)
        .child(shapes::state("instanceState", instance.state))
        .child(check("systemStatus"))
        .child(check("instanceStatus"))
}

fn verdict(instance: &Instance) -> &'static str {
    if instance.state == InstanceState::Running { "ok" } else { "not-applicable" }
}

fn look(instance: &Instance, name: &str) -> Values {
    let (code, state) = instance.state.code_and_name();
    match name {
        "instance-state-name" => one(state),
        "instance-state-code" => one(code),
        "availability-zone" => one(&instance.zone),
        "instance-status.status" | "system-status.status" => one(verdict(instance)),
        _ => None,
    }
}
