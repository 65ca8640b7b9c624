//! `Decrypt`: a blob names its key material; the caller may name the key, and is then held to it. What was encrypted to
//! a key pair names nothing, and the caller must.

use bytes::Bytes;
use envelope::blob::Origin;
use envelope::secret::Secret;
use kms_api::error::KmsError;
use kms_api::shapes::DecryptRequest;
use serde_json::json;

use super::shared::{DEFAULT_ALGORITHM, WithPlaintext, algorithm, aside, cipher, context, hand_over, stop_if_dry};
use crate::KmsSim;
use crate::authorize::Authorized;
use crate::authorize::action::Decrypt;
use crate::call::Call;
use crate::constraints::{ALGORITHM, CIPHERTEXT, KEY_ID, Member, Shape, TOKENS, needed, optional};
use crate::hsm::boundary::{Cipher, Sealed};
use crate::model::backing_key::MaterialId;
use crate::model::key_state::Use;
use crate::model::purpose::KeyUsage;
use crate::operation::Operation;

/// What was sealed.
pub(crate) struct Opened {
    pub(crate) plaintext: Secret,
    pub(crate) key_arn: String,
    pub(crate) algorithm: String,
    /// Which generation sealed it; key pairs have none.
    pub(crate) material: Option<MaterialId>,
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
        let algorithm = algorithm(request.encryption_algorithm.as_deref());
        let sealed = (&*request.ciphertext_blob.0, algorithm);
        let source = kms.source::<Self>(call, sealed, request.key_id.as_deref()).await?;
        let asking = kms.ask::<Self>(call, &source.found).tokens(&request.grant_tokens).phrase(source.phrase);
        let asking = asking.context(&request.encryption_context).fact("kms:EncryptionAlgorithm", algorithm);
        let key = asking.decide()?;
        key.check_usage(KeyUsage::EncryptDecrypt, Self::NAME)?;
        source.check_key()?;
        key.permit(Use::Cryptography)?;
        let cipher = cipher(&key, algorithm, context)?;
        let material = source.material();
        let is_data_key = matches!(&source.sealed, Sealed::Blob(blob) if blob.origin == Origin::DataKey);
        let (key, plaintext) = open(kms, key, cipher, source.sealed).await?;
        stop_if_dry(request.dry_run)?;
        material.into_iter().for_each(|material| call.used(material));
        let (key_arn, algorithm) = (key.arn.clone(), algorithm.to_owned());
        let data_key_blob = is_data_key.then_some(request.ciphertext_blob.0);
        Ok(Opened { plaintext, key_arn, algorithm, material, data_key_blob })
    }

    fn print(kms: &KmsSim, answer: Opened) -> Bytes {
        if let Some(blob) = &answer.data_key_blob {
            hand_over(&kms.world, blob);
        }
        let mut rest = json!({"KeyId": answer.key_arn, "EncryptionAlgorithm": answer.algorithm});
        if let Some(material) = answer.material {
            rest["KeyMaterialId"] = json!(material.to_string());
        }
        WithPlaintext { plaintext: &answer.plaintext, rest }.print(0)
    }
}

/// A blob opens in microseconds; a private key takes longer, and others go on meanwhile.
async fn open(
    kms: &KmsSim,
    key: Authorized<Decrypt>,
    cipher: Cipher,
    sealed: Sealed,
) -> Result<(Authorized<Decrypt>, Secret), KmsError> {
    match &cipher {
        Cipher::Symmetric(_) => kms.hsm.decrypt(&key, &cipher, &sealed).map(|plaintext| (key, plaintext)),
        Cipher::Oaep(_) => aside(kms, key, move |hsm, key| hsm.decrypt(key, &cipher, &sealed)).await,
    }
}
