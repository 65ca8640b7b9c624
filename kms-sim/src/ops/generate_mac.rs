//! `GenerateMac`: proves that whoever made it could use the key, to whoever can use it too.

use bytes::Bytes;
use envelope::mac::MacAlgorithm;
use kms_api::error::KmsError;
use kms_api::shapes::Blob;
use serde::Deserialize;
use serde_json::{Value, json};

use super::shared::{base64, stop_if_dry};
use crate::KmsSim;
use crate::authorize::action::GenerateMac;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, PLAINTEXT, Shape, TOKENS, needed, optional};
use crate::model::key::Key;
use crate::model::key_state::Use;
use crate::model::purpose::{KeySpec, KeyUsage};
use crate::operation::{Operation, json};

pub(crate) const MAC_ALGORITHM: Shape = Shape::Word(&["HMAC_SHA_224", "HMAC_SHA_256", "HMAC_SHA_384", "HMAC_SHA_512"]);

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct GenerateMacRequest {
    message: Blob,
    key_id: String,
    mac_algorithm: String,
    grant_tokens: Vec<String>,
    dry_run: Option<bool>,
}

impl Operation for GenerateMac {
    const NAME: &'static str = "GenerateMac";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        needed("Message", PLAINTEXT).secret(),
        needed("KeyId", KEY_ID),
        needed("MacAlgorithm", MAC_ALGORITHM),
        optional("GrantTokens", TOKENS).secret(),
        optional("DryRun", Shape::Flag),
    ];
    type Request = GenerateMacRequest;
    type Answer = Value;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: GenerateMacRequest) -> Result<Value, KmsError> {
        let found = kms.find::<Self>(call, &request.key_id).await?;
        let asking = kms.ask::<Self>(call, &found).tokens(&request.grant_tokens);
        let key = asking.fact("kms:MacAlgorithm", &request.mac_algorithm).decide()?;
        key.check_usage(KeyUsage::GenerateVerifyMac, Self::NAME)?;
        key.permit(Use::Cryptography)?;
        let algorithm = mac_algorithm(&key, &request.mac_algorithm)?;
        stop_if_dry(request.dry_run)?;
        let mac = kms.hsm.generate_mac(&key, algorithm, &request.message.0)?;
        Ok(json!({"Mac": base64(&mac), "MacAlgorithm": algorithm.name(), "KeyId": key.arn}))
    }

    fn print(_kms: &KmsSim, answer: Value) -> Bytes {
        json(&answer)
    }
}

/// The algorithm, if it is the key's.
pub(crate) fn mac_algorithm(key: &Key, name: &str) -> Result<MacAlgorithm, KmsError> {
    match key.purpose.spec {
        KeySpec::Hmac(own) if own.name() == name => Ok(own),
        KeySpec::Hmac(_) | KeySpec::SymmetricDefault | KeySpec::Pair(_) => Err(key.purpose.incompatible(name)),
    }
}
