//! RunInstances. An instance is a folder of this host and its volumes; nothing is booted. Each has a root volume. If a
//! volume's key cannot be had, the instance goes from `pending` to `terminated`, with AWS's reason.

use aws_wire::query::Params;
use aws_wire::xml::Element;
use serde_json::json;

use super::attach_volume::device_of;
use super::making::{Made, Plan, Usual, checked_zone};
use super::tagging::{self, Wished};
use super::{shapes, tokens};
use crate::call::{Call, Touched, flag_of, invalid};
use crate::error::EbsError;
use crate::model::attachment::{Attachment, AttachmentState};
use crate::model::defaults::EncryptionDefaults;
use crate::model::instance::{self, Instance, InstanceState, StateReason};
use crate::model::snapshot::Snapshot;
use crate::model::volume_type::VolumeType;
use crate::model::zone;
use crate::sim::EbsSim;
use crate::store::Taken;

/// The most that one call launches.
const MOST_INSTANCES: u32 = 64;
/// The API's default instance type.
const USUAL_TYPE: &str = "m1.small";
/// Device names under which images have their root volume; the first is ours.
const ROOTS: [&str; 2] = ["/dev/xvda", "/dev/sda1"];
const ROOT: Usual = Usual { size_name: "VolumeSize", size_gib: Some(8), kind: VolumeType::Gp3 };
const FURTHER: Usual = Usual { size_name: "VolumeSize", size_gib: None, kind: VolumeType::Gp2 };

/// A volume that an instance is launched with.
#[derive(Clone)]
struct Disk {
    device: String,
    plan: Plan,
    delete_on_termination: bool,
}

/// What is launched, the same for each instance of the call.
struct Launch {
    count: u32,
    image_id: String,
    instance_type: String,
    key_name: Option<String>,
    zone: String,
    disks: Vec<Disk>,
    wished: Wished,
    volume_tags: Wished,
}

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    call.note_request(logged_request(call));
    let launch = decode(sim, call)?;
    authorize(sim, call, &launch)?;

    let (token, made_before) = tokens::claim(sim, call).await?;
    let instances = match made_before {
        Some(ids) => ids.iter().map(|id| call.instance(sim, id)).collect::<Result<Vec<_>, _>>()?,
        None => {
            let instances = launch_all(sim, call, launch).await?;
            if let Some(token) = token {
                token.remember(sim, instances.iter().map(|instance| instance.id.clone()).collect()).await?;
            }
            instances
        }
    };
    answer(sim, call, &instances)
}

fn decode(sim: &EbsSim, call: &Call<'_>) -> Result<Launch, EbsError> {
    let image_id = call.require("ImageId")?;
    if !image_id.starts_with("ami-") && !image_id.starts_with("resolve:ssm:") {
        return Err(EbsError::InvalidParameterValue(format!("Invalid id: \"{image_id}\" (expecting \"ami-...\")")));
    }
    let defaults = sim.tables().defaults(call.ctx.account(), &call.ctx.region)?;
    let makes = ["instance", "volume"];
    let launch = Launch {
        count: count_of(call)?,
        image_id: image_id.into(),
        instance_type: call.text("InstanceType").unwrap_or(USUAL_TYPE).into(),
        key_name: call.text("KeyName").map(Into::into),
        zone: zone_of(call)?,
        disks: disks_of(sim, call, &defaults)?,
        wished: tagging::wished(call, "instance", "i", &makes)?,
        volume_tags: tagging::wished(call, "volume", "vol", &makes)?,
    };
    if launch.count > 1 && launch.wished.id.is_some() || launch.disks.len() > 1 && launch.volume_tags.id.is_some() {
        return Err(EbsError::InvalidParameterCombination("One id cannot be given to several resources.".into()));
    }
    Ok(launch)
}

fn count_of(call: &Call<'_>) -> Result<u32, EbsError> {
    call.require("MinCount")?;
    call.require("MaxCount")?;
    let (least, most) = (call.number("MinCount")?.unwrap_or(1), call.number("MaxCount")?.unwrap_or(1));
    match () {
        () if least == 0 || least > most => {
            Err(invalid(&least.to_string(), "MinCount", "must be at least 1 and at most MaxCount"))
        }
        () if least > MOST_INSTANCES => Err(EbsError::InstanceLimitExceeded(least, MOST_INSTANCES)),
        () => Ok(most.min(MOST_INSTANCES)),
    }
}

fn zone_of(call: &Call<'_>) -> Result<String, EbsError> {
    match call.text("Placement.AvailabilityZone") {
        Some(zone) => checked_zone(&call.ctx.region, zone),
        None => Ok(zone::zones(&call.ctx.region).swap_remove(0)),
    }
}

/// The root volume first, whether it is named or not.
fn disks_of(sim: &EbsSim, call: &Call<'_>, defaults: &EncryptionDefaults) -> Result<Vec<Disk>, EbsError> {
    let mut disks: Vec<Disk> = Vec::new();
    for mapping in call.form.members("BlockDeviceMapping") {
        if mapping.get("NoDevice").is_some() || mapping.get("VirtualName").is_some() {
            continue;
        }
        let device = device_of(mapping.get("DeviceName").unwrap_or_default())?;
        if disks.iter().any(|disk| device.same_place(&disk.device)) {
            return Err(EbsError::DeviceInUse(device.as_given().into()));
        }
        let ebs = mapping.under("Ebs");
        let source = call.source(sim, &ebs)?;
        disks.push(disk(device.as_given(), &ebs, defaults, source)?);
    }
    match disks.iter().position(|disk| ROOTS.contains(&disk.device.as_str())) {
        Some(root) => disks.swap(0, root),
        None => disks.insert(0, disk(ROOTS[0], &Params::default(), defaults, None)?),
    }
    Ok(disks)
}

fn disk(device: &str, ebs: &Params, defaults: &EncryptionDefaults, source: Option<Snapshot>) -> Result<Disk, EbsError> {
    let root = ROOTS.contains(&device);
    let plan = Plan::read(ebs, if root { &ROOT } else { &FURTHER }, defaults, source)?;
    let delete_on_termination = flag_of(ebs, "DeleteOnTermination")?.unwrap_or(root);
    Ok(Disk { device: device.into(), plan, delete_on_termination })
}

fn authorize(sim: &EbsSim, call: &mut Call<'_>, launch: &Launch) -> Result<(), EbsError> {
    let arn = instance::arn_of(call.ctx.account(), &call.ctx.region, "*");
    let instance = || {
        Touched::new(arn.clone())
            .with_request_tags(&launch.wished.tags)
            .fact("ec2:AvailabilityZone", &launch.zone)
            .fact("ec2:InstanceType", &launch.instance_type)
    };
    let volume = |disk: &Disk| disk.plan.touched(call.ctx, &launch.zone, &launch.volume_tags);
    let mut touched: Vec<_> = launch.disks.iter().map(volume).collect();
    if !launch.wished.tags.is_empty() {
        call.authorize_as(sim, "CreateTags", &[instance().fact("ec2:CreateAction", "RunInstances")])?;
    }
    if !launch.volume_tags.tags.is_empty() {
        let volumes: Vec<_> = launch
            .disks
            .iter()
            .map(|disk| {
                disk.plan.touched(call.ctx, &launch.zone, &launch.volume_tags).fact("ec2:CreateAction", "RunInstances")
            })
            .collect();
        call.authorize_as(sim, "CreateTags", &volumes)?;
    }
    touched.insert(0, instance());
    call.authorize(sim, &touched)
}

async fn launch_all(sim: &EbsSim, call: &Call<'_>, launch: Launch) -> Result<Vec<Instance>, EbsError> {
    let reservation_id = aws_core::id::ec2_id("r", sim.world().entropy.array());
    let mut instances = Vec::new();
    for launch_index in 0..launch.count {
        let id = launch.wished.id.clone();
        let instance = Instance {
            id: id.unwrap_or_else(|| aws_core::id::ec2_id("i", sim.world().entropy.array())),
            reservation_id: reservation_id.clone(),
            launch_index,
            account: call.ctx.account().clone(),
            region: call.ctx.region.clone(),
            zone: launch.zone.clone(),
            image_id: launch.image_id.clone(),
            instance_type: launch.instance_type.clone(),
            key_name: launch.key_name.clone(),
            root_device: launch.disks[0].device.clone(),
            launched_at: sim.world().now(),
            state: InstanceState::Running,
            terminated_at: None,
            reason: None,
            tags: launch.wished.tags.clone(),
        };
        instances.push(launch_one(sim, call, instance, &launch).await?);
    }
    Ok(instances)
}

async fn launch_one(sim: &EbsSim, call: &Call<'_>, instance: Instance, launch: &Launch) -> Result<Instance, EbsError> {
    let _held = sim.moves().begin(&[&instance.id]).await;
    let added = sim.tables().add_instance(instance.clone()).await?;
    added.map_err(|Taken| EbsError::IdInUse(instance.id.clone()))?;
    std::fs::create_dir_all(sim.folder().home(&instance.id))?;
    for disk in &launch.disks {
        if let Err(error) = furnish(sim, call, &instance, disk, &launch.volume_tags).await {
            tracing::info!(instance = instance.id, %error, "a launch failed");
            let reason = StateReason { code: "Client.InternalError".into(), message: "Client error on launch".into() };
            return sim.end_instance(&instance, Some(reason)).await;
        }
    }
    Ok(instance)
}

async fn furnish(
    sim: &EbsSim,
    call: &Call<'_>,
    instance: &Instance,
    disk: &Disk,
    tags: &Wished,
) -> Result<(), EbsError> {
    let wished = Wished { tags: tags.tags.clone(), id: tags.id.clone() };
    let volume = match sim.make_volume(call.ctx, disk.plan.clone(), &instance.zone, wished).await? {
        Made::Volume(volume) => volume,
        Made::Vanished(volume) => return Err(EbsError::CustomerKeyHasBeenRevoked(volume.id)),
    };
    let attachment = Attachment {
        instance_id: instance.id.clone(),
        device: disk.device.clone(),
        attached_at: sim.world().now(),
        delete_on_termination: disk.delete_on_termination,
        state: AttachmentState::Attached,
        grant: None,
    };
    let _held = sim.moves().begin(&[&volume.id]).await;
    if let Err(error) = sim.move_in(call.ctx, &volume, attachment).await {
        sim.unmake_volume(&volume).await?;
        return Err(error);
    }
    Ok(())
}

/// The answer says `pending` of everything, even of a launch that has failed by then.
fn answer(sim: &EbsSim, call: &mut Call<'_>, instances: &[Instance]) -> Result<Element, EbsError> {
    let mut items = Vec::new();
    for instance in instances {
        items.push(shapes::instance(instance, InstanceState::Pending, &sim.tables().volumes_on(&instance.id)?));
    }
    let reservation_id = instances.first().map_or("", |instance| &instance.reservation_id).to_owned();
    let listed: Vec<_> = instances.iter().map(|i| json!({ "instanceId": i.id, "imageId": i.image_id })).collect();
    let owner = call.ctx.account().to_string();
    call.respond(json!({ "reservationId": reservation_id, "ownerId": owner, "instancesSet": { "items": listed } }));
    Ok(Element::new("RunInstancesResponse")
        .leaf("reservationId", reservation_id)
        .leaf("ownerId", owner)
        .list("groupSet", "item", [])
        .list("instancesSet", "item", items))
}

fn logged_request(call: &Call<'_>) -> serde_json::Value {
    let number = |name: &str| call.number(name).ok().flatten();
    json!({
        "instancesSet": { "items": [{
            "imageId": call.text("ImageId"),
            "minCount": number("MinCount"),
            "maxCount": number("MaxCount"),
        }]},
        "instanceType": call.text("InstanceType").unwrap_or(USUAL_TYPE),
        "availabilityZone": call.text("Placement.AvailabilityZone"),
        "clientToken": call.text("ClientToken"),
    })
}
