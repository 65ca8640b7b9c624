//! A new volume, for CreateVolume and for the block device mappings of RunInstances.

use aws_core::arn::Arn;
use aws_core::call::CallContext;
use aws_core::event::Place;
use aws_core::id::{AccountId, Region};
use aws_wire::query::Params;

use super::contents::{Contents, Unkeyed};
use super::tagging::Wished;
use crate::call::{Touched, flag_of, invalid, number_of};
use crate::device::file::FileTarget;
use crate::error::EbsError;
use crate::model::defaults::EncryptionDefaults;
use crate::model::snapshot::{self, Snapshot};
use crate::model::volume::{self, Volume, WrappedKey};
use crate::model::volume_type::{Performance, VolumeType};
use crate::sim::EbsSim;
use crate::store::Taken;

/// What a volume is to be, checked.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) size_gib: u32,
    pub(super) performance: Performance,
    /// The KMS key to encrypt under, as it was named.
    pub(super) kms_key: Option<String>,
    /// What it is to hold in the beginning.
    pub(super) source: Option<Snapshot>,
}

/// What is taken where the request says nothing.
pub(super) struct Usual {
    /// Name of the size's parameter.
    pub(super) size_name: &'static str,
    /// `None` where a size must be given.
    pub(super) size_gib: Option<u32>,
    pub(super) kind: VolumeType,
}

impl Plan {
    /// Reads size, type, IOPS, throughput, encryption and key from a form. `source` is the snapshot that it names.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub(super) fn read(
        form: &Params,
        usual: &Usual,
        defaults: &EncryptionDefaults,
        source: Option<Snapshot>,
    ) -> Result<Self, EbsError> {
        let size_gib = size_of(form, usual, source.as_ref())?;
        let kind = match form.get("VolumeType") {
            None | Some("") => usual.kind,
            Some(name) => VolumeType::parse(name).ok_or_else(|| EbsError::UnknownVolumeType(name.into()))?,
        };
        let performance = kind.performance(size_gib, number_of(form, "Iops")?, number_of(form, "Throughput")?)?;
        let kms_key = key_of(form, defaults, source.as_ref())?;
        Ok(Self { size_gib, performance, kms_key, source })
    }

    /// What policies are asked about a volume that is to be.
    pub(super) fn touched(&self, ctx: &CallContext, zone: &str, wished: &Wished) -> Touched {
        let touched = Touched::new(volume::arn_of(ctx.account(), &ctx.region, "*"))
            .with_request_tags(&wished.tags)
            .fact("ec2:AvailabilityZone", zone)
            .fact("ec2:Encrypted", self.kms_key.is_some())
            .fact("ec2:VolumeSize", self.size_gib)
            .fact("ec2:VolumeType", self.performance.kind.name());
        let touched = match &self.source {
            Some(source) => touched.fact("ec2:ParentSnapshot", snapshot::arn_of(&ctx.region, &source.id)),
            None => touched,
        };
        let touched = match &self.kms_key {
            Some(key) => touched.fact("ec2:KmsKeyId", key_arn(ctx.account(), &ctx.region, key)),
            None => touched,
        };
        match self.performance.iops {
            Some(iops) => touched.fact("ec2:VolumeIops", iops),
            None => touched,
        }
    }
}

/// How an attempt to make a volume ended.
pub(super) enum Made {
    /// It exists.
    Volume(Volume),
    /// KMS refused its data key. AWS says "creating" all the same, and the volume then is not there.
    Vanished(Volume),
}

impl EbsSim {
    /// Data key, data file, row; then the ledger hears where the wrapped key is.
    ///
    /// # Errors
    /// When the wished id is taken, or the state folder fails.
    pub(super) async fn make_volume(
        &self,
        ctx: &CallContext,
        plan: Plan,
        zone: &str,
        wished: Wished,
    ) -> Result<Made, EbsError> {
        let id = wished.id.unwrap_or_else(|| aws_core::id::ec2_id("vol", self.world().entropy.array()));
        let _held = self.moves().begin(&[&id]).await;
        if self.tables().volume(&id)?.is_some() {
            return Err(EbsError::IdInUse(id));
        }
        let volume = Volume {
            id,
            account: ctx.account().clone(),
            region: ctx.region.clone(),
            zone: zone.into(),
            size_gib: plan.size_gib,
            performance: plan.performance,
            created_at: self.world().now(),
            key: None,
            attachment: None,
            lineage: self.world().uuid(),
            snapshot_id: plan.source.as_ref().map(|source| source.id.clone()),
            modifications: Vec::new(),
            tags: wished.tags,
        };
        match self.keyed(ctx, volume.clone(), plan.kms_key.clone(), plan.source.as_ref()).await {
            Ok((volume, contents)) => self.keep(volume, contents).await.map(Made::Volume),
            Err(Unkeyed::Ours(error)) => Err(error),
            Err(Unkeyed::Kms(trouble)) => {
                tracing::info!(volume = volume.id, %trouble, "a volume vanishes: no data key");
                let kms_key_arn = key_arn(ctx.account(), &ctx.region, &plan.kms_key.unwrap_or_default());
                let key = WrappedKey { blob: Vec::new(), kms_key_arn };
                Ok(Made::Vanished(Volume { key: Some(key), ..volume }))
            }
        }
    }

    async fn keep(&self, volume: Volume, contents: Contents) -> Result<Volume, EbsError> {
        self.make_data_file(&volume)?;
        if let Err(error) = self.fill(&volume, contents).await {
            self.folder().remove_data(&volume.id)?;
            return Err(error);
        }
        let added = self.tables().add_volume(volume.clone()).await;
        if !matches!(added, Ok(Ok(()))) {
            self.folder().remove_data(&volume.id)?;
        }
        added?.map_err(|Taken| EbsError::IdInUse(volume.id.clone()))?;
        if let Some(key) = &volume.key {
            let custodian = self.world().custodian();
            custodian.wrapped(&volume.key_subject(), Place::EbsMetadata, &key.kms_key_arn);
        }
        Ok(volume)
    }

    fn make_data_file(&self, volume: &Volume) -> Result<(), EbsError> {
        let path = self.folder().data_file(&volume.id);
        FileTarget::create(&path, volume.size_bytes()).map(drop).map_err(|error| {
            // What could not be given its size is there all the same, empty.
            let _ = self.folder().remove_data(&volume.id);
            let too_large = error.raw_os_error() == Some(libc::EFBIG);
            if too_large { EbsError::TooLargeForHost(volume.size_gib) } else { error.into() }
        })
    }

    /// The row goes first: a crash in between leaves a file that the next start sweeps. With the wrapped key gone, what
    /// is in the file can never be read again.
    ///
    /// # Errors
    /// When the tables or the state folder fail.
    pub(super) async fn unmake_volume(&self, volume: &Volume) -> Result<(), EbsError> {
        self.orphan_snapshots(&volume.id).await?;
        self.tables().delete_volume(&volume.id).await?;
        self.folder().remove_data(&volume.id)?;
        if volume.key.is_some() {
            self.world().custodian().dropped(&volume.key_subject(), Place::EbsMetadata);
        }
        Ok(())
    }
}

/// The ARN that a key id or alias stands for, without asking KMS whether there is such a key.
pub(super) fn key_arn(account: &AccountId, region: &Region, key: &str) -> String {
    if key.starts_with("arn:") {
        return key.into();
    }
    let resource = if key.starts_with("alias/") { key.into() } else { format!("key/{key}") };
    Arn::new("kms", region.as_str(), account.as_str(), resource).to_string()
}

/// A zone of this region.
///
/// # Errors
/// [`EbsError::ZoneNotFound`].
pub(super) fn checked_zone(region: &Region, zone: &str) -> Result<String, EbsError> {
    let known = crate::model::zone::zones(region).iter().any(|known| known == zone);
    if known { Ok(zone.into()) } else { Err(EbsError::ZoneNotFound(zone.into())) }
}

fn size_of(form: &Params, usual: &Usual, source: Option<&Snapshot>) -> Result<u32, EbsError> {
    let least = source.map(|source| source.size_gib);
    let size_gib = number_of(form, usual.size_name)?.or(least).or(usual.size_gib);
    let size_gib = size_gib.ok_or_else(|| EbsError::MissingParameter("size/snapshot".into()))?;
    match source {
        Some(Snapshot { id, size_gib: least, .. }) if size_gib < *least => {
            let text = format!("Volume of size {size_gib}GB is smaller than snapshot '{id}', expect size >= {least}GB");
            Err(EbsError::InvalidParameterValue(text))
        }
        _ => Ok(size_gib),
    }
}

/// A volume from an encrypted snapshot is encrypted, whatever the request says: nothing leads back to plaintext.
fn key_of(form: &Params, defaults: &EncryptionDefaults, source: Option<&Snapshot>) -> Result<Option<String>, EbsError> {
    let named = form.get("KmsKeyId").filter(|key| !key.is_empty());
    let encrypted = flag_of(form, "Encrypted")?;
    if named.is_some() && encrypted != Some(true) {
        return Err(EbsError::InvalidParameterDependency("KmsKeyId", "Encrypted"));
    }
    if named.is_some_and(|key| key.len() > 2048) {
        return Err(invalid("…", "KmsKeyId", "is too long"));
    }
    let inherited = source.and_then(|source| source.key.as_ref()).map(|key| key.kms_key_arn.clone());
    Ok(named.map(Into::into).or(inherited).or_else(|| defaults.key_for(encrypted, named)))
}
