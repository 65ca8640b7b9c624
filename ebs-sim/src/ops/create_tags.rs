//! CreateTags: adds or overwrites.

use aws_wire::xml::Element;
use serde_json::json;

use super::tagging;
use crate::call::{Call, Touched};
use crate::error::EbsError;
use crate::model::ids::is_id;
use crate::model::tags::Tags;
use crate::sim::EbsSim;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    call.note_request(logged_request(call));
    let resources = resources(call)?;
    let tags = tagging::read(call.form)?;
    if tags.is_empty() {
        return Err(EbsError::MissingParameter("tagSet".into()));
    }
    let touched = resources.iter().map(|id| Ok(touch(sim, call, id)?.with_request_tags(&tags)));
    let touched = touched.collect::<Result<Vec<_>, EbsError>>()?;
    call.authorize(sim, &touched)?;

    for id in &resources {
        tagging::bounded(present(sim, call, id)?.into_iter().chain(tags.clone()).collect())?;
    }
    for id in &resources {
        let tags = tags.clone();
        change(sim, id, move |has| has.extend(tags)).await?;
    }
    call.respond(json!({ "_return": true }));
    Ok(Element::new("CreateTagsResponse").leaf("return", true))
}

/// The ids of `ResourceId.N`.
///
/// # Errors
/// When there is none, or one is neither a volume's nor a snapshot's nor an instance's.
pub(super) fn resources(call: &Call<'_>) -> Result<Vec<String>, EbsError> {
    let ids = call.form.list("ResourceId");
    match ids.iter().find(|id| !["vol", "snap", "i"].iter().any(|kind| is_id(kind, id))) {
        Some(id) => Err(EbsError::InvalidId((*id).into())),
        None if ids.is_empty() => Err(EbsError::MissingParameter("resourceIdSet".into())),
        None => Ok(ids.into_iter().map(Into::into).collect()),
    }
}

/// What policies are asked about a volume, a snapshot or an instance.
///
/// # Errors
/// When the tables fail.
pub(super) fn touch(sim: &EbsSim, call: &Call<'_>, id: &str) -> Result<Touched, EbsError> {
    match id {
        _ if is_id("vol", id) => call.touch_volume(sim, id),
        _ if is_id("snap", id) => call.touch_snapshot(sim, id),
        _ => call.touch_instance(sim, id),
    }
}

/// The tags that a volume, a snapshot or an instance has.
///
/// # Errors
/// When there is no such thing.
pub(super) fn present(sim: &EbsSim, call: &Call<'_>, id: &str) -> Result<Tags, EbsError> {
    match id {
        _ if is_id("vol", id) => Ok(call.volume(sim, id)?.tags),
        _ if is_id("snap", id) => Ok(call.snapshot(sim, id)?.tags),
        _ => Ok(call.instance(sim, id)?.tags),
    }
}

/// Changes the tags of a volume, a snapshot or an instance.
///
/// # Errors
/// When it has gone meanwhile.
pub(super) async fn change(
    sim: &EbsSim,
    id: &str,
    change: impl FnOnce(&mut Tags) + Send + 'static,
) -> Result<(), EbsError> {
    if is_id("vol", id) {
        let changed = sim.tables().change_volume(id, |volume| change(&mut volume.tags)).await?;
        changed.map(drop).map_err(|_| EbsError::VolumeNotFound(id.into()))
    } else if is_id("snap", id) {
        let changed = sim.tables().change_snapshot(id, |snapshot| change(&mut snapshot.tags)).await?;
        changed.map_err(|_| EbsError::SnapshotNotFound(id.into()))
    } else {
        let changed = sim.tables().change_instance(id, |instance| change(&mut instance.tags)).await?;
        changed.map(drop).map_err(|_| EbsError::InstanceNotFound(id.into()))
    }
}

/// What CloudTrail shows of CreateTags and DeleteTags.
pub(super) fn logged_request(call: &Call<'_>) -> serde_json::Value {
    let ids: Vec<_> = call.form.list("ResourceId").into_iter().map(|id| json!({ "resourceId": id })).collect();
    let tags = call.form.members("Tag");
    let tags: Vec<_> = tags.iter().map(|tag| json!({ "key": tag.get("Key"), "value": tag.get("Value") })).collect();
    json!({ "resourcesSet": { "items": ids }, "tagSet": { "items": tags } })
}
