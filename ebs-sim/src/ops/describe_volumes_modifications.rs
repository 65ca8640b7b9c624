//! DescribeVolumesModifications: the last one of each volume that was ever modified.

use aws_wire::xml::Element;
use serde_json::json;

use super::describe_volumes::named_or_all;
use super::filters::{Filters, Values, one, page};
use super::shapes;
use crate::call::{Call, Touched};
use crate::error::EbsError;
use crate::model::modification::Modification;
use crate::model::volume::Volume;
use crate::sim::EbsSim;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    let filters = Filters::of(call);
    let named: Vec<_> = call.form.list("VolumeId").into_iter().map(|id| json!({ "volumeId": id })).collect();
    call.note_request(json!({ "volumeSet": { "items": named }, "filterSet": filters.logged() }));
    call.authorize(sim, &[Touched::anything()])?;

    let mut shown = Vec::new();
    for volume in named_or_all(sim, call)? {
        match volume.modifications.last().cloned() {
            Some(last) if filters.pass(|name| look(&volume, &last, name))? => shown.push((volume.id, last)),
            None if !named.is_empty() => return Err(EbsError::ModificationNotFound(volume.id)),
            Some(_) | None => {}
        }
    }
    let (shown, next) = page(call, shown, |(id, _)| id)?;
    let items = shown.iter().map(|(id, last)| shapes::modification("item", (id, last), ("completed", 100)));
    let answer = Element::new("DescribeVolumesModificationsResponse").list("volumeModificationSet", "item", items);
    Ok(answer.maybe("nextToken", next))
}

fn look(volume: &Volume, last: &Modification, name: &str) -> Values {
    let ((original_size, original), (target_size, target)) = (last.original, last.target);
    let figure = |figure: Option<u32>| Some(figure.map(|figure| figure.to_string()).into_iter().collect());
    match name {
        "volume-id" => one(&volume.id),
        "modification-state" => one("completed"),
        "original-size" => one(original_size),
        "original-volume-type" => one(original.kind.name()),
        "original-iops" => figure(original.iops),
        "target-size" => one(target_size),
        "target-volume-type" => one(target.kind.name()),
        "target-iops" => figure(target.iops),
        "start-time" => one(aws_core::time::iso_millis(last.at)),
        "originalMultiAttachEnabled" | "targetMultiAttachEnabled" => one(false),
        _ => None,
    }
}
