//! CreateVolume. The answer says `creating`; the next Describe shows `available`, or, if KMS refused the data key,
//! nothing at all.

use aws_wire::xml::Element;
use serde_json::{Map, Value, json};

use super::making::{Made, Plan, Usual, checked_zone};
use super::shapes;
use super::tagging::{self, Wished};
use super::tokens;
use crate::call::{Call, Touched};
use crate::error::EbsError;
use crate::model::volume::{Volume, VolumeState};
use crate::model::volume_type::VolumeType;
use crate::model::zone;
use crate::sim::EbsSim;

const USUAL: Usual = Usual { size_name: "Size", size_gib: None, kind: VolumeType::Gp2 };

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    call.note_request(logged_request(call));
    let zone = zone_of(call)?;
    let defaults = sim.tables().defaults(call.ctx.account(), &call.ctx.region)?;
    let source = call.source(sim, call.form)?;
    let plan = Plan::read(call.form, &USUAL, &defaults, source)?;
    let wished = tagging::wished(call, "volume", "vol", &["volume"])?;
    if call.flag("MultiAttachEnabled")?.unwrap_or(false) {
        return Err(EbsError::UnsupportedOperation("Multi-Attach is not simulated.".into()));
    }
    authorize(sim, call, &plan, &zone, &wished)?;

    let (token, made_before) = tokens::claim(sim, call).await?;
    if let Some(id) = made_before.iter().flatten().next() {
        return Ok(answer(call, &call.volume(sim, id)?));
    }
    match sim.make_volume(call.ctx, plan, &zone, wished).await? {
        Made::Volume(volume) => {
            if let Some(token) = token {
                token.remember(sim, vec![volume.id.clone()]).await?;
            }
            Ok(answer(call, &volume))
        }
        Made::Vanished(volume) => Ok(answer(call, &volume)),
    }
}

fn authorize(sim: &EbsSim, call: &mut Call<'_>, plan: &Plan, zone: &str, wished: &Wished) -> Result<(), EbsError> {
    if !wished.tags.is_empty() {
        let tagging = plan.touched(call.ctx, zone, wished).fact("ec2:CreateAction", "CreateVolume");
        call.authorize_as(sim, "CreateTags", &[tagging])?;
    }
    let touched: Touched = plan.touched(call.ctx, zone, wished);
    call.authorize(sim, &[touched])
}

fn answer(call: &mut Call<'_>, volume: &Volume) -> Element {
    call.respond(shapes::logged_volume(volume));
    shapes::volume(volume, VolumeState::Creating).list("tagSet", "item", shapes::tag_items(&volume.tags))
}

fn zone_of(call: &Call<'_>) -> Result<String, EbsError> {
    let region = &call.ctx.region;
    match call.text("AvailabilityZoneId") {
        Some(id) => {
            let named = zone::zones(region).into_iter().find(|zone| zone::zone_id(region, zone) == id);
            named.ok_or_else(|| EbsError::ZoneNotFound(id.into()))
        }
        None => checked_zone(region, call.require("AvailabilityZone")?),
    }
}

/// What CloudTrail shows: the parameters that were given, as they were given.
fn logged_request(call: &Call<'_>) -> Value {
    let text = [
        ("size", "Size"),
        ("zone", "AvailabilityZone"),
        ("volumeType", "VolumeType"),
        ("iops", "Iops"),
        ("throughput", "Throughput"),
        ("kmsKeyId", "KmsKeyId"),
        ("snapshotId", "SnapshotId"),
        ("clientToken", "ClientToken"),
    ];
    let given = text.into_iter().filter_map(|(shown, name)| Some((shown.to_owned(), json!(call.text(name)?))));
    let mut request: Map<String, Value> = given.collect();
    if let Some(encrypted) = call.text("Encrypted") {
        request.insert("encrypted".into(), json!(encrypted == "true"));
    }
    Value::Object(request)
}
