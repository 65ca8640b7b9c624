//! From an id to the thing, or to AWS's complaint. Other accounts' things do not exist.

use aws_wire::query::Params;

use crate::call::{Call, Touched};
use crate::error::EbsError;
use crate::model::ids::is_id;
use crate::model::instance::{self, Instance};
use crate::model::snapshot::{self, Snapshot};
use crate::model::volume::{self, Volume};
use crate::sim::EbsSim;

impl Call<'_> {
    /// A volume of the caller's account and region, `None` when there is none.
    ///
    /// # Errors
    /// When `id` is no volume id, or the tables fail.
    pub(crate) fn find_volume(&self, sim: &EbsSim, id: &str) -> Result<Option<Volume>, EbsError> {
        if !is_id("vol", id) {
            return Err(EbsError::VolumeIdMalformed(id.into()));
        }
        let found = sim.tables().volume(id)?;
        Ok(found.filter(|v| (&v.account, &v.region) == (self.ctx.account(), &self.ctx.region)))
    }

    /// An instance of the caller's account and region that Describe still shows, `None` when there is none.
    ///
    /// # Errors
    /// When `id` is no instance id, or the tables fail.
    pub(crate) fn find_instance(&self, sim: &EbsSim, id: &str) -> Result<Option<Instance>, EbsError> {
        if !is_id("i", id) {
            return Err(EbsError::InstanceIdMalformed(id.into()));
        }
        let (found, now) = (sim.tables().instance(id)?, sim.world().now());
        let ours = |i: &Instance| (&i.account, &i.region) == (self.ctx.account(), &self.ctx.region);
        Ok(found.filter(|i| ours(i) && i.is_remembered(now)))
    }

    /// As [`Self::find_volume`], after authorization.
    ///
    /// # Errors
    /// [`EbsError::VolumeNotFound`] too.
    pub(crate) fn volume(&self, sim: &EbsSim, id: &str) -> Result<Volume, EbsError> {
        self.find_volume(sim, id)?.ok_or_else(|| EbsError::VolumeNotFound(id.into()))
    }

    /// As [`Self::find_instance`], after authorization.
    ///
    /// # Errors
    /// [`EbsError::InstanceNotFound`] too.
    pub(crate) fn instance(&self, sim: &EbsSim, id: &str) -> Result<Instance, EbsError> {
        self.find_instance(sim, id)?.ok_or_else(|| EbsError::InstanceNotFound(id.into()))
    }

    /// What policies are asked about a volume. One that does not exist is asked about all the same, so that a refusal
    /// tells nothing of what exists.
    ///
    /// # Errors
    /// As [`Self::find_volume`].
    pub(crate) fn touch_volume(&self, sim: &EbsSim, id: &str) -> Result<Touched, EbsError> {
        let touched = Touched::new(volume::arn_of(self.ctx.account(), &self.ctx.region, id));
        let Some(volume) = self.find_volume(sim, id)? else { return Ok(touched) };
        Ok(touched
            .with_tags(&volume.tags)
            .fact("ec2:AvailabilityZone", &volume.zone)
            .fact("ec2:Encrypted", volume.key.is_some())
            .fact("ec2:VolumeID", &volume.id)
            .fact("ec2:VolumeSize", volume.size_gib)
            .fact("ec2:VolumeType", volume.performance.kind.name()))
    }

    /// A snapshot of the caller's account and region, `None` when there is none.
    ///
    /// # Errors
    /// When `id` is no snapshot id, or the tables fail.
    pub(crate) fn find_snapshot(&self, sim: &EbsSim, id: &str) -> Result<Option<Snapshot>, EbsError> {
        if !is_id("snap", id) {
            return Err(EbsError::SnapshotIdMalformed(id.into()));
        }
        let found = sim.tables().snapshot(id)?;
        Ok(found.filter(|s| (&s.account, &s.region) == (self.ctx.account(), &self.ctx.region)))
    }

    /// As [`Self::find_snapshot`], after authorization.
    ///
    /// # Errors
    /// [`EbsError::SnapshotNotFound`] too.
    pub(crate) fn snapshot(&self, sim: &EbsSim, id: &str) -> Result<Snapshot, EbsError> {
        self.find_snapshot(sim, id)?.ok_or_else(|| EbsError::SnapshotNotFound(id.into()))
    }

    /// The snapshot that `SnapshotId` names as the source of a new volume, if it names one.
    ///
    /// # Errors
    /// When there is no such snapshot, or it is not completed.
    pub(crate) fn source(&self, sim: &EbsSim, form: &Params) -> Result<Option<Snapshot>, EbsError> {
        let Some(id) = form.get("SnapshotId").filter(|id| !id.is_empty()) else { return Ok(None) };
        let snapshot = self.snapshot(sim, id)?;
        if snapshot.is_completed() { Ok(Some(snapshot)) } else { Err(EbsError::SnapshotState(snapshot.state.name())) }
    }

    /// What policies are asked about a snapshot.
    ///
    /// # Errors
    /// As [`Self::find_snapshot`].
    pub(crate) fn touch_snapshot(&self, sim: &EbsSim, id: &str) -> Result<Touched, EbsError> {
        let touched = Touched::new(snapshot::arn_of(&self.ctx.region, id));
        let Some(snapshot) = self.find_snapshot(sim, id)? else { return Ok(touched) };
        Ok(touched
            .with_tags(&snapshot.tags)
            .fact("ec2:Encrypted", snapshot.key.is_some())
            .fact("ec2:Owner", &snapshot.account)
            .fact("ec2:ParentVolume", volume::arn_of(&snapshot.account, &snapshot.region, &snapshot.volume_id))
            .fact("ec2:SnapshotID", &snapshot.id)
            .fact("ec2:VolumeSize", snapshot.size_gib))
    }

    /// What policies are asked about an instance.
    ///
    /// # Errors
    /// As [`Self::find_instance`].
    pub(crate) fn touch_instance(&self, sim: &EbsSim, id: &str) -> Result<Touched, EbsError> {
        let touched = Touched::new(instance::arn_of(self.ctx.account(), &self.ctx.region, id));
        let Some(instance) = self.find_instance(sim, id)? else { return Ok(touched) };
        Ok(touched
            .with_tags(&instance.tags)
            .fact("ec2:AvailabilityZone", &instance.zone)
            .fact("ec2:InstanceID", &instance.id)
            .fact("ec2:InstanceType", &instance.instance_type))
    }

    /// The ids of `InstanceId.N`, each asked about.
    ///
    /// # Errors
    /// When there is none, or one is no instance id.
    pub(crate) fn instance_ids(&self) -> Result<Vec<String>, EbsError> {
        let ids = self.form.list("InstanceId");
        match ids.iter().find(|id| !is_id("i", id)) {
            Some(malformed) => Err(EbsError::InstanceIdMalformed((*malformed).into())),
            None if ids.is_empty() => Err(EbsError::MissingParameter("instancesSet".into())),
            None => Ok(ids.into_iter().map(Into::into).collect()),
        }
    }
}
