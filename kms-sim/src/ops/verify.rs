//! `Verify`: a signature that is not one of this message by this key is an exception, never a `false`.

use bytes::Bytes;
use kms_api::error::KmsError;
use kms_api::shapes::Blob;
use serde::Deserialize;
use serde_json::{Value, json};

use super::shared::stop_if_dry;
use super::sign::{
    DEFAULT_MESSAGE_TYPE, MESSAGE_TYPE, SIGNING_ALGORITHM, check_message, message, message_type, signing_algorithm,
};
use crate::KmsSim;
use crate::authorize::action::Verify;
use crate::call::Call;
use crate::constraints::{CIPHERTEXT, KEY_ID, Member, PLAINTEXT, Shape, TOKENS, needed, optional};
use crate::model::key_state::Use;
use crate::model::purpose::KeyUsage;
use crate::operation::{Operation, json};

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct VerifyRequest {
    key_id: String,
    message: Blob,
    message_type: Option<String>,
    signature: Blob,
    signing_algorithm: String,
    grant_tokens: Vec<String>,
    dry_run: Option<bool>,
}

impl Operation for Verify {
    const NAME: &'static str = "Verify";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        needed("KeyId", KEY_ID),
        needed("Message", PLAINTEXT).secret(),
        optional("MessageType", MESSAGE_TYPE),
        needed("Signature", CIPHERTEXT).secret(),
        needed("SigningAlgorithm", SIGNING_ALGORITHM),
        optional("GrantTokens", TOKENS).secret(),
        optional("DryRun", Shape::Flag),
    ];
    const DEFAULTS: &'static [(&'static str, &'static str)] = &[DEFAULT_MESSAGE_TYPE];
    type Request = VerifyRequest;
    type Answer = Value;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: VerifyRequest) -> Result<Value, KmsError> {
        let found = kms.find::<Self>(call, &request.key_id).await?;
        let kind = message_type(request.message_type.as_deref());
        let asking = kms.ask::<Self>(call, &found).tokens(&request.grant_tokens);
        let asking = asking.fact("kms:SigningAlgorithm", &request.signing_algorithm).fact("kms:MessageType", kind);
        let key = asking.decide()?;
        key.check_usage(KeyUsage::SignVerify, Self::NAME)?;
        key.permit(Use::Cryptography)?;
        let algorithm = signing_algorithm(&key, &request.signing_algorithm)?;
        check_message(algorithm, kind, &request.message.0)?;
        kms.hsm.verify(&key, algorithm, message(kind, &request.message.0), &request.signature.0)?;
        stop_if_dry(request.dry_run)?;
        Ok(json!({"KeyId": key.arn, "SignatureValid": true, "SigningAlgorithm": algorithm.name()}))
    }

    fn print(_kms: &KmsSim, answer: Value) -> Bytes {
        json(&answer)
    }
}
