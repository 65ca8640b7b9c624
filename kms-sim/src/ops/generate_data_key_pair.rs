//! `GenerateDataKeyPair`: a pair to use outside of KMS, its private key in plaintext for now and sealed for later.

use aws_core::policy::condition::Facts;
use bytes::Bytes;
use envelope::asymmetric::KeyPairSpec;
use kms_api::error::KmsError;
use kms_api::shapes::ContextMap;
use serde::Deserialize;

use super::shared::{WithSecret, aside, base64, context, hand_over, members, stop_if_dry};
use crate::KmsSim;
use crate::authorize::action::GenerateDataKeyPair;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, Shape, TOKENS, needed, optional};
use crate::hsm::boundary::asymmetric::DataKeyPair;
use crate::model::backing_key::MaterialId;
use crate::model::key_state::Use;
use crate::operation::Operation;

pub(crate) const PAIR_SPEC: Shape = Shape::Word(&[
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "ECC_NIST_P256",
    "ECC_NIST_P384",
    "ECC_NIST_P521",
    "ECC_SECG_P256K1",
    "SM2",
    "ECC_NIST_EDWARDS25519",
    "ML_KEM_512",
    "ML_KEM_768",
    "ML_KEM_1024",
]);

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DataKeyPairRequest {
    pub(crate) encryption_context: ContextMap,
    pub(crate) key_id: String,
    pub(crate) key_pair_spec: String,
    pub(crate) grant_tokens: Vec<String>,
    pub(crate) dry_run: Option<bool>,
}

impl DataKeyPairRequest {
    /// SM2 is for China.
    pub(crate) fn spec(&self) -> Result<KeyPairSpec, KmsError> {
        let spec = self.key_pair_spec.parse();
        spec.map_err(|_| {
            KmsError::UnsupportedOperation(Some(format!(
                "KeyPairSpec {} is not supported in this Region.",
                self.key_pair_spec
            )))
        })
    }

    /// What policies may ask about.
    pub(crate) fn add_facts(&self, facts: &mut Facts) {
        facts.set("kms:DataKeyPairSpec", &self.key_pair_spec);
    }
}

/// A new pair, and what sealed it.
pub(crate) struct Answer {
    pair: DataKeyPair,
    spec: KeyPairSpec,
    key_arn: String,
    material: MaterialId,
}

impl Operation for GenerateDataKeyPair {
    const NAME: &'static str = "GenerateDataKeyPair";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        optional("EncryptionContext", Shape::Texts),
        needed("KeyId", KEY_ID),
        needed("KeyPairSpec", PAIR_SPEC),
        optional("GrantTokens", TOKENS).secret(),
        optional("Recipient", Shape::Unserved),
        optional("DryRun", Shape::Flag),
    ];
    type Request = DataKeyPairRequest;
    type Answer = Answer;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: DataKeyPairRequest) -> Result<Answer, KmsError> {
        let context = context(&request.encryption_context)?;
        let found = kms.find::<Self>(call, &request.key_id).await?;
        let asking = kms.ask::<Self>(call, &found).tokens(&request.grant_tokens);
        let asking = asking.context(&request.encryption_context);
        let key = asking.facts(|facts| request.add_facts(facts)).decide()?;
        key.check_seals_data_keys(Self::NAME)?;
        key.permit(Use::Cryptography)?;
        let spec = request.spec()?;
        stop_if_dry(request.dry_run)?;
        let (key, pair) = aside(kms, key, move |hsm, key| hsm.generate_pair(key, &context, spec)).await?;
        let material = key.current()?.id;
        call.used(material);
        Ok(Answer { pair, spec, key_arn: key.arn.clone(), material })
    }

    fn print(kms: &KmsSim, answer: Answer) -> Bytes {
        hand_over(&kms.world, &answer.pair.sealed);
        let rest = members([
            ("PrivateKeyCiphertextBlob", base64(&answer.pair.sealed)),
            ("PublicKey", base64(&answer.pair.public)),
            ("KeyId", answer.key_arn),
            ("KeyPairSpec", answer.spec.name().into()),
            ("KeyMaterialId", answer.material.to_string()),
        ]);
        WithSecret { name: "PrivateKeyPlaintext", secret: &answer.pair.private, rest }.print()
    }
}
