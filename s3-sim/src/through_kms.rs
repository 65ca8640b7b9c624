//! KMS, asked as the caller through S3: every call carries `kms:ViaService`, and the caller's rights decide.

use std::sync::Arc;

use envelope::data_key::PlaintextDataKey;
use kms_api::client::Kms;
use kms_api::custody::Custody;
use kms_api::error::KmsError;
use kms_api::shapes::{Blob, ContextMap, DecryptRequest, GenerateDataKeyRequest, ReEncryptRequest};
use kms_api::world::World;

use crate::call::Call;
use crate::error::{Outcome, kms_fault};
use crate::model::bucket::Bucket;

/// The managed key that stands in when SSE-KMS names none.
const MANAGED_KEY: &str = "alias/aws/s3";

/// The pair that S3 adds to every encryption context.
const ARN_PAIR: &str = "aws:s3:arn";

/// Asks KMS as the caller. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ThroughKms {
    kms: Arc<dyn Kms>,
    pub(crate) world: World,
}

/// What KMS keeps of a key: its name, the context, and the blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// Key ARN, as KMS answered it.
    pub(crate) key_arn: String,
    /// The whole encryption context.
    pub(crate) context: ContextMap,
    /// A KMS ciphertext blob.
    pub(crate) blob: Vec<u8>,
}

impl ThroughKms {
    /// Through `kms`, with request ids from `world`.
    pub(crate) fn new(kms: Arc<dyn Kms>, world: World) -> Self {
        Self { kms, world }
    }

    /// A new data key under `key`, or under `aws/s3`.
    pub(crate) async fn generate(
        &self,
        call: &Call,
        bucket: &Bucket,
        key: Option<&str>,
        context: ContextMap,
        into: Custody,
    ) -> Outcome<(PlaintextDataKey, Sealed)> {
        let request = GenerateDataKeyRequest {
            key_id: key_name(bucket, key).map_err(|error| kms_fault(&error))?,
            encryption_context: context.clone(),
            key_spec: Some("AES_256".into()),
            ..GenerateDataKeyRequest::default()
        };
        let ctx = call.to_kms(&bucket.region, self.world.uuid());
        let made = self.kms.generate_data_key(&ctx, request, into).await.map_err(|error| kms_fault(&error))?;
        Ok((made.plaintext, Sealed { key_arn: made.key_id, context, blob: made.ciphertext_blob.0 }))
    }

    /// Opens what KMS sealed.
    pub(crate) async fn decrypt(
        &self,
        call: &Call,
        bucket: &Bucket,
        sealed: &Sealed,
        into: Custody,
    ) -> Outcome<PlaintextDataKey> {
        let request = DecryptRequest {
            ciphertext_blob: Blob(sealed.blob.clone()),
            encryption_context: sealed.context.clone(),
            key_id: Some(sealed.key_arn.clone()),
            ..DecryptRequest::default()
        };
        let ctx = call.to_kms(&bucket.region, self.world.uuid());
        Ok(self.kms.decrypt(&ctx, request, into).await.map_err(|error| kms_fault(&error))?.plaintext)
    }

    /// Wraps the same key under another KMS key and context; it does not leave KMS.
    pub(crate) async fn re_encrypt(
        &self,
        call: &Call,
        bucket: &Bucket,
        sealed: &Sealed,
        key: &str,
        context: ContextMap,
    ) -> Outcome<Sealed> {
        let request = ReEncryptRequest {
            ciphertext_blob: Blob(sealed.blob.clone()),
            source_encryption_context: sealed.context.clone(),
            source_key_id: Some(sealed.key_arn.clone()),
            destination_key_id: key_name(bucket, Some(key)).map_err(|error| kms_fault(&error))?,
            destination_encryption_context: context.clone(),
            ..ReEncryptRequest::default()
        };
        let ctx = call.to_kms(&bucket.region, self.world.uuid());
        let made = self.kms.re_encrypt(&ctx, request).await.map_err(|error| kms_fault(&error))?;
        Ok(Sealed { key_arn: made.key_id, context, blob: made.ciphertext_blob.0 })
    }
}

/// S3 adds the ARN of the object, or of the bucket; a value that the user chose for that name is kept as it is.
pub(crate) fn with_arn(context: &ContextMap, arn: String) -> ContextMap {
    let mut context = context.clone();
    context.entry(ARN_PAIR.into()).or_insert(arn);
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
            settings: crate::model::bucket::Settings::default(),
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
