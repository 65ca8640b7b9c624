//! DescribeVolumeStatus. A volume that is attached but has no usable key is `impaired`, with the reason as its event.

use aws_wire::xml::Element;
use serde_json::json;

use super::describe_volumes::named_or_all;
use super::filters::{Filters, Values, one, page};
use crate::call::{Call, Touched};
use crate::error::EbsError;
use crate::model::volume::Volume;
use crate::sim::EbsSim;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    let filters = Filters::of(call);
    let ids: Vec<_> = call.form.list("VolumeId").into_iter().map(|id| json!({ "volumeId": id })).collect();
    call.note_request(json!({ "volumeSet": { "items": ids }, "filterSet": filters.logged() }));
    call.authorize(sim, &[Touched::anything()])?;

    let mut shown = Vec::new();
    for volume in named_or_all(sim, call)? {
        let status = health(sim, &volume);
        if filters.pass(|name| look(&volume, status, name))? {
            shown.push(volume);
        }
    }
    let (shown, next) = page(call, shown, |volume| &volume.id)?;
    let items = shown.iter().map(|volume| item(sim, volume));
    Ok(Element::new("DescribeVolumeStatusResponse").list("volumeStatusSet", "item", items).maybe("nextToken", next))
}

/// The reason why a volume cannot be used though it is attached. That device files are not wanted is no illness.
fn illness(sim: &EbsSim, volume: &Volume) -> Option<String> {
    let usable = sim.bench().device(&volume.id).is_some();
    sim.device_status(&volume.id).filter(|_| !usable)
}

fn health(sim: &EbsSim, volume: &Volume) -> &'static str {
    if illness(sim, volume).is_some() { "impaired" } else { "ok" }
}

fn item(sim: &EbsSim, volume: &Volume) -> Element {
    let status = health(sim, volume);
    let details =
        [("io-enabled", if status == "ok" { "passed" } else { "failed" }), ("io-performance", "not-applicable")];
    let details = details.map(|(name, status)| Element::new("item").leaf("name", name).leaf("status", status));
    let events = illness(sim, volume).map(|reason| {
        Element::new("item").leaf("eventType", "io-disabled").leaf("eventId", "").leaf("description", reason)
    });
    Element::new("item")
        .leaf("volumeId", &volume.id)
        .leaf("availabilityZone", &volume.zone)
        .child(Element::new("volumeStatus").leaf("status", status).list("details", "item", details))
        .list("eventsSet", "item", events)
        .list("actionsSet", "item", [])
}

fn look(volume: &Volume, status: &str, name: &str) -> Values {
    match name {
        "availability-zone" => one(&volume.zone),
        "volume-status.status" => one(status),
        _ => None,
    }
}
