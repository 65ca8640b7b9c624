//! An S3 that seals every object through KMS.
//!
//! ```text
//! edge      the rim around s3s: requests made plain, error bodies whole      service  the face towards s3s
//! access    who may, judged on headers before any body byte is read          actions  what operations are called in IAM
//! call      one call: caller, notebook, fault                                ops      one AWS operation, one file
//! sse       how an object will be sealed, resolved once                      customer  keys that callers bring
//! keys      data keys, one arm per mode      bucket_keys  one for many       through_kms  KMS, asked as the caller
//! writing   the walk of a PUT                reading    the walk of a GET    uploading  the walk of a part
//! seal      bodies in, streaming             open       bodies out           layers   one layer of segments or two
//! digest    MD5, checksums, promises         proof      the AEAD over a row  headers  what is stored with an object
//! model     buckets, objects, listings       store      rows                 blobs    sealed pieces on disk
//! ```
//!
//! The plaintext data key of an object lives in `s3.memory` while the object is sealed or opened, and nowhere else.
//!
//! Deliberately absent: signatures (the wire has checked them), clocks and randomness of its own, ciphers.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod access;
mod actions;
mod blobs;
mod body;
mod bucket_keys;
mod call;
mod customer;
mod digest;
mod edge;
mod error;
mod headers;
mod inspect;
mod keys;
mod label;
mod layers;
mod model;
mod open;
mod ops;
mod proof;
mod reading;
mod seal;
mod service;
mod sse;
mod store;
#[cfg(test)]
mod tests;
mod through_kms;
mod uploading;
mod writing;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use ::store::{Store, StoreError};
use aws_core::event::Place;
use aws_core::time::SignedDuration;
use aws_wire::route::S3Door;
use envelope::secret::Secret;
use kms_api::client::Kms;
use kms_api::world::World;

use crate::access::Gate;
use crate::blobs::Shelf;
use crate::bucket_keys::BucketKeys;
use crate::keys::Keys;
use crate::model::bucket::{Algorithm, DefaultEncryption};
use crate::model::version::Stamps;
use crate::store::Rows;
use crate::through_kms::ThroughKms;

/// How many stored objects are announced to the ledger at start.
const ANNOUNCED_AT_START: usize = 10_000;

/// What an S3 needs besides its surroundings.
pub struct S3Config {
    /// The state folder; bodies stand under its `objects`.
    pub state_dir: PathBuf,
    /// The 256-bit key that S3 owns: data keys of SSE-S3 are wrapped under it.
    pub owned_key: Secret,
    /// The default encryption of new buckets.
    pub bucket_default: BucketDefault,
    /// Whether new buckets refuse SSE-C, as at AWS since April 2026.
    pub blocks_customer_keys: bool,
    /// How long a bucket key is held in plaintext, on the simulated clock.
    pub bucket_key_lifetime: SignedDuration,
}

/// How long a bucket key is held when nothing else is said; AWS does not tell its own figure.
pub const BUCKET_KEY_LIFETIME: SignedDuration = SignedDuration::from_secs(300);

/// The default encryption of new buckets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BucketDefault {
    /// SSE-S3, as at AWS.
    #[default]
    Aes256,
    /// SSE-KMS under this key, or under `aws/s3`.
    Kms {
        /// Id, alias or ARN.
        key: Option<String>,
    },
}

/// Where the sealed bytes of an object are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiskView {
    /// Files of sealed segments, in the order of the pieces.
    pub files: Vec<PathBuf>,
    /// The sealed bytes of an object small enough to stand in its row.
    pub inline: Option<Vec<u8>>,
}

/// The service.
pub struct S3Sim {
    rows: Rows,
    shelf: Shelf,
    keys: Keys,
    gate: Gate,
    world: World,
    bucket_default: BucketDefault,
    blocks_customer_keys: bool,
    stamps: Stamps,
}

impl S3Sim {
    /// Opens the service on `store`: sweeps blobs that no row names, and tells the ledger of the wrapped keys there are.
    pub fn open(store: Store, world: World, kms: Arc<dyn Kms>, config: S3Config) -> Result<Arc<Self>, StoreError> {
        let rows = Rows::new(store);
        let sim = Self {
            gate: Gate::new(rows.clone(), world.clone()),
            keys: open_keys(kms, &rows, &world, config.owned_key, config.bucket_key_lifetime),
            shelf: Shelf::open(&config.state_dir.join("objects"))?,
            rows,
            world,
            bucket_default: config.bucket_default,
            blocks_customer_keys: config.blocks_customer_keys,
            stamps: Stamps::default(),
        };
        let referenced = sim.take_stock()?;
        let swept = sim.shelf.sweep(|id| referenced.contains(id))?;
        if swept > 0 {
            tracing::info!(swept, "removed bodies that no object names");
        }
        Ok(Arc::new(sim))
    }

    /// The service as the wire takes it.
    pub fn door(self: &Arc<Self>) -> S3Door {
        edge::door(self.clone())
    }

    /// Where the sealed bytes of an object are; `None` when there is no such object.
    pub fn disk(&self, bucket: &str, key: &str) -> Option<DiskView> {
        let object = self.rows.find_object(bucket, key).ok()??;
        let files = object.blobs().iter().filter_map(|id| self.shelf.path(id).ok()).collect();
        Some(DiskView { files, inline: object.inline })
    }

    /// How the service is, for the health page: bucket keys that are held in plaintext, and until when.
    pub fn status(&self) -> serde_json::Value {
        serde_json::json!({ "bucketKeys": self.keys.bucket_keys.status() })
    }

    /// Lets go of bucket keys whose time is over: called as time passes, so that the ledger tells the present.
    pub fn expire_bucket_keys(&self) {
        self.keys.bucket_keys.expire();
    }

    /// Segments of bodies read from disk since the start: a range costs those that it touches.
    pub fn segments_read(&self) -> u64 {
        self.shelf.segments_read()
    }

    /// Tells the ledger of the wrapped keys there are; gives back every blob that a row names.
    fn take_stock(&self) -> Result<HashSet<String>, StoreError> {
        let custodian = self.world.custodian();
        let mut blobs: HashSet<String> = self.rows.part_blobs()?.into_iter().collect();
        let (mut announced, mut newest) = (0, 0);
        self.rows.each_object(|row, object| {
            blobs.extend(object.blobs());
            newest = newest.max(object.label.order);
            announced += 1;
            if announced <= ANNOUNCED_AT_START {
                let (bucket, key) = row.split_once('/').unwrap_or_default();
                let subject = model::object::version_subject(bucket, key, object.facts.version.as_deref());
                custodian.wrapped(&subject, Place::S3Metadata, object.wrapped.wrapping.by(bucket));
            }
        })?;
        let newest_past = self.rows.each_past_object(|bucket, key, object| {
            blobs.extend(object.blobs());
            announced += 1;
            if announced <= ANNOUNCED_AT_START {
                let subject = model::object::version_subject(bucket, key, object.facts.version.as_deref());
                custodian.wrapped(&subject, Place::S3Metadata, object.wrapped.wrapping.by(bucket));
            }
        })?;
        self.stamps.start_after(newest.max(newest_past));
        for (bucket, key) in self.rows.all_bucket_keys()? {
            custodian.wrapped(&model::object::bucket_key_subject(&bucket), Place::S3Metadata, key.key_arn);
        }
        for (bucket, upload) in self.rows.all_uploads()? {
            let subject = model::object::subject(&bucket, &upload.key);
            custodian.wrapped(&subject, Place::S3Metadata, upload.wrapped.wrapping.by(&bucket));
        }
        Ok(blobs)
    }

    fn default_encryption(&self) -> DefaultEncryption {
        let blocked = self.blocks_customer_keys.then(|| sse::BLOCKABLE.to_owned()).into_iter().collect();
        let plain = DefaultEncryption { blocked, ..DefaultEncryption::default() };
        match &self.bucket_default {
            BucketDefault::Aes256 => plain,
            BucketDefault::Kms { key } => DefaultEncryption { algorithm: Algorithm::Kms, key: key.clone(), ..plain },
        }
    }
}

fn open_keys(kms: Arc<dyn Kms>, rows: &Rows, world: &World, owned: Secret, lifetime: SignedDuration) -> Keys {
    let kms = ThroughKms::new(kms, world.clone());
    let bucket_keys = BucketKeys::new(kms.clone(), rows.clone(), lifetime);
    Keys::new(kms, bucket_keys, owned)
}
