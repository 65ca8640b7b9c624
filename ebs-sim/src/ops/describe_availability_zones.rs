//! DescribeAvailabilityZones.

use aws_wire::xml::Element;
use serde_json::json;

use super::filters::{Filters, one};
use crate::call::{Call, Touched};
use crate::error::EbsError;
use crate::model::zone::{zone_id, zones};
use crate::sim::EbsSim;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    let filters = Filters::of(call);
    call.note_request(json!({ "availabilityZoneSet": {}, "filterSet": filters.logged() }));
    call.authorize(sim, &[Touched::anything()])?;

    let region = &call.ctx.region;
    let known = zones(region);
    let (names, ids) = (call.form.list("ZoneName"), call.form.list("ZoneId"));
    if let Some(unknown) = names.iter().find(|name| !known.iter().any(|zone| zone == *name)) {
        return Err(EbsError::ZoneNotFound((*unknown).into()));
    }
    let mut items = Vec::new();
    for zone in &known {
        let id = zone_id(region, zone);
        let named =
            (names.is_empty() || names.contains(&zone.as_str())) && (ids.is_empty() || ids.contains(&id.as_str()));
        let look = |name: &str| match name {
            "zone-name" => one(zone),
            "zone-id" => one(&id),
            "region-name" => one(region),
            "state" => one("available"),
            "zone-type" => one("availability-zone"),
            "opt-in-status" => one("opt-in-not-required"),
            _ => None,
        };
        if filters.pass(look)? && named {
            items.push(item(region.as_str(), zone, &id));
        }
    }
    Ok(Element::new("DescribeAvailabilityZonesResponse").list("availabilityZoneInfo", "item", items))
}

fn item(region: &str, zone: &str, id: &str) -> Element {
    Element::new("item")
        .leaf("zoneName", zone)
        .leaf("zoneState", "available")
        .leaf("regionName", region)
        .list("messageSet", "item", [])
        .leaf("zoneId", id)
        .leaf("zoneType", "availability-zone")
        .leaf("groupName", format!("{region}-zg-1"))
        .leaf("networkBorderGroup", region)
        .leaf("optInStatus", "opt-in-not-required")
}
