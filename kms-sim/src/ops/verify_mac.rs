//! `VerifyMac`: a MAC that is not the one of this message is an exception, never a `false`, also when the run is dry.

use bytes::Bytes;
use kms_api::error::KmsError;
use kms_api::shapes::Blob;
use serde::Deserialize;
use serde_json::{Value, json};

use super::generate_mac::{MAC_ALGORITHM, mac_algorithm};
use super::shared::stop_if_dry;
use crate::KmsSim;
use crate::authorize::action::VerifyMac;
use crate::call::Call;
use crate::constraints::{CIPHERTEXT, KEY_ID, Member, PLAINTEXT, Shape, TOKENS, needed, optional};
use crate::model::key_state::Use;
use crate::model::purpose::KeyUsage;
use crate::operation::{Operation, json};

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct VerifyMacRequest {
    message: Blob,
    key_id: String,
    mac_algorithm: String,
    mac: Blob,
    grant_tokens: Vec<String>,
    dry_run: Option<bool>,
}

impl Operation for VerifyMac {
    const NAME: &'static str = "VerifyMac";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        needed("Message", PLAINTEXT).secret(),
        needed("KeyId", KEY_ID),
        needed("MacAlgorithm", MAC_ALGORITHM),
        needed("Mac", CIPHERTEXT).secret(),
        optional("GrantTokens", TOKENS).secret(),
        optional("DryRun", Shape::Flag),
    ];
    type Request = VerifyMacRequest;
    type Answer = Value;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: VerifyMacRequest) -> Result<Value, KmsError> {
        let found = kms.find::<Self>(call, &request.key_id).await?;
        let asking = kms.ask::<Self>(call, &found).tokens(&request.grant_tokens);
        let key = asking.fact("kms:MacAlgorithm", &request.mac_algorithm).decide()?;
        key.check_usage(KeyUsage::GenerateVerifyMac, Self::NAME)?;
        key.permit(Use::Cryptography)?;
        let algorithm = mac_algorithm(&key, &request.mac_algorithm)?;
        kms.hsm.verify_mac(&key, algorithm, &request.message.0, &request.mac.0)?;
        stop_if_dry(request.dry_run)?;
        Ok(json!({"KeyId": key.arn, "MacValid": true, "MacAlgorithm": algorithm.name()}))
    }

    fn print(_kms: &KmsSim, answer: Value) -> Bytes {
        json(&answer)
    }
}
