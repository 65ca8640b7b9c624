//! `Encrypt`: up to 4 KiB under a KMS key.

use bytes::Bytes;
use envelope::secret::Secret;
use kms_api::error::KmsError;
use kms_api::shapes::{Blob, ContextMap};
use serde::Deserialize;
use serde_json::{Value, json};

use super::shared::{DEFAULT_ALGORITHM, algorithm, base64, cipher, context, stop_if_dry};
use crate::KmsSim;
use crate::authorize::action::Encrypt;
use crate::call::Call;
use crate::constraints::{ALGORITHM, KEY_ID, Member, PLAINTEXT, Shape, TOKENS, needed, optional};
use crate::model::key_state::Use;
use crate::model::purpose::KeyUsage;
use crate::operation::{Operation, json};

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct EncryptRequest {
    key_id: String,
    plaintext: Blob,
    encryption_context: ContextMap,
    grant_tokens: Vec<String>,
    encryption_algorithm: Option<String>,
    dry_run: Option<bool>,
}

impl Operation for Encrypt {
    const NAME: &'static str = "Encrypt";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        needed("KeyId", KEY_ID),
        needed("Plaintext", PLAINTEXT).secret(),
        optional("EncryptionContext", Shape::Texts),
        optional("GrantTokens", TOKENS).secret(),
        optional("EncryptionAlgorithm", ALGORITHM),
        optional("DryRun", Shape::Flag),
    ];
    const DEFAULTS: &'static [(&'static str, &'static str)] = &[DEFAULT_ALGORITHM];
    type Request = EncryptRequest;
    type Answer = Value;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: EncryptRequest) -> Result<Value, KmsError> {
        let plaintext = Secret::new(request.plaintext.0);
        let context = context(&request.encryption_context)?;
        let found = kms.find::<Self>(call, &request.key_id).await?;
        let algorithm = algorithm(request.encryption_algorithm.as_deref());
        let asking = kms.ask::<Self>(call, &found).tokens(&request.grant_tokens);
        let asking = asking.context(&request.encryption_context).fact("kms:EncryptionAlgorithm", algorithm);
        let key = asking.decide()?;
        key.check_usage(KeyUsage::EncryptDecrypt, Self::NAME)?;
        key.permit(Use::Cryptography)?;
        let cipher = cipher(&key, algorithm, context)?;
        cipher.check_length(&key, plaintext.len())?;
        stop_if_dry(request.dry_run)?;
        let sealed = kms.hsm.encrypt(&key, &cipher, &plaintext)?;
        call.used_by(&key);
        Ok(json!({"CiphertextBlob": base64(&sealed), "KeyId": key.arn, "EncryptionAlgorithm": algorithm}))
    }

    fn print(_kms: &KmsSim, answer: Value) -> Bytes {
        json(&answer)
    }
}
