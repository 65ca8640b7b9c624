//! EC2's door: a form with `Action` in, XML out, one event per call.
//!
//! A call that has begun runs to its end, even when its client hangs up: half an attach would leave a grant behind
//! that nobody knows of.

use async_trait::async_trait;
use aws_core::audit::Opening;
use aws_core::call::CallContext;
use aws_core::event::CallError;
use aws_core::fault::ApiFault;
use aws_wire::query::Params;
use aws_wire::service::{Dialect, QueryService};
use aws_wire::xml::Element;

use crate::call::Call;
use crate::error::EbsError;
use crate::ops;
use crate::sim::EbsSim;

/// The actions there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    AttachVolume,
    CreateSnapshot,
    CreateSnapshots,
    CreateTags,
    CreateVolume,
    DeleteSnapshot,
    DeleteTags,
    DeleteVolume,
    DescribeAvailabilityZones,
    DescribeInstanceStatus,
    DescribeInstances,
    DescribeRegions,
    DescribeSnapshots,
    DescribeTags,
    DescribeVolumeStatus,
    DescribeVolumes,
    DescribeVolumesModifications,
    DetachVolume,
    DisableEbsEncryptionByDefault,
    EnableEbsEncryptionByDefault,
    GetEbsDefaultKmsKeyId,
    GetEbsEncryptionByDefault,
    ModifyEbsDefaultKmsKeyId,
    ModifyVolume,
    ResetEbsDefaultKmsKeyId,
    RunInstances,
    StartInstances,
    StopInstances,
    TerminateInstances,
}

/// Each action by AWS's name.
const ACTIONS: &[(&str, Action)] = &[
    ("AttachVolume", Action::AttachVolume),
    ("CreateSnapshot", Action::CreateSnapshot),
    ("CreateSnapshots", Action::CreateSnapshots),
    ("CreateTags", Action::CreateTags),
    ("CreateVolume", Action::CreateVolume),
    ("DeleteSnapshot", Action::DeleteSnapshot),
    ("DeleteTags", Action::DeleteTags),
    ("DeleteVolume", Action::DeleteVolume),
    ("DescribeAvailabilityZones", Action::DescribeAvailabilityZones),
    ("DescribeInstanceStatus", Action::DescribeInstanceStatus),
    ("DescribeInstances", Action::DescribeInstances),
    ("DescribeRegions", Action::DescribeRegions),
    ("DescribeSnapshots", Action::DescribeSnapshots),
    ("DescribeTags", Action::DescribeTags),
    ("DescribeVolumeStatus", Action::DescribeVolumeStatus),
    ("DescribeVolumes", Action::DescribeVolumes),
    ("DescribeVolumesModifications", Action::DescribeVolumesModifications),
    ("DetachVolume", Action::DetachVolume),
    ("DisableEbsEncryptionByDefault", Action::DisableEbsEncryptionByDefault),
    ("EnableEbsEncryptionByDefault", Action::EnableEbsEncryptionByDefault),
    ("GetEbsDefaultKmsKeyId", Action::GetEbsDefaultKmsKeyId),
    ("GetEbsEncryptionByDefault", Action::GetEbsEncryptionByDefault),
    ("ModifyEbsDefaultKmsKeyId", Action::ModifyEbsDefaultKmsKeyId),
    ("ModifyVolume", Action::ModifyVolume),
    ("ResetEbsDefaultKmsKeyId", Action::ResetEbsDefaultKmsKeyId),
    ("RunInstances", Action::RunInstances),
    ("StartInstances", Action::StartInstances),
    ("StopInstances", Action::StopInstances),
    ("TerminateInstances", Action::TerminateInstances),
];

impl EbsSim {
    async fn answer(&self, ctx: &CallContext, action: &str, form: &Params) -> Result<String, ApiFault> {
        let Some((name, action)) = ACTIONS.iter().find(|(name, _)| *name == action) else {
            return Err(EbsError::InvalidAction(action.into()).fault());
        };
        let read_only = name.starts_with("Describe") || name.starts_with("Get");
        let opening = Opening { source: "ec2.amazonaws.com", name, read_only, management: true };
        let mut audit = self.world().audit(ctx, opening);
        let outcome = run(self, *action, &mut Call { ctx, form, audit: &mut audit, action: name }).await;
        let outcome = outcome.map_err(|error| error.fault());
        audit.close(&*self.world().sink, outcome.as_ref().err().map(logged));
        outcome.map(|element| element.inner())
    }
}

async fn run(sim: &EbsSim, action: Action, call: &mut Call<'_>) -> Result<Element, EbsError> {
    match action {
        Action::AttachVolume => ops::attach_volume::run(sim, call).await,
        Action::CreateSnapshot => ops::create_snapshot::run(sim, call).await,
        Action::CreateSnapshots => ops::create_snapshots::run(sim, call).await,
        Action::CreateTags => ops::create_tags::run(sim, call).await,
        Action::CreateVolume => ops::create_volume::run(sim, call).await,
        Action::DeleteSnapshot => ops::delete_snapshot::run(sim, call).await,
        Action::DeleteTags => ops::delete_tags::run(sim, call).await,
        Action::DeleteVolume => ops::delete_volume::run(sim, call).await,
        Action::DescribeAvailabilityZones => ops::describe_availability_zones::run(sim, call).await,
        Action::DescribeInstanceStatus => ops::describe_instance_status::run(sim, call).await,
        Action::DescribeInstances => ops::describe_instances::run(sim, call).await,
        Action::DescribeRegions => ops::describe_regions::run(sim, call).await,
        Action::DescribeSnapshots => ops::describe_snapshots::run(sim, call).await,
        Action::DescribeTags => ops::describe_tags::run(sim, call).await,
        Action::DescribeVolumeStatus => ops::describe_volume_status::run(sim, call).await,
        Action::DescribeVolumes => ops::describe_volumes::run(sim, call).await,
        Action::DescribeVolumesModifications => ops::describe_volumes_modifications::run(sim, call).await,
        Action::DetachVolume => ops::detach_volume::run(sim, call).await,
        Action::DisableEbsEncryptionByDefault => ops::disable_ebs_encryption_by_default::run(sim, call).await,
        Action::EnableEbsEncryptionByDefault => ops::enable_ebs_encryption_by_default::run(sim, call).await,
        Action::GetEbsDefaultKmsKeyId => ops::get_ebs_default_kms_key_id::run(sim, call).await,
        Action::GetEbsEncryptionByDefault => ops::get_ebs_encryption_by_default::run(sim, call).await,
        Action::ModifyEbsDefaultKmsKeyId => ops::modify_ebs_default_kms_key_id::run(sim, call).await,
        Action::ModifyVolume => ops::modify_volume::run(sim, call).await,
        Action::ResetEbsDefaultKmsKeyId => ops::reset_ebs_default_kms_key_id::run(sim, call).await,
        Action::RunInstances => ops::run_instances::run(sim, call).await,
        Action::StartInstances => ops::start_instances::run(sim, call).await,
        Action::StopInstances => ops::stop_instances::run(sim, call).await,
        Action::TerminateInstances => ops::terminate_instances::run(sim, call).await,
    }
}

/// EC2's codes carry their culprit in CloudTrail.
fn logged(fault: &ApiFault) -> CallError {
    let culprit = if fault.status < 500 { "Client" } else { "Server" };
    CallError { code: format!("{culprit}.{}", fault.code), message: fault.message.clone().unwrap_or_default() }
}

#[async_trait]
impl QueryService for EbsSim {
    fn scope(&self) -> &'static str {
        "ec2"
    }

    fn dialect(&self) -> Dialect {
        Dialect::Ec2 { xmlns: "http://ec2.amazonaws.com/doc/2016-11-15/" }
    }

    async fn call(&self, ctx: &CallContext, action: &str, params: &Params) -> Result<String, ApiFault> {
        let sim = self.myself().ok_or(EbsError::Task).map_err(|error| error.fault())?;
        let (ctx, action, form) = (ctx.clone(), action.to_owned(), params.clone());
        let running = tokio::spawn(async move { sim.answer(&ctx, &action, &form).await });
        running.await.unwrap_or_else(|_| Err(EbsError::Task.fault()))
    }
}
