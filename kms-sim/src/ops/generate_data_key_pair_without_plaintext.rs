//! `GenerateDataKeyPairWithoutPlaintext`: a pair for later. Its public key can be used at once; nobody has seen the
//! private one.

use bytes::Bytes;
use kms_api::error::KmsError;
use serde_json::{Value, json};

use super::generate_data_key_pair::{DataKeyPairRequest, PAIR_SPEC};
use super::shared::{aside, base64, context, stop_if_dry};
use crate::KmsSim;
use crate::authorize::action::GenerateDataKeyPairWithoutPlaintext;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, Shape, TOKENS, needed, optional};
use crate::model::key_state::Use;
use crate::operation::{Operation, json};

impl Operation for GenerateDataKeyPairWithoutPlaintext {
    const NAME: &'static str = "GenerateDataKeyPairWithoutPlaintext";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        optional("EncryptionContext", Shape::Texts),
        needed("KeyId", KEY_ID),
        needed("KeyPairSpec", PAIR_SPEC),
        optional("GrantTokens", TOKENS).secret(),
        optional("DryRun", Shape::Flag),
    ];
    type Request = DataKeyPairRequest;
    type Answer = Value;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: DataKeyPairRequest) -> Result<Value, KmsError> {
        let context = context(&request.encryption_context)?;
        let found = kms.find::<Self>(call, &request.key_id).await?;
        let asking = kms.ask::<Self>(call, &found).tokens(&request.grant_tokens);
        let asking = asking.context(&request.encryption_context);
        let key = asking.facts(|facts| request.add_facts(facts)).decide()?;
        key.check_seals_data_keys(Self::NAME)?;
        key.permit(Use::Cryptography)?;
        let spec = request.spec()?;
        stop_if_dry(request.dry_run)?;
        let (key, (sealed, public)) =
            aside(kms, key, move |hsm, key| hsm.generate_sealed_pair(key, &context, spec)).await?;
        let material = key.current()?.id;
        call.used(material);
        Ok(json!({
            "PrivateKeyCiphertextBlob": base64(&sealed),
            "PublicKey": base64(&public),
            "KeyId": key.arn,
            "KeyPairSpec": spec.name(),
            "KeyMaterialId": material.to_string(),
        }))
    }

    fn print(_kms: &KmsSim, answer: Value) -> Bytes {
        json(&answer)
    }
}
