//! `Decrypt`: the blob names its key material; the caller may name the key, and is then held to it.

use bytes::Bytes;
use envelope::blob::Origin;
use envelope::secret::Secret;
use kms_api::error::KmsError;
use kms_api::shapes::DecryptRequest;
use serde_json::json;

use super::shared::{DEFAULT_ALGORITHM, WithPlaintext, check_algorithm, context, hand_over, stop_if_dry};
use crate::KmsSim;
use crate::authorize::action::Decrypt;
use crate::call::Call;
use crate::constraints::{ALGORITHM, CIPHERTEXT, KEY_ID, Member, Shape, TOKENS, needed, optional};
use crate::model::backing_key::MaterialId;
use crate::model::key_state::Use;
use crate::operation::Operation;

/// What a blob held.
pub(crate) struct Opened {
    pub(crate) plaintext: Secret,
    pub(crate) key_arn: String,
    pub(crate) material: MaterialId,
    /// The blob, when it holds a data key: then the ledger hears of it.
    data_key_blob: Option<Vec<u8>>,
}

impl Operation for Decrypt {
    const NAME: &'static str = "Decrypt";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        needed("CiphertextBlob", CIPHERTEXT).secret(),
        optional("EncryptionContext", Shape::Texts),
        optional("GrantTokens", TOKENS).secret(),
        optional("KeyId", KEY_ID),
        optional("EncryptionAlgorithm", ALGORITHM),
        optional("Recipient", Shape::Unserved),
        optional("DryRun", Shape::Flag),
        optional("DryRunModifiers", Shape::Unserved),
    ];
    const DEFAULTS: &'static [(&'static str, &'static str)] = &[DEFAULT_ALGORITHM];
    type Request = DecryptRequest;
    type Answer = Opened;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: DecryptRequest) -> Result<Opened, KmsError> {
        let context = context(&request.encryption_context)?;
        let source = kms.source::<Self>(call, &request.ciphertext_blob.0, request.key_id.as_deref()).await?;
        let asking = kms.ask::<Self>(call, &source.found).tokens(&request.grant_tokens).phrase(source.phrase);
        let key = asking.context(&request.encryption_context).decide()?;
        source.check_key()?;
        key.permit(Use::Cryptography)?;
        check_algorithm(request.encryption_algorithm.as_deref())?;
        let plaintext = kms.hsm.decrypt(&key, &source.blob, &context)?;
        stop_if_dry(request.dry_run)?;
        call.used(source.material());
        let data_key_blob = (source.blob.origin == Origin::DataKey).then_some(request.ciphertext_blob.0);
        Ok(Opened { plaintext, key_arn: key.arn.clone(), material: source.material(), data_key_blob })
    }

    fn print(kms: &KmsSim, answer: Opened) -> Bytes {
        if let Some(blob) = &answer.data_key_blob {
            hand_over(&kms.world, blob);
        }
        let rest = json!({
            "KeyId": answer.key_arn,
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
            "KeyMaterialId": answer.material.to_string(),
        });
        WithPlaintext { plaintext: &answer.plaintext, rest }.print(0)
    }
}
