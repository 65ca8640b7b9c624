//! What a new volume holds in the beginning, and the key that it is held under.
//!
//! ```text
//!  snapshot      volume        KMS                                    data
//!  -             key K         GenerateDataKeyWithoutPlaintext        -
//!  under K       under K       ReEncrypt: the same data key, for the  ciphertext copied
//!                              new volume's encryption context
//!  under J       under K       GDKWP; CreateGrant, Decrypt for both   opened and sealed anew
//!  not encrypted under K       GDKWP; CreateGrant, Decrypt            sealed
//!  not encrypted not           -                                      copied
//! ```

use std::sync::Arc;

use aws_core::call::CallContext;
use kms_api::error::KmsError;
use kms_api::shapes::DescribeKeyRequest;

use super::making::key_arn;
use crate::attach::identity;
use crate::attach::key_flow::{KeyTrouble, Locked};
use crate::device::cipher::KeyedCipher;
use crate::device::file::FileTarget;
use crate::error::EbsError;
use crate::model::snapshot::Snapshot;
use crate::model::volume::{Volume, WrappedKey};
use crate::sim::EbsSim;
use crate::snapshots::map::ChunkMap;
use crate::snapshots::restore::{self, Resealing};

/// What a new volume holds.
pub(super) enum Contents {
    /// Nothing: all hole.
    Nothing,
    /// A snapshot's chunks, under another key if so said.
    Chunks(Arc<ChunkMap>, Option<Resealing>),
}

/// Why a volume got no key.
pub(super) enum Unkeyed {
    /// KMS refused, or what it gave is no key: AWS tells nobody, and the volume vanishes.
    Kms(KeyTrouble),
    /// Our own fault, or the snapshot's.
    Ours(EbsError),
}

impl From<KmsError> for Unkeyed {
    fn from(error: KmsError) -> Self {
        Self::Kms(error.into())
    }
}

impl From<KeyTrouble> for Unkeyed {
    fn from(trouble: KeyTrouble) -> Self {
        Self::Kms(trouble)
    }
}

impl EbsSim {
    /// A new volume with its key, if it is to have one, and what it is to hold.
    ///
    /// # Errors
    /// See [`Unkeyed`].
    pub(super) async fn keyed(
        &self,
        ctx: &CallContext,
        volume: Volume,
        kms_key: Option<String>,
        source: Option<&Snapshot>,
    ) -> Result<(Volume, Contents), Unkeyed> {
        let Some(source) = source else {
            let key = match kms_key {
                Some(kms_key) => Some(self.new_data_key(ctx, &volume.id, kms_key).await?),
                None => None,
            };
            return Ok((Volume { key, ..volume }, Contents::Nothing));
        };
        let map = self.pinned_map(&source.id).map_err(Unkeyed::Ours)?;
        let map = map.ok_or_else(|| Unkeyed::Ours(EbsError::SnapshotNotFound(source.id.clone())))?;
        match (kms_key, &source.key) {
            (None, _) => Ok((Volume { lineage: source.lineage.clone(), ..volume }, Contents::Chunks(map, None))),
            (Some(kms_key), Some(key)) if self.is_same_key(ctx, &kms_key, key).await? => {
                let key = self.rewrap(ctx, key, &source.volume_id, &volume.id).await?;
                let volume = Volume { key: Some(key), lineage: source.lineage.clone(), ..volume };
                Ok((volume, Contents::Chunks(map, None)))
            }
            (Some(kms_key), key) => {
                let new = self.new_data_key(ctx, &volume.id, kms_key).await?;
                let resealing = self.resealing(ctx, (source, key.as_ref()), (&volume, &new)).await?;
                Ok((Volume { key: Some(new), ..volume }, Contents::Chunks(map, Some(resealing))))
            }
        }
    }

    async fn resealing(
        &self,
        ctx: &CallContext,
        (source, old): (&Snapshot, Option<&WrappedKey>),
        (volume, new): (&Volume, &WrappedKey),
    ) -> Result<Resealing, KeyTrouble> {
        let from = match old {
            Some(key) => self.unlock_for_copy(ctx, &Locked::snapshot(source, key), &volume.id).await?,
            None => KeyedCipher::unencrypted(),
        };
        let to = self.unlock_for_copy(ctx, &Locked::volume(volume, new), &volume.id).await?;
        Ok(Resealing { from, to })
    }

    /// Whether a key, however it is named, is the one that a data key is wrapped under. KMS is asked only where the
    /// name does not tell: an alias.
    async fn is_same_key(&self, ctx: &CallContext, named: &str, key: &WrappedKey) -> Result<bool, KmsError> {
        let arn = key_arn(ctx.account(), &ctx.region, named);
        if !arn.contains(":alias/") {
            return Ok(arn == key.kms_key_arn);
        }
        let asking = identity::as_caller(ctx, false, self.world().uuid());
        let request = DescribeKeyRequest { key_id: named.into(), ..DescribeKeyRequest::default() };
        Ok(self.kms().describe_key(&asking, request).await?.arn == key.kms_key_arn)
    }

    /// Writes what a new volume holds into its data file, and returns when it is durable. The ciphers that it took go
    /// with it.
    ///
    /// # Errors
    /// When a chunk cannot be read, or the file not be written.
    pub(super) async fn fill(&self, volume: &Volume, contents: Contents) -> Result<(), EbsError> {
        let Contents::Chunks(map, resealing) = contents else { return Ok(()) };
        let target = FileTarget::open(&self.folder().data_file(&volume.id), volume.size_bytes())?;
        let shelf = self.snapshots().shelf().clone();
        let filling = tokio::task::spawn_blocking(move || restore::fill(&target, &*shelf, &map, resealing.as_ref()));
        Ok(filling.await.map_err(|_| EbsError::Task)??)
    }
}
