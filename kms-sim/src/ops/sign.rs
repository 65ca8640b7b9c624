//! `Sign`: with the private key of a pair, which stays inside. What is signed is a message or its digest.

use bytes::Bytes;
use envelope::asymmetric::{AsymmetricError, Message, SigningAlgorithm};
use kms_api::error::KmsError;
use kms_api::shapes::Blob;
use serde::Deserialize;
use serde_json::{Value, json};

use super::shared::{aside, base64, stop_if_dry};
use crate::KmsSim;
use crate::authorize::action::Sign;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, PLAINTEXT, Shape, TOKENS, needed, optional};
use crate::model::key::Key;
use crate::model::key_state::Use;
use crate::model::purpose::{KeySpec, KeyUsage};
use crate::operation::{Operation, json};

pub(crate) const SIGNING_ALGORITHM: Shape = Shape::Word(&[
    "RSASSA_PSS_SHA_256",
    "RSASSA_PSS_SHA_384",
    "RSASSA_PSS_SHA_512",
    "RSASSA_PKCS1_V1_5_SHA_256",
    "RSASSA_PKCS1_V1_5_SHA_384",
    "RSASSA_PKCS1_V1_5_SHA_512",
    "ECDSA_SHA_256",
    "ECDSA_SHA_384",
    "ECDSA_SHA_512",
    "SM2DSA",
    "ML_DSA_SHAKE_256",
    "ED25519_SHA_512",
    "ED25519_PH_SHA_512",
]);
pub(crate) const MESSAGE_TYPE: Shape = Shape::Word(&["RAW", "DIGEST", "EXTERNAL_MU"]);
pub(crate) const DEFAULT_MESSAGE_TYPE: (&str, &str) = ("messageType", "RAW");

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct SignRequest {
    key_id: String,
    message: Blob,
    message_type: Option<String>,
    signing_algorithm: String,
    grant_tokens: Vec<String>,
    dry_run: Option<bool>,
}

impl Operation for Sign {
    const NAME: &'static str = "Sign";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        needed("KeyId", KEY_ID),
        needed("Message", PLAINTEXT).secret(),
        optional("MessageType", MESSAGE_TYPE),
        needed("SigningAlgorithm", SIGNING_ALGORITHM),
        optional("GrantTokens", TOKENS).secret(),
        optional("DryRun", Shape::Flag),
    ];
    const DEFAULTS: &'static [(&'static str, &'static str)] = &[DEFAULT_MESSAGE_TYPE];
    type Request = SignRequest;
    type Answer = Value;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: SignRequest) -> Result<Value, KmsError> {
        let found = kms.find::<Self>(call, &request.key_id).await?;
        let kind = message_type(request.message_type.as_deref());
        let asking = kms.ask::<Self>(call, &found).tokens(&request.grant_tokens);
        let asking = asking.fact("kms:SigningAlgorithm", &request.signing_algorithm).fact("kms:MessageType", kind);
        let key = asking.decide()?;
        key.check_usage(KeyUsage::SignVerify, Self::NAME)?;
        key.permit(Use::Cryptography)?;
        let algorithm = signing_algorithm(&key, &request.signing_algorithm)?;
        check_message(algorithm, kind, &request.message.0)?;
        stop_if_dry(request.dry_run)?;
        let (kind, bytes) = (kind.to_owned(), request.message.0);
        let (key, signature) =
            aside(kms, key, move |hsm, key| hsm.sign(key, algorithm, message(&kind, &bytes))).await?;
        Ok(json!({
            "KeyId": key.arn,
            "Signature": base64(&signature),
            "SigningAlgorithm": algorithm.name(),
        }))
    }

    fn print(_kms: &KmsSim, answer: Value) -> Bytes {
        json(&answer)
    }
}

/// What a message is taken for.
pub(crate) fn message_type(named: Option<&str>) -> &str {
    named.unwrap_or(DEFAULT_MESSAGE_TYPE.1)
}

/// The bytes, as what they are said to be.
pub(crate) fn message<'a>(kind: &str, bytes: &'a [u8]) -> Message<'a> {
    match kind {
        "DIGEST" => Message::Digest(bytes),
        "EXTERNAL_MU" => Message::ExternalMu(bytes),
        _ => Message::Raw(bytes),
    }
}

/// The algorithm, if it is one of this key's.
pub(crate) fn signing_algorithm(key: &Key, name: &str) -> Result<SigningAlgorithm, KmsError> {
    let KeySpec::Pair(spec) = key.purpose.spec else { return Err(key.purpose.incompatible(name)) };
    let algorithm = name.parse::<SigningAlgorithm>().ok().filter(|algorithm| algorithm.fits(spec));
    algorithm.ok_or_else(|| key.purpose.incompatible(name))
}

/// The algorithm takes messages of some types, and digests of one length.
pub(crate) fn check_message(algorithm: SigningAlgorithm, kind: &str, bytes: &[u8]) -> Result<(), KmsError> {
    let complaint = match algorithm.takes(message(kind, bytes)) {
        Ok(()) => return Ok(()),
        Err(AsymmetricError::DigestLength) => format!("Digest is invalid length for algorithm {algorithm}."),
        Err(_) => format!("Message type {kind} is incompatible with algorithm {algorithm}."),
    };
    Err(KmsError::Validation(complaint))
}
