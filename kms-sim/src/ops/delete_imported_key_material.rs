//! `DeleteImportedKeyMaterial`: the bytes go, the name stays; the same bytes can be imported again.

use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::KmsSim;
use crate::authorize::action::DeleteImportedKeyMaterial;
use crate::call::Call;
use crate::constraints::{KEY_ID, MATERIAL_ID, Member, needed, optional};
use crate::model::backing_key::MaterialId;
use crate::model::key::Key;
use crate::model::key_state::Use;
use crate::operation::{Operation, json};

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct DeleteImportedKeyMaterialRequest {
    key_id: String,
    key_material_id: Option<String>,
}

impl Operation for DeleteImportedKeyMaterial {
    const NAME: &'static str = "DeleteImportedKeyMaterial";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[needed("KeyId", KEY_ID), optional("KeyMaterialId", MATERIAL_ID)];
    type Request = DeleteImportedKeyMaterialRequest;
    type Answer = Value;

    async fn run(
        kms: &KmsSim,
        call: &mut Call<'_>,
        request: DeleteImportedKeyMaterialRequest,
    ) -> Result<Value, KmsError> {
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let key = kms.ask::<Self>(call, &found).decide()?;
        key.check_imported()?;
        let named = request.key_material_id.as_deref();
        let deleted = kms
            .change_shared(&key.address, |key| {
                key.permit(Use::LosingMaterial)?;
                let meant = meant(key, named)?;
                meant.into_iter().for_each(|material| key.lose(material));
                Ok(meant)
            })
            .await?;
        forget(kms, &key, deleted);
        let mut answer = json!({"KeyId": key.arn});
        let mut shown = json!({"keyId": key.arn});
        if let Some(material) = deleted {
            answer["KeyMaterialId"] = json!(material.to_string());
            shown["keyMaterialId"] = json!(material.to_string());
        }
        call.answered(shown);
        Ok(answer)
    }

    fn print(_kms: &KmsSim, answer: Value) -> Bytes {
        json(&answer)
    }
}

/// The material named, or the current one; a key without any has nothing to lose.
fn meant(key: &Key, named: Option<&str>) -> Result<Option<MaterialId>, KmsError> {
    let Some(named) = named else { return Ok(key.materials.last().map(|current| current.id)) };
    let found = key.all_materials().find(|material| material.id.to_string() == named);
    found.map(|material| Some(material.id)).ok_or_else(|| {
        KmsError::NotFound(format!("Key material '{named}' is not associated with the KMS key {}.", key.arn))
    })
}

fn forget(kms: &KmsSim, key: &Key, deleted: Option<MaterialId>) {
    let Some(material) = deleted else { return };
    kms.hsm.forget(material);
    if let Some(key) = kms.registry.key(&key.address) {
        kms.tell_absence(&key, true);
    }
}
