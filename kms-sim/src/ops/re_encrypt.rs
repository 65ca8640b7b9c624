//! `ReEncrypt`: from one key or context to another, without the plaintext leaving KMS. Two permissions, one on each key.

use bytes::Bytes;
use kms_api::error::KmsError;
use kms_api::shapes::{Blob, ReEncryptRequest, ReEncryptResponse};

use super::shared::{check_algorithm, context, stop_if_dry};
use crate::KmsSim;
use crate::authorize::Authorized;
use crate::authorize::action::{ReEncryptFrom, ReEncryptTo};
use crate::call::Call;
use crate::constraints::{ALGORITHM, CIPHERTEXT, KEY_ID, Member, Shape, TOKENS, needed, optional};
use crate::model::backing_key::MaterialId;
use crate::model::key_state::Use;
use crate::operation::{Operation, json};
use crate::resolve::{Found, Source};

/// The operation; policies know it as two actions.
pub(crate) struct ReEncrypt;

impl Operation for ReEncrypt {
    const NAME: &'static str = "ReEncrypt";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        needed("CiphertextBlob", CIPHERTEXT).secret(),
        optional("SourceEncryptionContext", Shape::Texts),
        optional("SourceKeyId", KEY_ID),
        needed("DestinationKeyId", KEY_ID),
        optional("DestinationEncryptionContext", Shape::Texts),
        optional("SourceEncryptionAlgorithm", ALGORITHM),
        optional("DestinationEncryptionAlgorithm", ALGORITHM),
        optional("GrantTokens", TOKENS).secret(),
        optional("DryRun", Shape::Flag),
        optional("DryRunModifiers", Shape::Unserved),
    ];
    const DEFAULTS: &'static [(&'static str, &'static str)] =
        &[("sourceEncryptionAlgorithm", "SYMMETRIC_DEFAULT"), ("destinationEncryptionAlgorithm", "SYMMETRIC_DEFAULT")];
    type Request = ReEncryptRequest;
    type Answer = ReEncryptResponse;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: ReEncryptRequest) -> Result<ReEncryptResponse, KmsError> {
        let from = context(&request.source_encryption_context)?;
        let to = context(&request.destination_encryption_context)?;
        let blob = &request.ciphertext_blob.0;
        let source = kms.source::<ReEncryptFrom>(call, blob, request.source_key_id.as_deref()).await?;
        let target = kms.find::<ReEncryptTo>(call, &request.destination_key_id).await?;
        let (source_key, target_key) = authorize(kms, call, &request, &source, &target)?;
        source.check_key()?;
        source_key.permit(Use::Cryptography)?;
        target_key.permit(Use::Cryptography)?;
        check_algorithm(request.source_encryption_algorithm.as_deref())?;
        check_algorithm(request.destination_encryption_algorithm.as_deref())?;
        let target_material = target_key.current()?.id;
        let sealed = kms.hsm.re_encrypt((&source_key, &from), (&target_key, &to), &source.blob)?;
        stop_if_dry(request.dry_run)?;
        call.audit.additional(serde_json::json!({
            "sourceKeyMaterialId": source.material().to_string(),
            "destinationKeyMaterialId": target_material.to_string(),
        }));
        Ok(answer(sealed, &source, (&target_key, target_material)))
    }

    fn print(_kms: &KmsSim, answer: ReEncryptResponse) -> Bytes {
        json(&answer)
    }
}

fn authorize(
    kms: &KmsSim,
    call: &mut Call<'_>,
    request: &ReEncryptRequest,
    source: &Source,
    target: &Found,
) -> Result<(Authorized<ReEncryptFrom>, Authorized<ReEncryptTo>), KmsError> {
    let same = if source.found.key.address == target.key.address { "true" } else { "false" };
    let from = kms
        .ask::<ReEncryptFrom>(call, &source.found)
        .tokens(&request.grant_tokens)
        .phrase(source.phrase)
        .context(&request.source_encryption_context)
        .fact("kms:ReEncryptOnSameKey", same)
        .decide()?;
    let to = kms
        .ask::<ReEncryptTo>(call, target)
        .tokens(&request.grant_tokens)
        .context(&request.destination_encryption_context)
        .fact("kms:ReEncryptOnSameKey", same)
        .decide()?;
    Ok((from, to))
}

fn answer(
    sealed: Vec<u8>,
    source: &Source,
    (target, material): (&Authorized<ReEncryptTo>, MaterialId),
) -> ReEncryptResponse {
    ReEncryptResponse {
        ciphertext_blob: Blob(sealed),
        source_key_id: source.found.key.arn.clone(),
        key_id: target.arn.clone(),
        source_encryption_algorithm: "SYMMETRIC_DEFAULT".into(),
        destination_encryption_algorithm: "SYMMETRIC_DEFAULT".into(),
        source_key_material_id: Some(source.material().to_string()),
        destination_key_material_id: Some(material.to_string()),
    }
}
