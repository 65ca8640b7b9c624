//! `GetPublicKey`: the half of a key pair that may leave. A disabled key gives it too.

use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Deserialize;
use serde_json::{Value, json};

use super::shared::base64;
use crate::KmsSim;
use crate::authorize::action::GetPublicKey;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, TOKENS, needed, optional};
use crate::model::key::Key;
use crate::model::key_state::Use;
use crate::operation::{Operation, json};

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct GetPublicKeyRequest {
    key_id: String,
    grant_tokens: Vec<String>,
}

impl Operation for GetPublicKey {
    const NAME: &'static str = "GetPublicKey";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[needed("KeyId", KEY_ID), optional("GrantTokens", TOKENS).secret()];
    type Request = GetPublicKeyRequest;
    type Answer = Value;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: GetPublicKeyRequest) -> Result<Value, KmsError> {
        let found = kms.find::<Self>(call, &request.key_id).await?;
        let key = kms.ask::<Self>(call, &found).tokens(&request.grant_tokens).decide()?;
        if !key.purpose.is_asymmetric() {
            return Err(KmsError::UnsupportedOperation(None));
        }
        key.permit(Use::PublicKey)?;
        answer(&key)
    }

    fn print(_kms: &KmsSim, answer: Value) -> Bytes {
        json(&answer)
    }
}

fn answer(key: &Key) -> Result<Value, KmsError> {
    let (member, algorithms) = key.purpose.algorithms();
    let mut answer = json!({
        "KeyId": key.arn,
        "PublicKey": base64(key.current()?.public.as_deref().unwrap_or_default()),
        "CustomerMasterKeySpec": key.purpose.spec.name(),
        "KeySpec": key.purpose.spec.name(),
        "KeyUsage": key.purpose.usage.name(),
    });
    answer[member] = json!(algorithms);
    Ok(answer)
}
