//! `Decrypt`: a blob names its key material; the caller may name the key, and is then held to it. What was encrypted to
//! a key pair names nothing, and the caller must.

use bytes::Bytes;
use envelope::blob::Origin;
use envelope::secret::Secret;
use kms_api::error::KmsError;
use kms_api::shapes::{Blob, ContextMap};
use serde::Deserialize;
use serde_json::json;

use super::shared::{
    DEFAULT_ALGORITHM, WithPlaintext, algorithm, aside, cipher, context, hand_over, ignores_ciphertext,
    named_without_blob, needed_blob, stop_if_dry,
};
use crate::KmsSim;
use crate::authorize::action::Decrypt;
use crate::authorize::{Authorized, Phrase};
use crate::call::Call;
use crate::constraints::{ALGORITHM, CIPHERTEXT, DRY_RUN_MODIFIERS, KEY_ID, Member, Shape, TOKENS, optional};
use crate::hsm::boundary::{Cipher, Sealed};
use crate::model::backing_key::MaterialId;
use crate::model::key_state::Use;
use crate::model::purpose::KeyUsage;
use crate::operation::Operation;
use crate::resolve::Found;

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

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Request {
    ciphertext_blob: Option<Blob>,
    encryption_context: ContextMap,
    grant_tokens: Vec<String>,
    key_id: Option<String>,
    encryption_algorithm: Option<String>,
    dry_run: Option<bool>,
    dry_run_modifiers: Vec<String>,
}

impl Operation for Decrypt {
    const NAME: &'static str = "Decrypt";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        optional("CiphertextBlob", CIPHERTEXT).secret(),
        optional("EncryptionContext", Shape::Texts),
        optional("GrantTokens", TOKENS).secret(),
        optional("KeyId", KEY_ID),
        optional("EncryptionAlgorithm", ALGORITHM),
        optional("Recipient", Shape::Unserved),
        optional("DryRun", Shape::Flag),
        optional("DryRunModifiers", DRY_RUN_MODIFIERS),
    ];
    const DEFAULTS: &'static [(&'static str, &'static str)] = &[DEFAULT_ALGORITHM];
    type Request = Request;
    type Answer = Opened;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: Request) -> Result<Opened, KmsError> {
        let context = context(&request.encryption_context)?;
        if ignores_ciphertext(&request.dry_run_modifiers, request.dry_run)? {
            return rehearse(kms, call, &request).await;
        }
        let blob = needed_blob(request.ciphertext_blob.as_ref())?;
        let algorithm = algorithm(request.encryption_algorithm.as_deref());
        let source = kms.source::<Self>(call, (blob, algorithm), request.key_id.as_deref()).await?;
        let key = authorize(kms, call, &request, (&source.found, source.phrase))?;
        source.check_key()?;
        key.permit(Use::Cryptography)?;
        let cipher = cipher(&key, algorithm, context)?;
        let material = source.material();
        let is_data_key = matches!(&source.sealed, Sealed::Blob(blob) if blob.origin == Origin::DataKey);
        let data_key_blob = is_data_key.then(|| blob.to_vec());
        let (key, plaintext) = open(kms, key, cipher, source.sealed).await?;
        stop_if_dry(request.dry_run)?;
        material.into_iter().for_each(|material| call.used(material));
        Ok(Opened { plaintext, key_arn: key.arn.clone(), algorithm: algorithm.to_owned(), material, data_key_blob })
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

fn authorize(
    kms: &KmsSim,
    call: &mut Call<'_>,
    request: &Request,
    (found, phrase): (&Found, Phrase),
) -> Result<Authorized<Decrypt>, KmsError> {
    let algorithm = algorithm(request.encryption_algorithm.as_deref());
    let asking = kms.ask::<Decrypt>(call, found).tokens(&request.grant_tokens).phrase(phrase);
    let key = asking.context(&request.encryption_context).fact("kms:EncryptionAlgorithm", algorithm).decide()?;
    key.check_usage(KeyUsage::EncryptDecrypt, Decrypt::NAME)?;
    Ok(key)
}

/// Would it be allowed? Without a ciphertext, which would name the key, the caller must.
async fn rehearse(kms: &KmsSim, call: &mut Call<'_>, request: &Request) -> Result<Opened, KmsError> {
    let found = kms.find::<Decrypt>(call, named_without_blob("KeyId", request.key_id.as_deref())?).await?;
    authorize(kms, call, request, (&found, Phrase::Arn))?.permit(Use::Cryptography)?;
    Err(KmsError::DryRunOperation)
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
