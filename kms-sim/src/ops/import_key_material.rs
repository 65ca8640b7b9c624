//! `ImportKeyMaterial`: the first material of a key, the same again, or new material for the next rotation on demand.

use aws_core::time::{SignedDuration, Timestamp, iso_seconds};
use bytes::Bytes;
use kms_api::error::KmsError;
use kms_api::shapes::Blob;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::KmsSim;
use crate::authorize::Authorized;
use crate::authorize::action::ImportKeyMaterial;
use crate::call::Call;
use crate::constraints::{CIPHERTEXT, KEY_ID, MATERIAL_DESCRIPTION, MATERIAL_ID, Member, Shape, needed, optional};
use crate::model::backing_key::BackingKey;
use crate::model::import::{ImportType, accept};
use crate::model::key::expiration_model;
use crate::model::key_state::Use;
use crate::operation::{Operation, json};

const LONGEST: SignedDuration = SignedDuration::from_hours(365 * 24);

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ImportKeyMaterialRequest {
    key_id: String,
    import_token: Blob,
    encrypted_key_material: Blob,
    valid_to: Option<f64>,
    expiration_model: Option<String>,
    import_type: Option<String>,
    key_material_description: Option<String>,
    key_material_id: Option<String>,
}

impl Operation for ImportKeyMaterial {
    const NAME: &'static str = "ImportKeyMaterial";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[
        needed("KeyId", KEY_ID),
        needed("ImportToken", CIPHERTEXT).secret(),
        needed("EncryptedKeyMaterial", CIPHERTEXT).secret(),
        optional("ValidTo", Shape::Moment),
        optional("ExpirationModel", Shape::Word(&["KEY_MATERIAL_EXPIRES", "KEY_MATERIAL_DOES_NOT_EXPIRE"])),
        optional("ImportType", Shape::Word(&["NEW_KEY_MATERIAL", "EXISTING_KEY_MATERIAL"])),
        optional("KeyMaterialDescription", MATERIAL_DESCRIPTION),
        optional("KeyMaterialId", MATERIAL_ID),
    ];
    type Request = ImportKeyMaterialRequest;
    type Answer = Value;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: ImportKeyMaterialRequest) -> Result<Value, KmsError> {
        let now = kms.world.now();
        let valid_to = valid_to(&request, now)?;
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let asking = kms.ask::<Self>(call, &found).fact("kms:ExpirationModel", expiration_model(valid_to));
        let facts = |facts: &mut aws_core::policy::condition::Facts| {
            if let Some(valid_to) = valid_to {
                facts.set("kms:ValidTo", iso_seconds(valid_to));
            }
        };
        let key = asking.facts(facts).decide()?;
        key.check_imported()?;
        key.permit(Use::Import)?;
        let material = open(kms, &key, &request, valid_to)?;
        let (id, wanted) = (material.id, request.key_material_id.as_deref());
        let kind = request.import_type.as_deref().and_then(ImportType::parse);
        kms.change_shared(&key.address, |key| {
            key.permit(Use::Import)?;
            accept(key, material, kind, wanted)
        })
        .await?;
        if let Some(key) = kms.registry.key(&key.address) {
            kms.announce(&key);
        }
        call.answered(json!({"keyId": key.arn, "keyMaterialId": id.to_string()}));
        Ok(json!({"KeyId": key.arn, "KeyMaterialId": id.to_string()}))
    }

    fn print(_kms: &KmsSim, answer: Value) -> Bytes {
        json(&answer)
    }
}

fn open(
    kms: &KmsSim,
    key: &Authorized<ImportKeyMaterial>,
    request: &ImportKeyMaterialRequest,
    valid_to: Option<Timestamp>,
) -> Result<BackingKey, KmsError> {
    let (token, wrapped) = (&request.import_token.0, &request.encrypted_key_material.0);
    let material = kms.hsm.import(key, token, wrapped, kms.world.now())?;
    Ok(BackingKey { valid_to, description: request.key_material_description.clone(), ..material })
}

/// When the material is to expire. Material expires unless it is said that it does not.
fn valid_to(request: &ImportKeyMaterialRequest, now: Timestamp) -> Result<Option<Timestamp>, KmsError> {
    let expires = request.expiration_model.as_deref() != Some("KEY_MATERIAL_DOES_NOT_EXPIRE");
    let refuse = |text: &str| Err(KmsError::Validation(text.into()));
    match (expires, request.valid_to) {
        (true, None) => refuse("A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES"),
        (false, Some(_)) => {
            refuse("A validTo date cannot be set if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE")
        }
        (false, None) => Ok(None),
        (true, Some(seconds)) => match moment(seconds) {
            Some(date) if date <= now => refuse("ValidTo must be in the future"),
            Some(date) if date.duration_since(now) <= LONGEST => Ok(Some(date)),
            Some(_) | None => refuse("ValidTo must be less than 365 days in the future"),
        },
    }
}

/// Seconds since 1970 to the millisecond, as timestamps travel.
fn moment(seconds: f64) -> Option<Timestamp> {
    // A float beyond the integers saturates, and is no date either.
    Timestamp::from_millisecond((seconds * 1000.0).round() as i64).ok()
}
