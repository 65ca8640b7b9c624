//! `GetParametersForImport`: a public key to wrap material with, and the token that opens it again for a day.

use aws_core::time::{SignedDuration, Timestamp, epoch_seconds};
use bytes::Bytes;
use envelope::asymmetric::KeyPairSpec;
use envelope::key_wrap::WrappingAlgorithm;
use kms_api::error::KmsError;
use serde::Deserialize;
use serde_json::{Value, json};

use super::shared::base64;
use crate::KmsSim;
use crate::authorize::Authorized;
use crate::authorize::action::GetParametersForImport;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, Shape, needed};
use crate::hsm::boundary::import::{Parameters, Terms};
use crate::model::key_state::Use;
use crate::operation::{Operation, json};

const ALGORITHMS: Shape = Shape::Word(&[
    "RSAES_PKCS1_V1_5",
    "RSAES_OAEP_SHA_1",
    "RSAES_OAEP_SHA_256",
    "RSA_AES_KEY_WRAP_SHA_1",
    "RSA_AES_KEY_WRAP_SHA_256",
    "SM2PKE",
]);
const WRAPPING_SPECS: Shape = Shape::Word(&["RSA_2048", "RSA_3072", "RSA_4096", "SM2"]);

/// How long key and token serve.
const VALID: SignedDuration = SignedDuration::from_hours(24);

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct GetParametersForImportRequest {
    key_id: String,
    wrapping_algorithm: String,
    wrapping_key_spec: String,
}

impl Operation for GetParametersForImport {
    const NAME: &'static str = "GetParametersForImport";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] =
        &[needed("KeyId", KEY_ID), needed("WrappingAlgorithm", ALGORITHMS), needed("WrappingKeySpec", WRAPPING_SPECS)];
    type Request = GetParametersForImportRequest;
    type Answer = Value;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: GetParametersForImportRequest) -> Result<Value, KmsError> {
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let asking = kms.ask::<Self>(call, &found).fact("kms:WrappingAlgorithm", &request.wrapping_algorithm);
        let key = asking.fact("kms:WrappingKeySpec", &request.wrapping_key_spec).decide()?;
        key.check_imported()?;
        key.permit(Use::Import)?;
        let valid_to = kms.world.now().saturating_add(VALID).unwrap_or(Timestamp::MAX);
        let (arn, terms) = (key.arn.clone(), terms(&request, key.purpose.spec.name(), valid_to)?);
        let made = make(kms, key, terms).await?;
        Ok(json!({
            "KeyId": arn,
            "ImportToken": base64(&made.token),
            "PublicKey": base64(&made.public_key),
            "ParametersValidTo": epoch_seconds(valid_to),
        }))
    }

    fn print(_kms: &KmsSim, answer: Value) -> Bytes {
        json(&answer)
    }
}

/// An RSA key takes its time to make; nobody else waits for it.
async fn make(kms: &KmsSim, key: Authorized<GetParametersForImport>, terms: Terms) -> Result<Parameters, KmsError> {
    let kms = kms.handle();
    let making = tokio::task::spawn_blocking(move || kms.hsm.wrapping_key(&key, terms));
    making.await.unwrap_or_else(|_| Err(KmsError::KmsInternal("The wrapping key could not be made.".into())))
}

fn terms(request: &GetParametersForImportRequest, key_spec: &str, valid_to: Timestamp) -> Result<Terms, KmsError> {
    let (how, spec) = (&request.wrapping_algorithm, &request.wrapping_key_spec);
    // What is refused here without a name of ours: PKCS #1 v1.5, given up in 2023, and SM2, which is for China.
    let named = how.parse().ok().zip(spec.parse().ok());
    let fitting = named.filter(|(how, spec)| fits(key_spec, *how, *spec));
    fitting.map(|(how, spec)| Terms { how, spec, valid_to }).ok_or_else(|| {
        KmsError::Validation(format!(
            "Wrapping algorithm {how} and wrapping key spec {spec} cannot be used to import a {key_spec} key."
        ))
    })
}

/// Which material travels how: RSA private keys are too long for OAEP alone, and so is P-521 under the shortest key.
fn fits(key_spec: &str, how: WrappingAlgorithm, wrapping: KeyPairSpec) -> bool {
    let through_aes = matches!(how, WrappingAlgorithm::RsaAesKeyWrap(_));
    match key_spec {
        rsa if rsa.starts_with("RSA_") => through_aes,
        "ECC_NIST_P521" => through_aes || wrapping != KeyPairSpec::Rsa2048,
        other if other.starts_with("ECC_") || other.starts_with("ML_") => true,
        _ => !through_aes,
    }
}
