//! `ReEncrypt`: from one key or context to another, without the plaintext leaving KMS. Two permissions, one on each key.

use bytes::Bytes;
use kms_api::error::KmsError;
use kms_api::shapes::{Blob, ContextMap, ReEncryptResponse};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::shared::{
    algorithm, aside, cipher, context, ignores_ciphertext, named_without_blob, needed_blob, stop_if_dry,
};
use crate::KmsSim;
use crate::authorize::action::{ReEncryptFrom, ReEncryptTo};
use crate::authorize::{Authorized, Phrase};
use crate::call::Call;
use crate::constraints::{ALGORITHM, CIPHERTEXT, DRY_RUN_MODIFIERS, KEY_ID, Member, Shape, TOKENS, needed, optional};
use crate::hsm::boundary::{Boundary, Cipher, Sealed};
use crate::model::key_state::Use;
use crate::model::purpose::KeyUsage;
use crate::operation::{Operation, json};
use crate::resolve::Found;

/// The operation; policies know it as two actions.
pub(crate) struct ReEncrypt;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Request {
    ciphertext_blob: Option<Blob>,
    source_encryption_context: ContextMap,
    source_key_id: Option<String>,
    destination_key_id: String,
    destination_encryption_context: ContextMap,
    source_encryption_algorithm: Option<String>,
    destination_encryption_algorithm: Option<String>,
    grant_tokens: Vec<String>,
    dry_run: Option<bool>,
    dry_run_modifiers: Vec<String>,
}

impl Operation for ReEncrypt {
    const NAME: &'static str = "ReEncrypt";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        optional("CiphertextBlob", CIPHERTEXT).secret(),
        optional("SourceEncryptionContext", Shape::Texts),
        optional("SourceKeyId", KEY_ID),
        needed("DestinationKeyId", KEY_ID),
        optional("DestinationEncryptionContext", Shape::Texts),
        optional("SourceEncryptionAlgorithm", ALGORITHM),
        optional("DestinationEncryptionAlgorithm", ALGORITHM),
        optional("GrantTokens", TOKENS).secret(),
        optional("DryRun", Shape::Flag),
        optional("DryRunModifiers", DRY_RUN_MODIFIERS),
    ];
    const DEFAULTS: &'static [(&'static str, &'static str)] =
        &[("sourceEncryptionAlgorithm", "SYMMETRIC_DEFAULT"), ("destinationEncryptionAlgorithm", "SYMMETRIC_DEFAULT")];
    type Request = Request;
    type Answer = ReEncryptResponse;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: Request) -> Result<ReEncryptResponse, KmsError> {
        let from = context(&request.source_encryption_context)?;
        let to = context(&request.destination_encryption_context)?;
        if ignores_ciphertext(&request.dry_run_modifiers, request.dry_run)? {
            return rehearse(kms, call, &request).await;
        }
        let source_algorithm = algorithm(request.source_encryption_algorithm.as_deref());
        let target_algorithm = algorithm(request.destination_encryption_algorithm.as_deref());
        let sealed = (needed_blob(request.ciphertext_blob.as_ref())?, source_algorithm);
        let source = kms.source::<ReEncryptFrom>(call, sealed, request.source_key_id.as_deref()).await?;
        let target = kms.find::<ReEncryptTo>(call, &request.destination_key_id).await?;
        let (source_key, target_key) = authorize(kms, call, &request, (&source.found, source.phrase), &target)?;
        source.check_key()?;
        source_key.permit(Use::Cryptography)?;
        target_key.permit(Use::Cryptography)?;
        let from = cipher(&source_key, source_algorithm, from)?;
        let to = cipher(&target_key, target_algorithm, to)?;
        let materials = [source.material(), target_key.current_generation()].map(|id| id.map(|id| id.to_string()));
        let ((source_key, target_key), sealed) =
            move_over(kms, (source_key, target_key), (from, to), source.sealed).await?;
        stop_if_dry(request.dry_run)?;
        let [source_key_material_id, destination_key_material_id] = materials;
        note_materials(call, source_key_material_id.as_deref(), destination_key_material_id.as_deref());
        Ok(ReEncryptResponse {
            ciphertext_blob: Blob(sealed),
            source_key_id: source_key.arn.clone(),
            key_id: target_key.arn.clone(),
            source_encryption_algorithm: source_algorithm.into(),
            destination_encryption_algorithm: target_algorithm.into(),
            source_key_material_id,
            destination_key_material_id,
        })
    }

    fn print(_kms: &KmsSim, answer: ReEncryptResponse) -> Bytes {
        json(&answer)
    }
}

fn authorize(
    kms: &KmsSim,
    call: &mut Call<'_>,
    request: &Request,
    (source, phrase): (&Found, Phrase),
    target: &Found,
) -> Result<(Authorized<ReEncryptFrom>, Authorized<ReEncryptTo>), KmsError> {
    let same = if source.key.address == target.key.address { "true" } else { "false" };
    let from = kms
        .ask::<ReEncryptFrom>(call, source)
        .tokens(&request.grant_tokens)
        .phrase(phrase)
        .context(&request.source_encryption_context)
        .fact("kms:EncryptionAlgorithm", algorithm(request.source_encryption_algorithm.as_deref()))
        .fact("kms:ReEncryptOnSameKey", same)
        .decide()?;
    let to = kms
        .ask::<ReEncryptTo>(call, target)
        .tokens(&request.grant_tokens)
        .context(&request.destination_encryption_context)
        .fact("kms:EncryptionAlgorithm", algorithm(request.destination_encryption_algorithm.as_deref()))
        .fact("kms:ReEncryptOnSameKey", same)
        .decide()?;
    from.check_usage(KeyUsage::EncryptDecrypt, ReEncrypt::NAME)?;
    to.check_usage(KeyUsage::EncryptDecrypt, ReEncrypt::NAME)?;
    Ok((from, to))
}

/// Would it be allowed? Without a ciphertext, which would name the source key, the caller must.
async fn rehearse(kms: &KmsSim, call: &mut Call<'_>, request: &Request) -> Result<ReEncryptResponse, KmsError> {
    let named = named_without_blob("SourceKeyId", request.source_key_id.as_deref())?;
    let source = kms.find::<ReEncryptFrom>(call, named).await?;
    let target = kms.find::<ReEncryptTo>(call, &request.destination_key_id).await?;
    let (from, to) = authorize(kms, call, request, (&source, Phrase::Arn), &target)?;
    from.permit(Use::Cryptography)?;
    to.permit(Use::Cryptography)?;
    Err(KmsError::DryRunOperation)
}

/// Proofs of both permissions.
type Proofs = (Authorized<ReEncryptFrom>, Authorized<ReEncryptTo>);

/// Blobs move in microseconds; where a key pair has a part in it, others go on meanwhile.
async fn move_over(
    kms: &KmsSim,
    keys: Proofs,
    (from, to): (Cipher, Cipher),
    sealed: Sealed,
) -> Result<(Proofs, Vec<u8>), KmsError> {
    let is_quick = matches!((&from, &to), (Cipher::Symmetric(_), Cipher::Symmetric(_)));
    let work = move |hsm: &Boundary, keys: &Proofs| hsm.re_encrypt((&keys.0, &from), (&keys.1, &to), &sealed);
    match is_quick {
        true => work(&kms.hsm, &keys).map(|sealed| (keys, sealed)),
        false => aside(kms, keys, work).await,
    }
}

/// Key pairs have no generations, and leave nothing to note.
fn note_materials(call: &mut Call<'_>, source: Option<&str>, target: Option<&str>) {
    let named = [("sourceKeyMaterialId", source), ("destinationKeyMaterialId", target)];
    let known: Map<String, Value> =
        named.into_iter().filter_map(|(name, id)| Some((name.to_owned(), Value::from(id?)))).collect();
    if !known.is_empty() {
        call.audit.additional(Value::Object(known));
    }
}
