//! A new snapshot, for CreateSnapshot and CreateSnapshots.

use aws_core::call::CallContext;

use super::tagging::Wished;
use crate::call::{Call, Touched};
use crate::error::EbsError;
use crate::model::snapshot::{self, MOST_PENDING, Snapshot, SnapshotState};
use crate::model::tags::Tags;
use crate::model::volume::{self, Volume};
use crate::model::volume_type::VolumeType;
use crate::sim::EbsSim;

/// Longest description.
const LONGEST_DESCRIPTION: usize = 255;

/// `Description`, checked.
///
/// # Errors
/// [`EbsError::InvalidParameterValue`] when it is too long.
pub(super) fn description(call: &Call<'_>) -> Result<String, EbsError> {
    let text = call.text("Description").unwrap_or_default();
    if text.chars().count() > LONGEST_DESCRIPTION {
        return Err(crate::call::invalid("…", "Description", "exceeds the maximum length of 255 characters"));
    }
    Ok(text.into())
}

/// What policies are asked about a snapshot that is to be.
pub(super) fn touched(ctx: &CallContext, volume_id: Option<&str>, tags: &Tags) -> Touched {
    let touched =
        Touched::new(snapshot::arn_of(&ctx.region, "*")).with_request_tags(tags).fact("ec2:Owner", ctx.account());
    match volume_id {
        Some(id) => touched.fact("ec2:ParentVolume", volume::arn_of(ctx.account(), &ctx.region, id)),
        None => touched,
    }
}

/// A snapshot of a volume at this moment. It inherits the data key as the volume has it.
pub(super) fn snapshot_of(sim: &EbsSim, volume: &Volume, description: &str, wished: Wished) -> Snapshot {
    Snapshot {
        id: wished.id.unwrap_or_else(|| aws_core::id::ec2_id("snap", sim.world().entropy.array())),
        account: volume.account.clone(),
        region: volume.region.clone(),
        volume_id: volume.id.clone(),
        size_gib: volume.size_gib,
        started_at: sim.world().now(),
        state: SnapshotState::Pending { settled: false },
        key: volume.key.clone(),
        lineage: volume.lineage.clone(),
        description: description.into(),
        tags: wished.tags,
    }
}

/// Whether one more snapshot of a volume may be pending.
///
/// # Errors
/// [`EbsError::ConcurrentSnapshotLimitExceeded`].
pub(super) fn check_pending(sim: &EbsSim, volume: &Volume) -> Result<(), EbsError> {
    let most = match volume.performance.kind {
        VolumeType::St1 | VolumeType::Sc1 => 1,
        VolumeType::Gp2 | VolumeType::Gp3 | VolumeType::Io1 | VolumeType::Io2 | VolumeType::Standard => MOST_PENDING,
    };
    let all = sim.tables().all_snapshots()?;
    let pending = all.iter().filter(|snapshot| snapshot.volume_id == volume.id && snapshot.is_pending()).count();
    if pending < most { Ok(()) } else { Err(EbsError::ConcurrentSnapshotLimitExceeded) }
}
