//! `Decapsulate`: the secret in what was encapsulated to the key. What was altered, or meant for another key, gives
//! a secret that nobody has; only a wrong length is an exception.

use bytes::Bytes;
use envelope::secret::Secret;
use kms_api::error::KmsError;
use kms_api::shapes::Blob;
use serde::Deserialize;

use super::encapsulate::ENCAPSULATION_ALGORITHM;
use super::shared::{WithSecret, members, stop_if_dry};
use crate::KmsSim;
use crate::authorize::action::Decapsulate;
use crate::call::Call;
use crate::constraints::{CIPHERTEXT, KEY_ID, Member, Shape, TOKENS, needed, optional};
use crate::model::key_state::Use;
use crate::model::purpose::KeyUsage;
use crate::operation::Operation;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DecapsulateRequest {
    key_id: String,
    shared_secret_ciphertext_blob: Blob,
    encapsulation_algorithm: String,
    grant_tokens: Vec<String>,
    dry_run: Option<bool>,
}

/// The secret, by which key and how.
pub(crate) struct Answer {
    secret: Secret,
    key_arn: String,
    algorithm: String,
}

impl Operation for Decapsulate {
    const NAME: &'static str = "Decapsulate";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        needed("KeyId", KEY_ID),
        needed("SharedSecretCiphertextBlob", CIPHERTEXT).secret(),
        needed("EncapsulationAlgorithm", ENCAPSULATION_ALGORITHM),
        optional("GrantTokens", TOKENS).secret(),
        optional("DryRun", Shape::Flag),
    ];
    type Request = DecapsulateRequest;
    type Answer = Answer;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: DecapsulateRequest) -> Result<Answer, KmsError> {
        let found = kms.find::<Self>(call, &request.key_id).await?;
        let key = kms.ask::<Self>(call, &found).tokens(&request.grant_tokens).decide()?;
        key.check_usage(KeyUsage::EncapsulateDecapsulate, Self::NAME)?;
        key.permit(Use::Cryptography)?;
        let secret = kms.hsm.decapsulate(&key, &request.shared_secret_ciphertext_blob.0)?;
        stop_if_dry(request.dry_run)?;
        Ok(Answer { secret, key_arn: key.arn.clone(), algorithm: request.encapsulation_algorithm })
    }

    fn print(_kms: &KmsSim, answer: Answer) -> Bytes {
        let rest = members([("KeyId", answer.key_arn), ("EncapsulationAlgorithm", answer.algorithm)]);
        WithSecret { name: "SharedSecret", secret: &answer.secret, rest }.print()
    }
}
