//! `ListKeyRotations`: the generations of key material. The first one was no rotation and is shown only on demand.

use aws_core::time::epoch_seconds;
use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::KmsSim;
use crate::authorize::action::ListKeyRotations;
use crate::call::Call;
use crate::constraints::{KEY_ID, MARKER, Member, Shape, needed, optional};
use crate::model::backing_key::BackingKey;
use crate::model::key::{Key, KeyOrigin, expiration_model};
use crate::operation::{Operation, json};
use crate::page::{List, Paging};

const LIST: List = List { member: "Rotations", default_limit: 100 };

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ListKeyRotationsRequest {
    key_id: String,
    include_key_material: Option<String>,
    #[serde(flatten)]
    paging: Paging,
}

impl Operation for ListKeyRotations {
    const NAME: &'static str = "ListKeyRotations";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[
        needed("KeyId", KEY_ID),
        optional("IncludeKeyMaterial", Shape::Word(&["ALL_KEY_MATERIAL", "ROTATIONS_ONLY"])),
        optional("Limit", Shape::Number(1, 1000)),
        optional("Marker", MARKER),
    ];
    type Request = ListKeyRotationsRequest;
    type Answer = Map<String, Value>;

    async fn run(
        kms: &KmsSim,
        call: &mut Call<'_>,
        request: ListKeyRotationsRequest,
    ) -> Result<Map<String, Value>, KmsError> {
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let key = kms.ask::<Self>(call, &found).decide()?;
        let all = request.include_key_material.as_deref() == Some("ALL_KEY_MATERIAL");
        let shown = key.all_materials().enumerate().filter(|(_, m)| all || m.origin.rotation_type().is_some());
        let entries = shown.map(|(index, material)| (format!("{index:06}"), entry(kms, &key, material)));
        LIST.page(&request.paging, entries)
    }

    fn print(_kms: &KmsSim, answer: Map<String, Value>) -> Bytes {
        json(&answer)
    }
}

fn entry(kms: &KmsSim, key: &Key, material: &BackingKey) -> Value {
    let mut entry = json!({
        "KeyId": key.arn,
        "KeyMaterialId": material.id.to_string(),
        "KeyMaterialState": state(kms, key, material),
    });
    if key.origin == KeyOrigin::External {
        add_import(&mut entry, material);
    }
    if let Some(kind) = material.origin.rotation_type() {
        entry["RotationDate"] = json!(epoch_seconds(material.since));
        entry["RotationType"] = json!(kind);
    }
    entry
}

fn state(kms: &KmsSim, key: &Key, material: &BackingKey) -> &'static str {
    let is = |other: Option<&BackingKey>| other.is_some_and(|other| other.id == material.id);
    match (is(key.pending.as_ref()), is(key.materials.last())) {
        (true, _) => kms.pending_state(key).unwrap_or("PENDING_ROTATION"),
        (false, true) => "CURRENT",
        (false, false) => "NON_CURRENT",
    }
}

fn add_import(entry: &mut Value, material: &BackingKey) {
    entry["ImportState"] = json!(if material.is_present() { "IMPORTED" } else { "PENDING_IMPORT" });
    if let Some(description) = &material.description {
        entry["KeyMaterialDescription"] = json!(description);
    }
    if material.is_present() {
        entry["ExpirationModel"] = json!(expiration_model(material.valid_to));
    }
    if let Some(valid_to) = material.valid_to {
        entry["ValidTo"] = json!(epoch_seconds(valid_to));
    }
}
