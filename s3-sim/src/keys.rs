//! Where data keys come from and how they are opened again: KMS, asked as the caller, or the key that S3 owns.
//!
//! A plaintext data key only ever exists in the custody of `s3.memory`, so that the ledger hears of it; what is
//! stored is a [`WrappedKey`].

use std::sync::Arc;

use aws_core::event::Place;
use envelope::data_key::PlaintextDataKey;
use envelope::secret::Secret;
use envelope::wrap;
use kms_api::client::Kms;
use kms_api::custody::Custody;
use kms_api::error::KmsError;
use kms_api::shapes::{Blob, ContextMap, DecryptRequest, GenerateDataKeyRequest};
use kms_api::world::World;

use crate::call::Call;
use crate::error::{Outcome, damaged, kms_fault};
use crate::model::bucket::{Bucket, object_arn};
use crate::model::object::{WrappedKey, Wrapping, subject};
use crate::sse::Mode;

/// The managed key that stands in when SSE-KMS names none.
const MANAGED_KEY: &str = "alias/aws/s3";

/// The pair that S3 adds to every encryption context.
const ARN_PAIR: &str = "aws:s3:arn";

const DATA_KEY_BYTES: usize = 32;

/// Makes and opens data keys.
pub(crate) struct Keys {
    kms: Arc<dyn Kms>,
    owned: Secret,
    world: World,
}

/// A new data key in both forms.
pub(crate) struct Fresh {
    /// To seal with; wiped when dropped.
    pub(crate) plaintext: PlaintextDataKey,
    /// To store.
    pub(crate) wrapped: WrappedKey,
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
}

impl Keys {
    /// `owned` is the key that S3 owns, 32 bytes.
    pub(crate) fn new(kms: Arc<dyn Kms>, owned: Secret, world: World) -> Self {
        Self { kms, owned, world }
    }

    /// A new data key for an object.
    pub(crate) async fn generate(&self, call: &Call, owner: Owner<'_>, mode: &Mode) -> Outcome<Fresh> {
        match mode {
            Mode::S3 => Ok(self.generate_owned(owner)),
            Mode::Kms { key, context } => self.generate_in_kms(call, owner, key.as_deref(), context).await,
        }
    }

    /// The data key of a stored object.
    pub(crate) async fn open(&self, call: &Call, owner: Owner<'_>, wrapped: &WrappedKey) -> Outcome<PlaintextDataKey> {
        match &wrapped.wrapping {
            Wrapping::S3Owned => self.open_owned(owner, &wrapped.blob),
            Wrapping::Kms { key_arn, context } => {
                let ctx = call.to_kms(&owner.bucket.region, self.world.uuid());
                let request = DecryptRequest {
                    ciphertext_blob: Blob(wrapped.blob.clone()),
                    encryption_context: context.clone(),
                    key_id: Some(key_arn.clone()),
                    ..DecryptRequest::default()
                };
                let opened = self.kms.decrypt(&ctx, request, self.custody(owner)).await;
                Ok(opened.map_err(|error| kms_fault(&error))?.plaintext)
            }
        }
    }

    fn generate_owned(&self, owner: Owner<'_>) -> Fresh {
        let entropy = &*self.world.entropy;
        let secret = Secret::filled(DATA_KEY_BYTES, |out| entropy.fill(out));
        let blob = wrap::wrap(&self.owned, owner.arn().as_bytes(), secret.expose(), entropy);
        let plaintext = self.custody(owner).take(secret);
        Fresh { plaintext, wrapped: WrappedKey { wrapping: Wrapping::S3Owned, blob } }
    }

    fn open_owned(&self, owner: Owner<'_>, blob: &[u8]) -> Outcome<PlaintextDataKey> {
        let secret =
            wrap::unwrap(&self.owned, owner.arn().as_bytes(), blob).map_err(|_| damaged("a wrapped data key"))?;
        Ok(self.custody(owner).take(secret))
    }

    async fn generate_in_kms(
        &self,
        call: &Call,
        owner: Owner<'_>,
        key: Option<&str>,
        context: &ContextMap,
    ) -> Outcome<Fresh> {
        let key_id = key_name(owner.bucket, key).map_err(|error| kms_fault(&error))?;
        let context = with_arn(context, owner);
        let request = GenerateDataKeyRequest {
            key_id,
            encryption_context: context.clone(),
            key_spec: Some("AES_256".into()),
            ..GenerateDataKeyRequest::default()
        };
        let ctx = call.to_kms(&owner.bucket.region, self.world.uuid());
        let made = self.kms.generate_data_key(&ctx, request, self.custody(owner)).await;
        let made = made.map_err(|error| kms_fault(&error))?;
        let wrapping = Wrapping::Kms { key_arn: made.key_id, context };
        Ok(Fresh { plaintext: made.plaintext, wrapped: WrappedKey { wrapping, blob: made.ciphertext_blob.0 } })
    }

    fn custody(&self, owner: Owner<'_>) -> Custody {
        self.world.custodian().custody(owner.subject(), Place::S3Memory)
    }
}

/// S3 adds the object's ARN; a value that the user chose for that name is kept as it is.
fn with_arn(context: &ContextMap, owner: Owner<'_>) -> ContextMap {
    let mut context = context.clone();
    context.entry(ARN_PAIR.into()).or_insert_with(|| owner.arn());
    context
}

/// What KMS is asked for. A bare id means the bucket's account and region, not the caller's.
fn key_name(bucket: &Bucket, key: Option<&str>) -> Result<String, KmsError> {
    let key = key.unwrap_or(MANAGED_KEY);
    if is_bare_id(key) {
        return Ok(format!("arn:aws:kms:{}:{}:key/{key}", bucket.region, bucket.owner));
    }
    match key.parse::<aws_core::arn::Arn>() {
        Ok(arn) if arn.region != bucket.region.as_str() => {
            Err(KmsError::NotFound(format!("Invalid arn {}", arn.region)))
        }
        Ok(_) | Err(_) => Ok(key.to_owned()),
    }
}

/// A UUID, or a multi-Region key's `mrk-` and 32 digits.
fn is_bare_id(key: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    if let Some(digits) = key.strip_prefix("mrk-") {
        return digits.len() == 32 && hex(digits);
    }
    let lengths: Vec<usize> = key.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && key.split('-').all(hex)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::bucket::DefaultEncryption;
    use aws_core::id::{AccountId, Region};

    #[test]
    fn a_key_is_named_to_kms_as_s3_reads_it() {
        let bucket = Bucket {
            name: "b".into(),
            owner: AccountId::parse("111122223333").unwrap(),
            region: Region::default_region(),
            created: aws_core::time::Timestamp::UNIX_EPOCH,
            encryption: DefaultEncryption::default(),
        };
        let name = |key| key_name(&bucket, key).map_err(|e| e.to_string());
        let id = "0d990263-018e-4e65-a703-eff731de951e";
        assert_eq!(name(None), Ok("alias/aws/s3".into()));
        assert_eq!(name(Some(id)), Ok(format!("arn:aws:kms:us-east-1:111122223333:key/{id}")));
        assert_eq!(name(Some("alias/mine")), Ok("alias/mine".into()));
        assert_eq!(name(Some("fake-key-id")), Ok("fake-key-id".into()));
        let elsewhere = format!("arn:aws:kms:us-west-2:111122223333:key/{id}");
        assert_eq!(name(Some(&elsewhere)), Err("Invalid arn us-west-2".into()));
    }
}
