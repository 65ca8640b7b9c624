//! What is on disk: enough to go on after a restart, and nothing that opens without the HSM's root key.

use aws_wire::service::JsonService;
use envelope::secret::Secret;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

use super::stage::{Stage, context};
use crate::KmsSim;
use crate::error::Broken;

/// A KMS on a redb file, under a root key of 32 equal bytes.
fn open(stage: &Stage, file: &Path, root: u8) -> Arc<KmsSim> {
    let store = ::store::Store::open(file).unwrap();
    KmsSim::open(store, stage.world.clone(), Secret::copied(&[root; 32])).unwrap()
}

fn call(stage: &Stage, kms: &KmsSim, operation: &str, request: &Value) -> Result<Value, String> {
    let answer = stage.block_on(kms.call(&context("root"), operation, request.to_string().as_bytes()));
    let answer = answer.map_err(|fault| fault.code.into_owned())?;
    Ok(if answer.is_empty() { Value::Null } else { serde_json::from_slice(&answer).unwrap() })
}

#[test]
fn a_new_process_finds_every_key_alias_and_grant_in_the_file() {
    let (stage, folder) = (Stage::new(), tempfile::tempdir().unwrap());
    let file = folder.path().join("state.redb");
    let kms = open(&stage, &file, 1);
    let made = call(&stage, &kms, "CreateKey", &json!({"Description": "kept"})).unwrap();
    let key = &made["KeyMetadata"]["KeyId"];
    call(&stage, &kms, "CreateAlias", &json!({"AliasName": "alias/a", "TargetKeyId": key})).unwrap();
    let grant =
        json!({"KeyId": key, "GranteePrincipal": "arn:aws:iam::111122223333:user/bob", "Operations": ["Decrypt"]});
    let token = call(&stage, &kms, "CreateGrant", &grant).unwrap()["GrantToken"].clone();
    let sealed = call(&stage, &kms, "Encrypt", &json!({"KeyId": "alias/a", "Plaintext": "aGVsbG8="})).unwrap();
    call(&stage, &kms, "RotateKeyOnDemand", &json!({"KeyId": key})).unwrap();
    drop(kms);
    let kms = open(&stage, &file, 1);
    let found = call(&stage, &kms, "DescribeKey", &json!({"KeyId": "alias/a"})).unwrap();
    assert_eq!(found["KeyMetadata"]["Description"], "kept");
    assert_ne!(found["KeyMetadata"]["CurrentKeyMaterialId"], made["KeyMetadata"]["CurrentKeyMaterialId"]);
    let request = json!({"CiphertextBlob": sealed["CiphertextBlob"], "GrantTokens": [token]});
    assert_eq!(call(&stage, &kms, "Decrypt", &request).unwrap()["Plaintext"], "aGVsbG8=");
    assert!(call(&stage, &kms, "RetireGrant", &json!({"GrantToken": token})).is_ok());
}

#[test]
fn under_another_root_key_nothing_opens_and_nothing_pretends_to() {
    let (stage, folder) = (Stage::new(), tempfile::tempdir().unwrap());
    let file = folder.path().join("state.redb");
    let kms = open(&stage, &file, 1);
    let key = call(&stage, &kms, "CreateKey", &json!({})).unwrap()["KeyMetadata"]["KeyId"].clone();
    let sealed = call(&stage, &kms, "Encrypt", &json!({"KeyId": key, "Plaintext": "aGVsbG8="})).unwrap();
    drop(kms);
    let kms = open(&stage, &file, 2);
    let blob = json!({"CiphertextBlob": sealed["CiphertextBlob"]});
    assert_eq!(call(&stage, &kms, "Decrypt", &blob), Err("KMSInternalException".into()));
    assert_eq!(
        call(&stage, &kms, "Encrypt", &json!({"KeyId": key, "Plaintext": "eA=="})),
        Err("KMSInternalException".into())
    );
}

#[test]
fn the_file_holds_neither_the_material_nor_the_root_key() {
    let (stage, folder) = (Stage::new(), tempfile::tempdir().unwrap());
    let file = folder.path().join("state.redb");
    let kms = open(&stage, &file, 0xA7);
    // Material that a test brings is the only material whose bytes a test can know.
    let material = *b"thirty-two bytes of key material";
    let tag = json!({"TagKey": "_custom_key_material_", "TagValue": super::stage::base64(&material)});
    call(&stage, &kms, "CreateKey", &json!({"Tags": [tag]})).unwrap();
    drop(kms);
    let bytes = std::fs::read(&file).unwrap();
    let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(holds(b"rotation_period_days"), "the row is there, in the clear");
    assert!(!holds(&material) && !holds(&[0xA7; 32]) && !holds(super::stage::base64(&material).as_bytes()));
}

#[test]
fn a_root_key_of_another_length_is_refused() {
    let stage = Stage::new();
    let refused = KmsSim::open(::store::Store::in_memory(), stage.world.clone(), Secret::copied(&[0; 16]));
    assert!(matches!(refused, Err(Broken::RootKey(16))));
}
