//! Where data keys come from and how they are opened again, one arm per encryption mode.
//!
//! ```text
//! SSE-S3     S3's own key ──wraps──▶ data key
//! SSE-KMS    KMS key ──▶ data key              with a bucket key: KMS key ──▶ bucket key ──▶ data key
//! DSSE-KMS   KMS key ──▶ data key (inner layer), S3's own key ──▶ data key (outer layer)
//! SSE-C      customer's key ──▶ data key, S3's own key ──▶ the row's key
//! ```
//! A plaintext data key only ever exists in the custody of `s3.memory`, so that the ledger hears of it; what is
//! stored is a [`WrappedKey`].

use aws_core::event::Place;
use envelope::data_key::PlaintextDataKey;
use envelope::secret::Secret;
use envelope::wrap;
use kms_api::custody::Custody;
use kms_api::shapes::ContextMap;
use kms_api::world::World;

use crate::bucket_keys::BucketKeys;
use crate::call::Call;
use crate::customer::CustomerKey;
use crate::error::{Outcome, damaged, internal, invalid_argument};
use crate::model::bucket::{Bucket, object_arn};
use crate::model::object::{WrappedKey, Wrapping, subject};
use crate::sse::Mode;
use crate::through_kms::{Sealed, ThroughKms, with_arn};

const DATA_KEY_BYTES: usize = 32;

/// Makes and opens data keys.
pub(crate) struct Keys {
    kms: ThroughKms,
    /// The keys between KMS and the data keys of a bucket.
    pub(crate) bucket_keys: BucketKeys,
    owned: Secret,
    world: World,
}

/// A new data key in both forms.
pub(crate) struct Fresh {
    /// To seal with; wiped when dropped.
    pub(crate) plaintext: DataKeys,
    /// To store.
    pub(crate) wrapped: WrappedKey,
}

/// The plaintext keys of one object.
pub(crate) struct DataKeys {
    /// Seals the body; with two layers, the inner one.
    pub(crate) body: PlaintextDataKey,
    /// Seals the outer layer of DSSE-KMS.
    pub(crate) outer: Option<PlaintextDataKey>,
    row: Option<PlaintextDataKey>,
}

impl DataKeys {
    fn one(body: PlaintextDataKey) -> Self {
        Self { body, outer: None, row: None }
    }

    /// What proofs of rows are made with.
    pub(crate) fn row(&self) -> &PlaintextDataKey {
        self.row.as_ref().unwrap_or(&self.body)
    }
}

/// The object a data key belongs to.
#[derive(Clone, Copy)]
pub(crate) struct Owner<'a> {
    /// Its bucket: gives region and account of the KMS key.
    pub(crate) bucket: &'a Bucket,
    /// Its key.
    pub(crate) key: &'a str,
}

impl Owner<'_> {
    /// The object's ARN.
    pub(crate) fn arn(&self) -> String {
        object_arn(&self.bucket.name, self.key)
    }

    /// The ledger's name for its data key.
    pub(crate) fn subject(&self) -> String {
        subject(&self.bucket.name, self.key)
    }

    /// What wrapped keys of this object are bound to, each kind in its own place.
    fn bound(&self, what: &str) -> Vec<u8> {
        format!("{}{what}", self.arn()).into_bytes()
    }
}

/// Keys of one object that are wrapped under one and the same key are told apart by these.
const BODY: &str = "";
const OUTER: &str = "\nouter";
const ROW: &str = "\nrow";

impl Keys {
    /// `owned` is the key that S3 owns, 32 bytes.
    pub(crate) fn new(kms: ThroughKms, bucket_keys: BucketKeys, owned: Secret) -> Self {
        let world = kms.world.clone();
        Self { kms, bucket_keys, owned, world }
    }

    /// A new data key for an object.
    pub(crate) async fn generate(&self, call: &Call, owner: Owner<'_>, mode: &Mode) -> Outcome<Fresh> {
        refuse_version_2(call, matches!(mode, Mode::Kms { .. } | Mode::Dsse { .. }))?;
        match mode {
            Mode::S3 => {
                let (plaintext, blob) = self.made(owner, &self.owned, BODY);
                Ok(Fresh {
                    plaintext: DataKeys::one(plaintext),
                    wrapped: WrappedKey { wrapping: Wrapping::S3Owned, blob },
                })
            }
            Mode::Kms { key, context, bucket_key: false } => {
                let (plaintext, sealed) = self.generate_in_kms(call, owner, key.as_deref(), context).await?;
                Ok(Fresh { plaintext: DataKeys::one(plaintext), wrapped: kms_wrapped(sealed, None) })
            }
            Mode::Kms { key, context, bucket_key: true } => {
                let held = self.bucket_keys.to_seal(call, owner.bucket, key.as_deref(), context).await?;
                let (plaintext, blob) = self.made(owner, &Secret::copied(held.key.expose()), BODY);
                let wrapping =
                    Wrapping::BucketKey { key_arn: held.row.key_arn, context: held.row.context, id: held.row.id };
                Ok(Fresh { plaintext: DataKeys::one(plaintext), wrapped: WrappedKey { wrapping, blob } })
            }
            Mode::Dsse { key, context } => self.generate_two_layers(call, owner, key.as_deref(), context).await,
            Mode::Customer(customer) => Ok(self.generate_for_customer(owner, customer)),
        }
    }

    /// The data key of a stored object. For SSE-C `customer` is the key that came with the request.
    pub(crate) async fn open(
        &self,
        call: &Call,
        owner: Owner<'_>,
        wrapped: &WrappedKey,
        customer: Option<&CustomerKey>,
    ) -> Outcome<DataKeys> {
        let mut keys = DataKeys::one(self.open_body(call, owner, wrapped, customer).await?);
        match &wrapped.wrapping {
            Wrapping::Dsse { outer, .. } => keys.outer = Some(self.opened(owner, &self.owned, OUTER, outer)?),
            Wrapping::Customer { row, .. } => keys.row = Some(self.opened(owner, &self.owned, ROW, row)?),
            Wrapping::S3Owned | Wrapping::Kms { .. } | Wrapping::BucketKey { .. } => {}
        }
        Ok(keys)
    }

    /// Only the key of the row's proof: where a customer's key is not at hand, it is not needed for that.
    pub(crate) async fn open_row(
        &self,
        call: &Call,
        owner: Owner<'_>,
        wrapped: &WrappedKey,
    ) -> Outcome<PlaintextDataKey> {
        match &wrapped.wrapping {
            Wrapping::Customer { row, .. } => self.opened(owner, &self.owned, ROW, row),
            _ => self.open_body(call, owner, wrapped, None).await,
        }
    }

    async fn open_body(
        &self,
        call: &Call,
        owner: Owner<'_>,
        wrapped: &WrappedKey,
        customer: Option<&CustomerKey>,
    ) -> Outcome<PlaintextDataKey> {
        refuse_version_2(call, wrapped.wrapping.key_arn().is_some())?;
        match &wrapped.wrapping {
            Wrapping::S3Owned => self.opened(owner, &self.owned, BODY, &wrapped.blob),
            Wrapping::Kms { carried, .. } => {
                let sealed = kms_sealed(wrapped).ok_or_else(internal)?;
                let opened = self.kms.decrypt(call, owner.bucket, &sealed, self.custody(owner)).await?;
                let Some(carried) = carried else { return Ok(opened) };
                self.opened(owner, &Secret::copied(opened.expose()), BODY, carried)
            }
            Wrapping::Dsse { .. } => {
                let sealed = kms_sealed(wrapped).ok_or_else(internal)?;
                self.kms.decrypt(call, owner.bucket, &sealed, self.custody(owner)).await
            }
            Wrapping::BucketKey { id, .. } => {
                let held = self.bucket_keys.to_open(call, owner.bucket, id).await?;
                self.opened(owner, &Secret::copied(held.key.expose()), BODY, &wrapped.blob)
            }
            Wrapping::Customer { lock, .. } => {
                let kek = customer.ok_or_else(internal)?.unlock(lock)?;
                self.opened(owner, &kek, BODY, &wrapped.blob)
            }
        }
    }

    /// The same data key under another KMS key: the body is not touched. Within KMS, where it can be.
    pub(crate) async fn rewrap(
        &self,
        call: &Call,
        owner: Owner<'_>,
        wrapped: &WrappedKey,
        key: &str,
        bucket_key: bool,
    ) -> Outcome<WrappedKey> {
        let context = with_arn(&ContextMap::new(), owner.arn());
        if let (Wrapping::Kms { carried, .. }, Some(sealed), false) =
            (&wrapped.wrapping, kms_sealed(wrapped), bucket_key)
        {
            let sealed = self.kms.re_encrypt(call, owner.bucket, &sealed, key, context).await?;
            return Ok(kms_wrapped(sealed, carried.clone()));
        }
        let data_key = self.open_body(call, owner, wrapped, None).await?;
        let rewrapped = |kek: &PlaintextDataKey| {
            let kek = Secret::copied(kek.expose());
            wrap::wrap(&kek, &owner.bound(BODY), data_key.expose(), &*self.world.entropy)
        };
        if bucket_key {
            let held = self.bucket_keys.to_seal(call, owner.bucket, Some(key), &ContextMap::new()).await?;
            let blob = rewrapped(&held.key);
            let wrapping =
                Wrapping::BucketKey { key_arn: held.row.key_arn, context: held.row.context, id: held.row.id };
            return Ok(WrappedKey { wrapping, blob });
        }
        let (kek, sealed) = self.kms.generate(call, owner.bucket, Some(key), context, self.custody(owner)).await?;
        Ok(kms_wrapped(sealed, Some(rewrapped(&kek))))
    }

    async fn generate_in_kms(
        &self,
        call: &Call,
        owner: Owner<'_>,
        key: Option<&str>,
        context: &ContextMap,
    ) -> Outcome<(PlaintextDataKey, Sealed)> {
        let context = with_arn(context, owner.arn());
        self.kms.generate(call, owner.bucket, key, context, self.custody(owner)).await
    }

    async fn generate_two_layers(
        &self,
        call: &Call,
        owner: Owner<'_>,
        key: Option<&str>,
        context: &ContextMap,
    ) -> Outcome<Fresh> {
        let (body, Sealed { key_arn, context, blob }) = self.generate_in_kms(call, owner, key, context).await?;
        let (outer_key, outer) = self.made(owner, &self.owned, OUTER);
        let plaintext = DataKeys { outer: Some(outer_key), ..DataKeys::one(body) };
        let wrapping = Wrapping::Dsse { key_arn, context, outer };
        Ok(Fresh { plaintext, wrapped: WrappedKey { wrapping, blob } })
    }

    fn generate_for_customer(&self, owner: Owner<'_>, customer: &CustomerKey) -> Fresh {
        let (lock, kek) = customer.lock(&*self.world.entropy);
        let (body, blob) = self.made(owner, &kek, BODY);
        let (row_key, row) = self.made(owner, &self.owned, ROW);
        let plaintext = DataKeys { row: Some(row_key), ..DataKeys::one(body) };
        Fresh { plaintext, wrapped: WrappedKey { wrapping: Wrapping::Customer { lock, row }, blob } }
    }

    /// A key of S3's own making, in custody and wrapped under `kek`.
    fn made(&self, owner: Owner<'_>, kek: &Secret, what: &str) -> (PlaintextDataKey, Vec<u8>) {
        let entropy = &*self.world.entropy;
        let secret = Secret::filled(DATA_KEY_BYTES, |out| entropy.fill(out));
        let blob = wrap::wrap(kek, &owner.bound(what), secret.expose(), entropy);
        (self.custody(owner).take(secret), blob)
    }

    fn opened(&self, owner: Owner<'_>, kek: &Secret, what: &str, blob: &[u8]) -> Outcome<PlaintextDataKey> {
        let secret = wrap::unwrap(kek, &owner.bound(what), blob).map_err(|_| damaged("a wrapped data key"))?;
        Ok(self.custody(owner).take(secret))
    }

    fn custody(&self, owner: Owner<'_>) -> Custody {
        self.world.custodian().custody(owner.subject(), Place::S3Memory)
    }
}

/// 400: KMS takes no part in what an old signature asks for, not even through a bucket key that is held.
fn refuse_version_2(call: &Call, with_kms: bool) -> Outcome<()> {
    if !(call.legacy && with_kms) {
        return Ok(());
    }
    let message =
        "Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.";
    Err(invalid_argument("Authorization", "null", message))
}

fn kms_wrapped(sealed: Sealed, carried: Option<Vec<u8>>) -> WrappedKey {
    let Sealed { key_arn, context, blob } = sealed;
    WrappedKey { wrapping: Wrapping::Kms { key_arn, context, carried }, blob }
}

/// What KMS is to open of a key that is wrapped under it without anything in between.
fn kms_sealed(wrapped: &WrappedKey) -> Option<Sealed> {
    match &wrapped.wrapping {
        Wrapping::Kms { key_arn, context, .. } | Wrapping::Dsse { key_arn, context, .. } => {
            Some(Sealed { key_arn: key_arn.clone(), context: context.clone(), blob: wrapped.blob.clone() })
        }
        Wrapping::S3Owned | Wrapping::BucketKey { .. } | Wrapping::Customer { .. } => None,
    }
}
