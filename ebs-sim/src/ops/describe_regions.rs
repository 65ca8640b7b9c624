//! DescribeRegions.

use aws_wire::xml::Element;
use serde_json::json;

use super::filters::{Filters, one};
use crate::call::{Call, Touched, invalid};
use crate::error::EbsError;
use crate::model::zone::REGIONS;
use crate::sim::EbsSim;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    let filters = Filters::of(call);
    call.note_request(json!({ "regionSet": {}, "filterSet": filters.logged() }));
    call.authorize(sim, &[Touched::anything()])?;

    let named = call.form.list("RegionName");
    if let Some(unknown) = named.iter().find(|name| !REGIONS.contains(name)) {
        return Err(invalid(unknown, "RegionName", "is not a region"));
    }
    let mut items = Vec::new();
    for region in REGIONS.into_iter().filter(|region| named.is_empty() || named.contains(region)) {
        let endpoint = format!("ec2.{region}.amazonaws.com");
        let look = |name: &str| match name {
            "region-name" => one(region),
            "endpoint" => one(&endpoint),
            "opt-in-status" => one("opt-in-not-required"),
            _ => None,
        };
        if filters.pass(look)? {
            let item = Element::new("item").leaf("regionName", region).leaf("regionEndpoint", &endpoint);
            items.push(item.leaf("optInStatus", "opt-in-not-required"));
        }
    }
    Ok(Element::new("DescribeRegionsResponse").list("regionInfo", "item", items))
}
