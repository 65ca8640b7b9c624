//! Volumes and instances as EC2's XML and CloudTrail's JSON have them.

use aws_core::time::iso_millis;
use aws_wire::xml::Element;
use serde_json::{Value, json};

use crate::device::chunk::CHUNK_BYTES;
use crate::model::attachment::Attachment;
use crate::model::instance::{Instance, InstanceState};
use crate::model::modification::Modification;
use crate::model::snapshot::{Snapshot, SnapshotState};
use crate::model::tags::Tags;
use crate::model::volume::{Volume, VolumeState};
use crate::sim::EbsSim;

/// The tag under which Describe says why an attached volume has no device file. EC2 has no member for it, and no
/// client shows members that it does not know.
const TROUBLE_TAG: &str = "sse-sim:device";

/// A volume, in the state that is to be shown.
pub(super) fn volume(volume: &Volume, state: VolumeState) -> Element {
    let performance = &volume.performance;
    Element::new("item")
        .leaf("volumeId", &volume.id)
        .leaf("size", volume.size_gib)
        .leaf("snapshotId", volume.snapshot_id.as_deref().unwrap_or_default())
        .leaf("availabilityZone", &volume.zone)
        .leaf("availabilityZoneId", crate::model::zone::zone_id(&volume.region, &volume.zone))
        .leaf("status", state.name())
        .leaf("createTime", iso_millis(volume.created_at))
        .leaf("volumeType", performance.kind.name())
        .maybe("iops", performance.iops)
        .maybe("throughput", performance.throughput)
        .leaf("encrypted", volume.key.is_some())
        .maybe("kmsKeyId", volume.key.as_ref().map(|key| &key.kms_key_arn))
        .leaf("sseType", if volume.key.is_some() { "sse-kms" } else { "none" })
        .leaf("multiAttachEnabled", false)
}

/// A volume as Describe shows it: attachment, tags, and why there is no device file, if there should be one.
pub(super) fn described_volume(sim: &EbsSim, it: &Volume) -> Element {
    let attachments = it.attachment.iter().map(|a| attachment(&it.id, a, a.state.name()));
    let mut tags = it.tags.clone();
    if let Some(trouble) = sim.device_status(&it.id) {
        tags.insert(TROUBLE_TAG.into(), trouble);
    }
    with_tags(volume(it, it.state()).list("attachmentSet", "item", attachments), &tags)
}

/// An attachment, in the state that is to be shown.
pub(super) fn attachment(volume_id: &str, attachment: &Attachment, status: &str) -> Element {
    Element::new("item")
        .leaf("volumeId", volume_id)
        .leaf("instanceId", &attachment.instance_id)
        .leaf("device", &attachment.device)
        .leaf("status", status)
        .leaf("attachTime", iso_millis(attachment.attached_at))
        .leaf("deleteOnTermination", attachment.delete_on_termination)
}

/// The tag set, absent when there are no tags.
pub(super) fn with_tags(element: Element, tags: &Tags) -> Element {
    if tags.is_empty() { element } else { element.list("tagSet", "item", tag_items(tags)) }
}

/// Key and value each.
pub(super) fn tag_items(tags: &Tags) -> Vec<Element> {
    tags.iter().map(|(key, value)| Element::new("item").leaf("key", key).leaf("value", value)).collect()
}

/// A snapshot as DescribeSnapshots and CreateSnapshot have it. `progress` is how far a pending one has come.
pub(super) fn snapshot(snapshot: &Snapshot, progress: &str) -> Element {
    let (completed_at, chunks, message) = match &snapshot.state {
        SnapshotState::Completed { at, chunks } => (Some(iso_millis(*at)), Some(*chunks), None),
        SnapshotState::Error { message } => (None, None, Some(message)),
        SnapshotState::Pending { .. } => (None, None, None),
    };
    let key = snapshot.key.as_ref();
    let element = Element::new("item")
        .leaf("snapshotId", &snapshot.id)
        .leaf("volumeId", &snapshot.volume_id)
        .leaf("status", snapshot.state.name())
        .maybe("statusMessage", message)
        .leaf("startTime", iso_millis(snapshot.started_at))
        .maybe("completionTime", completed_at)
        .leaf("progress", progress)
        .leaf("ownerId", &snapshot.account)
        .leaf("volumeSize", snapshot.size_gib)
        .maybe("fullSnapshotSizeInBytes", chunks.map(|chunks| chunks * CHUNK_BYTES as u64))
        .leaf("description", &snapshot.description)
        .leaf("encrypted", key.is_some())
        .maybe("kmsKeyId", key.map(|key| &key.kms_key_arn))
        .maybe("dataEncryptionKeyId", key.map(|_| &snapshot.lineage))
        .leaf("storageTier", "standard")
        .leaf("sseType", if key.is_some() { "sse-kms" } else { "none" });
    with_tags(element, &snapshot.tags)
}

/// The same, as CreateSnapshots has it.
pub(super) fn snapshot_info(snapshot: &Snapshot) -> Element {
    let element = Element::new("item")
        .leaf("snapshotId", &snapshot.id)
        .leaf("volumeId", &snapshot.volume_id)
        .leaf("state", snapshot.state.name())
        .leaf("startTime", iso_millis(snapshot.started_at))
        .leaf("progress", "")
        .leaf("ownerId", &snapshot.account)
        .leaf("volumeSize", snapshot.size_gib)
        .leaf("description", &snapshot.description)
        .leaf("encrypted", snapshot.key.is_some())
        .leaf("sseType", if snapshot.key.is_some() { "sse-kms" } else { "none" });
    with_tags(element, &snapshot.tags)
}

/// The same, for the trail.
pub(super) fn logged_snapshot(snapshot: &Snapshot) -> Value {
    json!({
        "snapshotId": snapshot.id,
        "volumeId": snapshot.volume_id,
        "status": snapshot.state.name(),
        "startTime": snapshot.started_at.as_millisecond(),
        "progress": "",
        "ownerId": snapshot.account,
        "volumeSize": snapshot.size_gib.to_string(),
        "description": snapshot.description,
        "encrypted": snapshot.key.is_some(),
    })
}

/// A modification of a volume. What the answer to ModifyVolume calls `modifying` is over by the next read.
pub(super) fn modification(
    name: &'static str,
    (volume_id, modification): (&str, &Modification),
    (state, progress): (&str, u32),
) -> Element {
    let ((original_size, original), (target_size, target)) = (modification.original, modification.target);
    let over = (state == "completed").then(|| iso_millis(modification.at));
    Element::new(name)
        .leaf("volumeId", volume_id)
        .leaf("modificationState", state)
        .leaf("targetSize", target_size)
        .maybe("targetIops", target.iops)
        .leaf("targetVolumeType", target.kind.name())
        .maybe("targetThroughput", target.throughput)
        .leaf("targetMultiAttachEnabled", false)
        .leaf("originalSize", original_size)
        .maybe("originalIops", original.iops)
        .leaf("originalVolumeType", original.kind.name())
        .maybe("originalThroughput", original.throughput)
        .leaf("originalMultiAttachEnabled", false)
        .leaf("progress", progress)
        .leaf("startTime", iso_millis(modification.at))
        .maybe("endTime", over)
}

/// An instance's state by number and name.
pub(super) fn state(name: &'static str, state: InstanceState) -> Element {
    let (code, text) = state.code_and_name();
    Element::new(name).leaf("code", code).leaf("name", text)
}

/// An instance with the volumes on it.
pub(super) fn instance(instance: &Instance, shown: InstanceState, volumes: &[Volume]) -> Element {
    let reason = instance.reason.as_ref();
    let reason = reason.map(|r| Element::new("stateReason").leaf("code", &r.code).leaf("message", &r.message));
    let placement = Element::new("placement").leaf("availabilityZone", &instance.zone).leaf("tenancy", "default");
    let element = Element::new("item")
        .leaf("instanceId", &instance.id)
        .leaf("imageId", &instance.image_id)
        .child(state("instanceState", shown))
        .leaf("privateDnsName", "")
        .leaf("dnsName", "")
        .leaf("reason", instance.reason.as_ref().map_or(String::new(), |r| format!("{}: {}", r.code, r.message)))
        .maybe("keyName", instance.key_name.as_ref())
        .leaf("amiLaunchIndex", instance.launch_index)
        .leaf("instanceType", &instance.instance_type)
        .leaf("launchTime", iso_millis(instance.launched_at))
        .child(placement)
        .child(Element::new("monitoring").leaf("state", "disabled"))
        .children(reason)
        .leaf("architecture", "x86_64")
        .leaf("rootDeviceType", "ebs")
        .leaf("rootDeviceName", &instance.root_device)
        .list("blockDeviceMapping", "item", volumes.iter().flat_map(mapping))
        .leaf("virtualizationType", "hvm")
        .leaf("hypervisor", "xen");
    with_tags(element, &instance.tags)
}

fn mapping(volume: &Volume) -> Option<Element> {
    let attachment = volume.attachment.as_ref()?;
    let ebs = Element::new("ebs")
        .leaf("volumeId", &volume.id)
        .leaf("status", attachment.state.name())
        .leaf("attachTime", iso_millis(attachment.attached_at))
        .leaf("deleteOnTermination", attachment.delete_on_termination);
    Some(Element::new("item").leaf("deviceName", &attachment.device).child(ebs))
}

/// One instance's change of state.
pub(super) fn state_change(id: &str, before: InstanceState, now: InstanceState) -> Element {
    Element::new("item").leaf("instanceId", id).child(state("currentState", now)).child(state("previousState", before))
}

/// The same, for the trail.
pub(super) fn logged_state_change(id: &str, before: InstanceState, now: InstanceState) -> Value {
    let state = |state: InstanceState| {
        let (code, name) = state.code_and_name();
        json!({ "code": code, "name": name })
    };
    json!({ "instanceId": id, "currentState": state(now), "previousState": state(before) })
}

/// A new volume, for the trail.
pub(super) fn logged_volume(volume: &Volume) -> Value {
    let tags: Vec<_> = volume.tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
    json!({
        "volumeId": volume.id,
        "size": volume.size_gib.to_string(),
        "zone": volume.zone,
        "status": VolumeState::Creating.name(),
        "createTime": volume.created_at.as_millisecond(),
        "volumeType": volume.performance.kind.name(),
        "iops": volume.performance.iops,
        "snapshotId": volume.snapshot_id,
        "encrypted": volume.key.is_some(),
        "masterEncryptionKeyId": volume.key.as_ref().map(|key| key.kms_key_arn.as_str()),
        "tagSet": if tags.is_empty() { json!({}) } else { json!({ "items": tags }) },
        "multiAttachEnabled": false,
    })
}

/// An attachment, for the trail.
pub(super) fn logged_attachment(volume_id: &str, attachment: &Attachment, status: &str) -> Value {
    json!({
        "volumeId": volume_id,
        "instanceId": attachment.instance_id,
        "device": attachment.device,
        "status": status,
        "attachTime": attachment.attached_at.as_millisecond(),
        "deleteOnTermination": attachment.delete_on_termination,
    })
}
