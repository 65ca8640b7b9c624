//! CreateSnapshots: all volumes of an instance at one point in time.

use aws_wire::xml::Element;
use serde_json::{Value, json};

use super::tagging::{self, Wished};
use super::{shapes, snapping};
use crate::call::{Call, flag_of};
use crate::error::EbsError;
use crate::model::instance::Instance;
use crate::model::snapshot::Snapshot;
use crate::model::volume::Volume;
use crate::sim::EbsSim;

/// What was asked.
struct Request {
    instance_id: String,
    without_root: bool,
    without: Vec<String>,
    copy_tags: bool,
    description: String,
    wished: Wished,
}

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    let request = decode(call)?;
    call.note_request(logged_request(call, &request));
    let touched =
        [call.touch_instance(sim, &request.instance_id)?, snapping::touched(call.ctx, None, &request.wished.tags)];
    if !request.wished.tags.is_empty() {
        let tagging = snapping::touched(call.ctx, None, &request.wished.tags);
        call.authorize_as(sim, "CreateTags", &[tagging.fact("ec2:CreateAction", "CreateSnapshots")])?;
    }
    call.authorize(sim, &touched)?;

    let _instance_held = sim.moves().begin(&[&request.instance_id]).await;
    let instance = call.instance(sim, &request.instance_id)?;
    let ids: Vec<String> = chosen(sim, &instance, &request)?.into_iter().map(|volume| volume.id).collect();
    let _held = sim.moves().begin(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut taken = Vec::new();
    // Read again now that they are held.
    for volume in chosen(sim, &instance, &request)? {
        snapping::check_pending(sim, &volume)?;
        let wished = Wished { tags: tags_of(&request, &volume)?, id: None };
        let snapshot = snapping::snapshot_of(sim, &volume, &request.description, wished);
        taken.push((volume, snapshot));
    }
    let snapshots: Vec<Snapshot> = taken.iter().map(|(_, snapshot)| snapshot.clone()).collect();
    sim.begin_snapshots(taken).await?;
    let listed: Vec<Value> = snapshots.iter().map(shapes::logged_snapshot).collect();
    call.respond(json!({ "snapshotSet": { "items": listed } }));
    let items = snapshots.iter().map(shapes::snapshot_info);
    Ok(Element::new("CreateSnapshotsResponse").list("snapshotSet", "item", items))
}

fn decode(call: &Call<'_>) -> Result<Request, EbsError> {
    let instance = call.form.under("InstanceSpecification");
    let instance_id = instance.get("InstanceId").filter(|id| !id.is_empty());
    let wished = tagging::wished(call, "snapshot", "snap", &["snapshot"])?;
    if wished.id.is_some() {
        return Err(EbsError::InvalidParameterCombination("One id cannot be given to several resources.".into()));
    }
    Ok(Request {
        instance_id: instance_id.ok_or_else(|| EbsError::MissingParameter("instanceId".into()))?.into(),
        without_root: flag_of(&instance, "ExcludeBootVolume")?.unwrap_or(false),
        without: instance.list("ExcludeDataVolumeId").into_iter().map(Into::into).collect(),
        copy_tags: call.text("CopyTagsFromSource") == Some("volume"),
        description: snapping::description(call)?,
        wished,
    })
}

/// The volumes on the instance, but for those that are to be left out.
fn chosen(sim: &EbsSim, instance: &Instance, request: &Request) -> Result<Vec<Volume>, EbsError> {
    let mut volumes = sim.tables().volumes_on(&instance.id)?;
    if let Some(stranger) = request.without.iter().find(|id| !volumes.iter().any(|volume| volume.id == **id)) {
        return Err(EbsError::VolumeNotFound(stranger.clone()));
    }
    let is_root = |v: &Volume| v.attachment.as_ref().is_some_and(|a| a.device == instance.root_device);
    volumes.retain(|volume| !(request.without.contains(&volume.id) || request.without_root && is_root(volume)));
    match volumes.is_empty() {
        true => Err(EbsError::InvalidParameterValue("At least one volume must be included.".into())),
        false => Ok(volumes),
    }
}

/// The volume's own, if they are to be copied, overwritten by those of the request.
fn tags_of(request: &Request, volume: &Volume) -> Result<crate::model::tags::Tags, EbsError> {
    let own = if request.copy_tags { volume.tags.clone() } else { crate::model::tags::Tags::new() };
    tagging::bounded(own.into_iter().chain(request.wished.tags.clone()).collect())
}

fn logged_request(call: &Call<'_>, request: &Request) -> Value {
    json!({ "CreateSnapshotsRequest": {
        "InstanceSpecification": {
            "InstanceId": request.instance_id,
            "ExcludeBootVolume": request.without_root,
        },
        "Description": call.text("Description"),
        "CopyTagsFromSource": call.text("CopyTagsFromSource"),
    }})
}
