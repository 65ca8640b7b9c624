//! `DeriveSharedSecret`: what the private key inside and a peer's public key have in common, by ECDH. Raw: a key
//! should be derived from it before anything is encrypted.

use bytes::Bytes;
use envelope::secret::Secret;
use kms_api::error::KmsError;
use kms_api::shapes::Blob;
use serde::Deserialize;

use super::shared::{WithSecret, members, stop_if_dry};
use crate::KmsSim;
use crate::authorize::action::DeriveSharedSecret;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, PUBLIC_KEY, Shape, TOKENS, needed, optional};
use crate::model::key_state::Use;
use crate::model::purpose::KeyUsage;
use crate::operation::Operation;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DeriveSharedSecretRequest {
    key_id: String,
    key_agreement_algorithm: String,
    public_key: Blob,
    grant_tokens: Vec<String>,
    dry_run: Option<bool>,
}

/// A secret, between whom, and how.
pub(crate) struct Shared {
    secret: Secret,
    key_arn: String,
    algorithm: String,
    origin: &'static str,
}

impl Operation for DeriveSharedSecret {
    const NAME: &'static str = "DeriveSharedSecret";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        needed("KeyId", KEY_ID),
        needed("KeyAgreementAlgorithm", Shape::Word(&["ECDH"])),
        needed("PublicKey", PUBLIC_KEY),
        optional("GrantTokens", TOKENS).secret(),
        optional("DryRun", Shape::Flag),
        optional("Recipient", Shape::Unserved),
    ];
    type Request = DeriveSharedSecretRequest;
    type Answer = Shared;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: DeriveSharedSecretRequest) -> Result<Shared, KmsError> {
        let found = kms.find::<Self>(call, &request.key_id).await?;
        let asking = kms.ask::<Self>(call, &found).tokens(&request.grant_tokens);
        let key = asking.fact("kms:KeyAgreementAlgorithm", &request.key_agreement_algorithm).decide()?;
        key.check_usage(KeyUsage::KeyAgreement, Self::NAME)?;
        key.permit(Use::Cryptography)?;
        let secret = kms.hsm.agree(&key, &request.public_key.0)?;
        stop_if_dry(request.dry_run)?;
        let (key_arn, origin) = (key.arn.clone(), key.origin.name());
        Ok(Shared { secret, key_arn, algorithm: request.key_agreement_algorithm, origin })
    }

    fn print(_kms: &KmsSim, answer: Shared) -> Bytes {
        let rest = members([
            ("KeyId", answer.key_arn),
            ("KeyAgreementAlgorithm", answer.algorithm),
            ("KeyOrigin", answer.origin.into()),
        ]);
        WithSecret { name: "SharedSecret", secret: &answer.secret, rest }.print()
    }
}
