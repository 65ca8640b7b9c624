//! Bucket keys: one KMS call for many objects.
//!
//! ```text
//! KMS key ──wraps──▶ bucket key ──wraps──▶ data key of each object
//!                    row s3.bucket_keys      row s3.objects
//! ```
//! A bucket key is made by `GenerateDataKey` with the bucket's ARN as context, stored wrapped, and held in plaintext for
//! a while: per requester (a session counts by its access key, so its policy is part of who it is), KMS key, bucket and
//! context. **While it is held neither KMS nor the key policy is asked**: a disabled key goes on working until then.
//! The lifetime is fixed when the key is unwrapped and is measured on the simulated clock; the ledger shows the key in
//! `s3.memory` for just as long.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_core::event::Place;
use aws_core::time::{SignedDuration, Timestamp};
use envelope::data_key::PlaintextDataKey;
use kms_api::custody::Custody;
use kms_api::shapes::ContextMap;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::error::{Outcome, damaged};
use crate::model::bucket::{Bucket, bucket_arn};
use crate::model::object::bucket_key_subject;
use crate::store::Rows;
use crate::through_kms::{Sealed, ThroughKms, with_arn};

/// A bucket key's row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BucketKey {
    /// UUID.
    pub(crate) id: String,
    /// Key ARN, as KMS answered it.
    pub(crate) key_arn: String,
    /// The encryption context; `aws:s3:arn` is the bucket's.
    pub(crate) context: ContextMap,
    /// A KMS ciphertext blob.
    #[serde(with = "serde_bytes")]
    pub(crate) blob: Vec<u8>,
}

/// A bucket key in plaintext, and its row.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// The row.
    pub(crate) row: BucketKey,
    /// The plaintext, wiped when the last one lets go.
    pub(crate) key: Arc<PlaintextDataKey>,
    bucket: String,
    until: Timestamp,
}

/// The bucket keys of all buckets.
pub(crate) struct BucketKeys {
    kms: ThroughKms,
    rows: Rows,
    lifetime: SignedDuration,
    held: Mutex<Cache>,
    /// Whoever misses waits for whoever missed before, who may well fetch the very key.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Cache {
    /// To open with: by requester and id.
    by_id: HashMap<(String, String), Held>,
    /// To seal with: the id to take.
    by_use: HashMap<Use, String>,
}

/// For whom and for what a bucket key serves.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Use {
    requester: String,
    bucket: String,
    key: Option<String>,
    context: ContextMap,
}

impl BucketKeys {
    /// Keys are held for `lifetime` of the simulated clock.
    pub(crate) fn new(kms: ThroughKms, rows: Rows, lifetime: SignedDuration) -> Self {
        Self { kms, rows, lifetime, held: Mutex::default(), fetching: tokio::sync::Mutex::default() }
    }

    /// The bucket key to seal with: the one held, or a new one from KMS.
    pub(crate) async fn to_seal(
        &self,
        call: &Call,
        bucket: &Bucket,
        key: Option<&str>,
        context: &ContextMap,
    ) -> Outcome<Held> {
        let purpose = Use {
            requester: requester(call),
            bucket: bucket.name.clone(),
            key: key.map(str::to_owned),
            context: context.clone(),
        };
        if let Some(held) = self.live().sealing(&purpose) {
            return Ok(held);
        }
        let _turn = self.fetching.lock().await;
        if let Some(held) = self.live().sealing(&purpose) {
            return Ok(held);
        }
        let context = with_arn(context, bucket_arn(&bucket.name));
        let (key, sealed) = self.kms.generate(call, bucket, key, context, self.custody(bucket)).await?;
        let Sealed { key_arn, context, blob } = sealed;
        let row = BucketKey { id: self.kms.world.uuid(), key_arn, context, blob };
        self.rows.put_bucket_key(&bucket.name, row.clone()).await?;
        self.kms.world.custodian().wrapped(&bucket_key_subject(&bucket.name), Place::S3Metadata, row.key_arn.clone());
        let held = self.hold(call, bucket, row, key);
        self.cache().by_use.insert(purpose, held.row.id.clone());
        Ok(held)
    }

    /// A bucket key to open with: held, or unwrapped by KMS.
    pub(crate) async fn to_open(&self, call: &Call, bucket: &Bucket, id: &str) -> Outcome<Held> {
        let wanted = (requester(call), id.to_owned());
        if let Some(held) = self.live().by_id.get(&wanted) {
            return Ok(held.clone());
        }
        let _turn = self.fetching.lock().await;
        if let Some(held) = self.live().by_id.get(&wanted) {
            return Ok(held.clone());
        }
        let row = self.rows.bucket_key(&bucket.name, id)?.ok_or_else(|| damaged("a bucket key"))?;
        let sealed = Sealed { key_arn: row.key_arn.clone(), context: row.context.clone(), blob: row.blob.clone() };
        let key = self.kms.decrypt(call, bucket, &sealed, self.custody(bucket)).await?;
        Ok(self.hold(call, bucket, row, key))
    }

    /// The keys held now, for the eye: whose, under which KMS key, and until when.
    pub(crate) fn status(&self) -> serde_json::Value {
        let held: Vec<_> = (self.live().by_id.iter())
            .map(|((requester, id), held)| {
                serde_json::json!({
                    "bucket": held.bucket, "id": id, "requester": requester.trim_end(),
                    "keyArn": held.row.key_arn, "until": held.until,
                })
            })
            .collect();
        serde_json::json!({ "lifetimeSeconds": self.lifetime.as_secs(), "held": held })
    }

    /// Lets go of the keys whose time is over.
    pub(crate) fn expire(&self) {
        drop(self.live());
    }

    /// Lets go of all keys of a bucket that is gone.
    pub(crate) fn forget(&self, bucket: &str) {
        let mut cache = self.cache();
        cache.by_use.retain(|purpose, _| purpose.bucket != bucket);
        cache.by_id.retain(|_, held| held.bucket != bucket);
    }

    fn hold(&self, call: &Call, bucket: &Bucket, row: BucketKey, key: PlaintextDataKey) -> Held {
        let until = self.kms.world.now() + self.lifetime;
        let held = Held { row, key: Arc::new(key), bucket: bucket.name.clone(), until };
        self.cache().by_id.insert((requester(call), held.row.id.clone()), held.clone());
        held
    }

    fn custody(&self, bucket: &Bucket) -> Custody {
        self.kms.world.custodian().custody(bucket_key_subject(&bucket.name), Place::S3Memory)
    }

    /// The cache without what has expired.
    fn live(&self) -> MutexGuard<'_, Cache> {
        let now = self.kms.world.now();
        let mut cache = self.cache();
        let Cache { by_id, by_use } = &mut *cache;
        let before = by_id.len();
        by_id.retain(|_, held| held.until > now);
        if by_id.len() < before {
            by_use.retain(|purpose, id| by_id.contains_key(&(purpose.requester.clone(), id.clone())));
        }
        cache
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        // What a panicking holder leaves behind is whole: every change here is one insert or one retain.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    fn sealing(&self, purpose: &Use) -> Option<Held> {
        let id = self.by_use.get(purpose)?;
        self.by_id.get(&(purpose.requester.clone(), id.clone())).cloned()
    }
}

/// A user is the same under each of its keys; a session is another with each.
fn requester(call: &Call) -> String {
    let session = call.ctx.caller.session.as_ref().map_or("", |_| call.ctx.caller.access_key_id.as_str());
    format!("{} {session}", call.ctx.caller.principal.principal_id())
}
