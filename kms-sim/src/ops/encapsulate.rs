//! `Encapsulate`: a new secret, and its form for the holder of the private key (ML-KEM).

use bytes::Bytes;
use envelope::asymmetric::Encapsulated;
use kms_api::error::KmsError;
use serde::Deserialize;

use super::shared::{WithSecret, base64, members, stop_if_dry};
use crate::KmsSim;
use crate::authorize::action::Encapsulate;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, Shape, TOKENS, needed, optional};
use crate::model::key_state::Use;
use crate::model::purpose::KeyUsage;
use crate::operation::Operation;

pub(crate) const ENCAPSULATION_ALGORITHM: Shape = Shape::Word(&["ML_KEM"]);

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct EncapsulateRequest {
    key_id: String,
    encapsulation_algorithm: String,
    grant_tokens: Vec<String>,
    dry_run: Option<bool>,
}

/// The secret in both forms.
pub(crate) struct Answer {
    encapsulated: Encapsulated,
    key_arn: String,
    algorithm: String,
}

impl Operation for Encapsulate {
    const NAME: &'static str = "Encapsulate";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        needed("KeyId", KEY_ID),
        needed("EncapsulationAlgorithm", ENCAPSULATION_ALGORITHM),
        optional("GrantTokens", TOKENS).secret(),
        optional("DryRun", Shape::Flag),
    ];
    type Request = EncapsulateRequest;
    type Answer = Answer;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: EncapsulateRequest) -> Result<Answer, KmsError> {
        let found = kms.find::<Self>(call, &request.key_id).await?;
        let key = kms.ask::<Self>(call, &found).tokens(&request.grant_tokens).decide()?;
        key.check_usage(KeyUsage::EncapsulateDecapsulate, Self::NAME)?;
        key.permit(Use::Cryptography)?;
        stop_if_dry(request.dry_run)?;
        let encapsulated = kms.hsm.encapsulate(&key)?;
        Ok(Answer { encapsulated, key_arn: key.arn.clone(), algorithm: request.encapsulation_algorithm })
    }

    fn print(_kms: &KmsSim, answer: Answer) -> Bytes {
        let Encapsulated { shared_secret, ciphertext } = &answer.encapsulated;
        let rest = members([
            ("KeyId", answer.key_arn),
            ("SharedSecretCiphertextBlob", base64(ciphertext)),
            ("EncapsulationAlgorithm", answer.algorithm),
        ]);
        WithSecret { name: "SharedSecret", secret: shared_secret, rest }.print()
    }
}
