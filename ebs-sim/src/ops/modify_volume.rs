//! ModifyVolume: size, type, IOPS, throughput; a volume only grows. The answer says `modifying`, and the new size is
//! there when it comes, on a device in use as well.

use aws_wire::xml::Element;
use serde_json::json;

use super::shapes;
use crate::call::{Call, Touched};
use crate::device::block_device::{BlockTarget, IoFault};
use crate::device::file::FileTarget;
use crate::error::EbsError;
use crate::model::modification::{Modification, is_allowed};
use crate::model::volume::{GIB, Volume};
use crate::model::volume_type::{Performance, VolumeType};
use crate::sim::EbsSim;
use crate::store::Gone;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    let id = call.require("VolumeId")?.to_owned();
    call.note_request(logged_request(call, &id));
    let touched: Touched = call.touch_volume(sim, &id)?;
    call.authorize(sim, &[touched])?;

    let _held = sim.moves().begin(&[&id]).await;
    let volume = call.volume(sim, &id)?;
    let target = target_of(call, &volume)?;
    let now = sim.world().now();
    if !is_allowed(&volume.modifications, now) {
        return Err(EbsError::VolumeModificationRateExceeded);
    }
    let modification = Modification { at: now, original: (volume.size_gib, volume.performance), target };
    sim.modify(&volume, modification.clone()).await?;
    call.respond(logged_response(&id, &modification));
    let shown = shapes::modification("volumeModification", (&id, &modification), ("modifying", 0));
    Ok(Element::new("ModifyVolumeResponse").child(shown))
}

/// Size and performance as they are to be; what is not named stays, as far as the type has it.
fn target_of(call: &Call<'_>, volume: &Volume) -> Result<(u32, Performance), EbsError> {
    if call.flag("MultiAttachEnabled")?.unwrap_or(false) {
        return Err(EbsError::UnsupportedOperation("Multi-Attach is not simulated.".into()));
    }
    let (size, iops, throughput) = (call.number("Size")?, call.number("Iops")?, call.number("Throughput")?);
    let kind = call.text("VolumeType");
    if size.is_none() && iops.is_none() && throughput.is_none() && kind.is_none() {
        return Err(EbsError::MissingParameter("size/volumeType/iops/throughput".into()));
    }
    let was = volume.performance;
    let kind = kind
        .map_or(Ok(was.kind), |name| VolumeType::parse(name).ok_or_else(|| EbsError::UnknownVolumeType(name.into())))?;
    let size = size.unwrap_or(volume.size_gib);
    if size < volume.size_gib {
        return Err(EbsError::InvalidParameterValue("New size cannot be smaller than existing size".into()));
    }
    let (usual_iops, usual_throughput) = if kind == was.kind { chosen(was) } else { (None, None) };
    Ok((size, kind.performance(size, iops.or(usual_iops), throughput.or(usual_throughput))?))
}

/// The figures that a type lets its user choose; gp2's follow from its size.
fn chosen(was: Performance) -> (Option<u32>, Option<u32>) {
    match was.kind {
        VolumeType::Gp3 | VolumeType::Io1 | VolumeType::Io2 => (was.iops, was.throughput),
        VolumeType::Gp2 | VolumeType::St1 | VolumeType::Sc1 | VolumeType::Standard => (None, None),
    }
}

impl EbsSim {
    /// File, row, device: at no moment is more served than a restart would serve.
    async fn modify(&self, volume: &Volume, modification: Modification) -> Result<(), EbsError> {
        let (size_gib, performance) = modification.target;
        let size_bytes = u64::from(size_gib) * GIB;
        let file = FileTarget::open(&self.folder().data_file(&volume.id), volume.size_bytes())?;
        let growing = tokio::task::spawn_blocking(move || file.grow(size_bytes));
        growing.await.map_err(|_| EbsError::Task)?.map_err(|fault| match fault {
            IoFault::NoSpace => EbsError::TooLargeForHost(size_gib),
            other => other.into(),
        })?;
        let change = move |volume: &mut Volume| {
            (volume.size_gib, volume.performance) = (size_gib, performance);
            volume.modifications.push(modification);
        };
        let changed = self.tables().change_volume(&volume.id, change).await?;
        changed.map_err(|Gone| EbsError::VolumeNotFound(volume.id.clone()))?;
        let (bench, id) = (self.bench().clone(), volume.id.clone());
        let showing = tokio::task::spawn_blocking(move || bench.grow(&id, size_bytes));
        Ok(showing.await.map_err(|_| EbsError::Task)??)
    }
}

fn logged_request(call: &Call<'_>, id: &str) -> serde_json::Value {
    let number = |name: &str| call.number(name).ok().flatten();
    json!({ "ModifyVolumeRequest": {
        "VolumeId": id,
        "Size": number("Size"),
        "VolumeType": call.text("VolumeType"),
        "Iops": number("Iops"),
        "Throughput": number("Throughput"),
    }})
}

fn logged_response(id: &str, modification: &Modification) -> serde_json::Value {
    let ((original_size, original), (target_size, target)) = (modification.original, modification.target);
    json!({ "ModifyVolumeResponse": { "volumeModification": {
        "volumeId": id,
        "modificationState": "modifying",
        "originalSize": original_size,
        "originalVolumeType": original.kind.name(),
        "originalIops": original.iops,
        "targetSize": target_size,
        "targetVolumeType": target.kind.name(),
        "targetIops": target.iops,
        "progress": 0,
    }}})
}
