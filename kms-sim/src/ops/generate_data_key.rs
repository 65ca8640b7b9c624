//! `GenerateDataKey`: a key to encrypt with here and now, and the same key sealed, to keep beside the data.

use bytes::Bytes;
use envelope::secret::Secret;
use kms_api::error::KmsError;
use kms_api::shapes::GenerateDataKeyRequest;
use serde_json::json;

use super::shared::{WithPlaintext, base64, context, hand_over, stop_if_dry};
use crate::KmsSim;
use crate::authorize::action::GenerateDataKey;
use crate::call::Call;
use crate::constraints::{DATA_KEY_BYTES, DATA_KEY_SPEC, KEY_ID, Member, Shape, TOKENS, needed, optional};
use crate::model::backing_key::MaterialId;
use crate::model::key_state::Use;
use crate::operation::Operation;

/// A new data key.
pub(crate) struct DataKey {
    pub(crate) plaintext: Secret,
    pub(crate) sealed: Vec<u8>,
    pub(crate) key_arn: String,
    pub(crate) material: MaterialId,
}

impl Operation for GenerateDataKey {
    const NAME: &'static str = "GenerateDataKey";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        needed("KeyId", KEY_ID),
        optional("EncryptionContext", Shape::Texts),
        optional("NumberOfBytes", DATA_KEY_BYTES),
        optional("KeySpec", DATA_KEY_SPEC),
        optional("GrantTokens", TOKENS).secret(),
        optional("Recipient", Shape::Unserved),
        optional("DryRun", Shape::Flag),
    ];
    type Request = GenerateDataKeyRequest;
    type Answer = DataKey;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: GenerateDataKeyRequest) -> Result<DataKey, KmsError> {
        let len = data_key_bytes(&request)?;
        let context = context(&request.encryption_context)?;
        let found = kms.find::<Self>(call, &request.key_id).await?;
        let asking = kms.ask::<Self>(call, &found).tokens(&request.grant_tokens);
        let key = asking.context(&request.encryption_context).decide()?;
        key.check_seals_data_keys(Self::NAME)?;
        key.permit(Use::Cryptography)?;
        stop_if_dry(request.dry_run)?;
        let (plaintext, sealed) = kms.hsm.generate(&key, &context, len)?;
        let material = key.current()?.id;
        call.used(material);
        Ok(DataKey { plaintext, sealed, key_arn: key.arn.clone(), material })
    }

    fn print(kms: &KmsSim, answer: DataKey) -> Bytes {
        hand_over(&kms.world, &answer.sealed);
        let sealed = base64(&answer.sealed);
        let other_bytes = sealed.len();
        let rest = json!({
            "CiphertextBlob": sealed,
            "KeyId": answer.key_arn,
            "KeyMaterialId": answer.material.to_string(),
        });
        WithPlaintext { plaintext: &answer.plaintext, rest }.print(other_bytes)
    }
}

/// How long the data key is to be: exactly one of the two ways to say it must be used.
pub(crate) fn data_key_bytes(request: &GenerateDataKeyRequest) -> Result<usize, KmsError> {
    let one_of_both = || KmsError::Validation("Please specify either number of bytes or key spec.".into());
    match (request.number_of_bytes, request.key_spec.as_deref()) {
        (Some(bytes), None) => usize::try_from(bytes).map_err(|_| one_of_both()),
        (None, Some("AES_256")) => Ok(32),
        (None, Some("AES_128")) => Ok(16),
        (None | Some(_), None | Some(_)) => Err(one_of_both()),
    }
}
