//! DescribeSnapshots. Snapshots are private here, so that everybody sees their own.

use std::time::Duration;

use aws_wire::xml::Element;
use serde_json::json;

use super::filters::{Filters, Values, one, page};
use super::shapes;
use crate::call::{Call, Touched};
use crate::error::EbsError;
use crate::model::snapshot::{Snapshot, SnapshotState};
use crate::sim::EbsSim;

/// How long a snapshot that is nearly whole is waited for. Clients who find one pending look again after 15 seconds,
/// and most here are whole in a few milliseconds.
const NEARLY: Duration = Duration::from_millis(300);

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    let filters = Filters::of(call);
    let ids: Vec<_> = call.form.list("SnapshotId").into_iter().map(|id| json!({ "snapshotId": id })).collect();
    call.note_request(json!({ "snapshotSet": { "items": ids }, "filterSet": filters.logged() }));
    call.authorize(sim, &[Touched::anything()])?;

    let pending: Vec<_> = named_or_all(sim, call)?.into_iter().filter(Snapshot::is_pending).collect();
    let _late = tokio::time::timeout(NEARLY, until_whole(sim, &pending)).await;
    let mut shown = Vec::new();
    for snapshot in named_or_all(sim, call)?.into_iter().filter(|snapshot| is_wanted(call, snapshot)) {
        if filters.pass(|name| look(sim, &snapshot, name))? {
            shown.push(snapshot);
        }
    }
    let (shown, next) = page(call, shown, |snapshot| &snapshot.id)?;
    let items = shown.iter().map(|snapshot| shapes::snapshot(snapshot, &progress(sim, snapshot)));
    Ok(Element::new("DescribeSnapshotsResponse").list("snapshotSet", "item", items).maybe("nextToken", next))
}

async fn until_whole(sim: &EbsSim, pending: &[Snapshot]) {
    for snapshot in pending {
        if let Some(job) = sim.snapshots().find(&snapshot.id) {
            let mut done = job.done.subscribe();
            // An error says that the job is gone, which is as good.
            let _ = done.wait_for(|done| *done).await;
        }
    }
}

/// The snapshots named by `SnapshotId.N`, each of which must exist; all of the caller's when none is named.
fn named_or_all(sim: &EbsSim, call: &Call<'_>) -> Result<Vec<Snapshot>, EbsError> {
    let named = call.form.list("SnapshotId");
    if named.is_empty() {
        return Ok(sim.tables().snapshots_of(call.ctx.account(), &call.ctx.region)?);
    }
    let mut snapshots = named.into_iter().map(|id| call.snapshot(sim, id)).collect::<Result<Vec<_>, _>>()?;
    snapshots.sort_by(|a, b| a.id.cmp(&b.id));
    snapshots.dedup_by(|a, b| a.id == b.id);
    Ok(snapshots)
}

/// Whether owner and user are among those asked for.
fn is_wanted(call: &Call<'_>, snapshot: &Snapshot) -> bool {
    ["Owner", "RestorableBy"].iter().all(|name| {
        let asked = call.form.list(name);
        asked.is_empty() || asked.iter().any(|who| *who == "self" || *who == snapshot.account.as_str())
    })
}

fn progress(sim: &EbsSim, snapshot: &Snapshot) -> String {
    match snapshot.state {
        SnapshotState::Completed { .. } => "100%".into(),
        SnapshotState::Pending { .. } | SnapshotState::Error { .. } => {
            format!("{}%", sim.snapshots().find(&snapshot.id).map_or(0, |job| job.percent()))
        }
    }
}

fn look(sim: &EbsSim, snapshot: &Snapshot, name: &str) -> Values {
    match name {
        "snapshot-id" => one(&snapshot.id),
        "volume-id" => one(&snapshot.volume_id),
        "volume-size" => one(snapshot.size_gib),
        "status" => one(snapshot.state.name()),
        "start-time" => one(aws_core::time::iso_millis(snapshot.started_at)),
        "progress" => one(progress(sim, snapshot)),
        "description" => one(&snapshot.description),
        "encrypted" => one(snapshot.key.is_some()),
        "owner-id" => one(&snapshot.account),
        "owner-alias" => Some(Vec::new()),
        "storage-tier" => one("standard"),
        other => Filters::tag_values(other, &snapshot.tags),
    }
}
