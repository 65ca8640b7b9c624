//! DescribeVolumes.

use aws_wire::xml::Element;
use serde_json::json;

use super::filters::{Filters, Values, one, page};
use super::shapes;
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
        if filters.pass(|name| look(&volume, name))? {
            shown.push(volume);
        }
    }
    let (shown, next) = page(call, shown, |volume| &volume.id)?;
    let items = shown.iter().map(|volume| shapes::described_volume(sim, volume));
    Ok(Element::new("DescribeVolumesResponse").list("volumeSet", "item", items).maybe("nextToken", next))
}

/// The volumes named by `VolumeId.N`, each of which must exist; all of the caller's when none is named.
pub(super) fn named_or_all(sim: &EbsSim, call: &Call<'_>) -> Result<Vec<Volume>, EbsError> {
    let named = call.form.list("VolumeId");
    if named.is_empty() {
        return Ok(sim.tables().volumes_of(call.ctx.account(), &call.ctx.region)?);
    }
    let mut volumes = named.into_iter().map(|id| call.volume(sim, id)).collect::<Result<Vec<_>, _>>()?;
    volumes.sort_by(|a, b| a.id.cmp(&b.id));
    volumes.dedup_by(|a, b| a.id == b.id);
    Ok(volumes)
}

fn look(volume: &Volume, name: &str) -> Values {
    let attachment = volume.attachment.as_ref();
    let attached = |part: &dyn Fn(&crate::model::attachment::Attachment) -> String| {
        Some(attachment.map(part).into_iter().collect())
    };
    match name {
        "volume-id" => one(&volume.id),
        "status" => one(volume.state().name()),
        "size" => one(volume.size_gib),
        "volume-type" => one(volume.performance.kind.name()),
        "availability-zone" => one(&volume.zone),
        "encrypted" => one(volume.key.is_some()),
        "create-time" => one(aws_core::time::iso_millis(volume.created_at)),
        "multi-attach-enabled" | "fast-restored" => one(false),
        "snapshot-id" => one(volume.snapshot_id.as_deref().unwrap_or_default()),
        "attachment.instance-id" => attached(&|a| a.instance_id.clone()),
        "attachment.device" => attached(&|a| a.device.clone()),
        "attachment.status" => attached(&|a| a.state.name().into()),
        "attachment.delete-on-termination" => attached(&|a| a.delete_on_termination.to_string()),
        "attachment.attach-time" => attached(&|a| aws_core::time::iso_millis(a.attached_at)),
        other => Filters::tag_values(other, &volume.tags),
    }
}
