//! DescribeTags: every tag of every volume, snapshot and instance.

use aws_wire::xml::Element;
use serde_json::json;

use super::filters::{Filters, one, page};
use crate::call::{Call, Touched};
use crate::error::EbsError;
use crate::sim::EbsSim;

/// One tag; `place` orders the pages.
struct Tag {
    place: String,
    id: String,
    kind: &'static str,
    key: String,
    value: String,
}

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    let filters = Filters::of(call);
    call.note_request(json!({ "filterSet": filters.logged() }));
    call.authorize(sim, &[Touched::anything()])?;

    let mut shown = Vec::new();
    for tag in all(sim, call)? {
        let look = |name: &str| match name {
            "resource-id" => one(&tag.id),
            "resource-type" => one(tag.kind),
            "key" => one(&tag.key),
            "value" => one(&tag.value),
            other => {
                other.strip_prefix("tag:").map(|key| (key == tag.key).then(|| tag.value.clone()).into_iter().collect())
            }
        };
        if filters.pass(look)? {
            shown.push(tag);
        }
    }
    let (shown, next) = page(call, shown, |tag| &tag.place)?;
    Ok(Element::new("DescribeTagsResponse").list("tagSet", "item", shown.iter().map(item)).maybe("nextToken", next))
}

fn all(sim: &EbsSim, call: &Call<'_>) -> Result<Vec<Tag>, EbsError> {
    let (account, region) = (call.ctx.account(), &call.ctx.region);
    let volumes = sim.tables().volumes_of(account, region)?.into_iter().map(|v| (v.id, "volume", v.tags));
    let instances = sim.tables().instances_of(account, region)?.into_iter().map(|i| (i.id, "instance", i.tags));
    let snapshots = sim.tables().snapshots_of(account, region)?.into_iter().map(|s| (s.id, "snapshot", s.tags));
    let tag = |(id, kind, tags): (String, &'static str, crate::model::tags::Tags)| {
        tags.into_iter()
            .map(move |(key, value)| Tag { place: format!("{id}/{key}"), id: id.clone(), kind, key, value })
            .collect::<Vec<_>>()
    };
    let mut all: Vec<Tag> = volumes.chain(snapshots).chain(instances).flat_map(tag).collect();
    all.sort_by(|a, b| a.place.cmp(&b.place));
    Ok(all)
}

fn item(tag: &Tag) -> Element {
    Element::new("item")
        .leaf("resourceId", &tag.id)
        .leaf("resourceType", tag.kind)
        .leaf("key", &tag.key)
        .leaf("value", &tag.value)
}
