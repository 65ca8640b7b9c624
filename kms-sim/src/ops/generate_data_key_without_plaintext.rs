//! `GenerateDataKeyWithoutPlaintext`: a sealed data key for later. Nobody has seen it in plaintext.

use bytes::Bytes;
use kms_api::error::KmsError;
use kms_api::shapes::{Blob, GenerateDataKeyRequest, GenerateDataKeyWithoutPlaintextResponse};

use super::generate_data_key::data_key_bytes;
use super::shared::{context, stop_if_dry};
use crate::KmsSim;
use crate::authorize::action::GenerateDataKeyWithoutPlaintext;
use crate::call::Call;
use crate::constraints::{DATA_KEY_BYTES, DATA_KEY_SPEC, KEY_ID, Member, Shape, TOKENS, needed, optional};
use crate::model::key_state::Use;
use crate::operation::{Operation, json};

impl Operation for GenerateDataKeyWithoutPlaintext {
    const NAME: &'static str = "GenerateDataKeyWithoutPlaintext";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        needed("KeyId", KEY_ID),
        optional("EncryptionContext", Shape::Texts),
        optional("KeySpec", DATA_KEY_SPEC),
        optional("NumberOfBytes", DATA_KEY_BYTES),
        optional("GrantTokens", TOKENS).secret(),
        optional("DryRun", Shape::Flag),
    ];
    type Request = GenerateDataKeyRequest;
    type Answer = GenerateDataKeyWithoutPlaintextResponse;

    async fn run(
        kms: &KmsSim,
        call: &mut Call<'_>,
        request: GenerateDataKeyRequest,
    ) -> Result<GenerateDataKeyWithoutPlaintextResponse, KmsError> {
        let len = data_key_bytes(&request)?;
        let context = context(&request.encryption_context)?;
        let found = kms.find::<Self>(call, &request.key_id).await?;
        let asking = kms.ask::<Self>(call, &found).tokens(&request.grant_tokens);
        let key = asking.context(&request.encryption_context).decide()?;
        key.check_seals_data_keys(Self::NAME)?;
        key.permit(Use::Cryptography)?;
        stop_if_dry(request.dry_run)?;
        let sealed = kms.hsm.generate_sealed(&key, &context, len)?;
        call.used(key.current()?.id);
        Ok(GenerateDataKeyWithoutPlaintextResponse {
            ciphertext_blob: Blob(sealed),
            key_id: key.arn.clone(),
            key_material_id: Some(key.current()?.id.to_string()),
        })
    }

    fn print(_kms: &KmsSim, answer: GenerateDataKeyWithoutPlaintextResponse) -> Bytes {
        json(&answer)
    }
}
