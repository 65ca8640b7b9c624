//! Where every key is: the ledger is folded from what KMS announces, and from nothing else.

use aws_core::event::{Form, Place};
use aws_core::ledger::Ledger;
use kms_api::client::Kms;
use kms_api::error::KmsError;
use kms_api::shapes::{Blob, DecryptRequest, GenerateDataKeyRequest};

use super::stage::Stage;

fn ledger(stage: &Stage) -> Ledger {
    let mut ledger = Ledger::default();
    stage.sink.events().iter().for_each(|event| ledger.apply(event));
    ledger
}

fn places(stage: &Stage, subject: &str) -> Vec<(Place, Form)> {
    let ledger = ledger(stage);
    let standings = ledger.subjects().get(subject);
    standings.map(|s| s.iter().map(|(place, standing)| (*place, standing.form.clone())).collect()).unwrap_or_default()
}

#[test]
fn a_kms_key_is_plain_in_the_hsm_wrapped_in_the_store_and_nowhere_else() {
    let mut stage = Stage::new();
    stage.play("create-key");
    let subject = format!("kms/{}", stage.named("key"));
    let wrapped = Form::Wrapped { by: "hsm root".into() };
    assert_eq!(places(&stage, &subject), [(Place::Hsm, Form::Plaintext), (Place::KmsStore, wrapped)]);
    stage.play("schedule-key-deletion PendingWindowInDays=7; days 7; tick");
    assert_eq!(places(&stage, &subject), []);
}

#[test]
fn a_data_key_given_to_a_caller_is_with_the_caller_and_a_secret_is_nobodys_business() {
    let mut stage = Stage::new();
    stage.play("create-key; encrypt x; decrypt $last");
    let data_keys = |stage: &Stage| ledger(stage).subjects().keys().filter(|s| s.starts_with("data-key/")).count();
    assert_eq!(data_keys(&stage), 0);
    stage.play("generate-data-key-without-plaintext KeySpec=AES_256");
    assert_eq!(data_keys(&stage), 0, "nobody has it in plaintext");
    stage.play("decrypt $last");
    assert_eq!(data_keys(&stage), 1);
    stage.play("generate-data-key KeySpec=AES_256; decrypt $last");
    assert_eq!(data_keys(&stage), 2, "made and opened again, it is one key");
}

#[test]
fn a_service_holds_its_key_in_the_custody_it_named_and_the_ledger_sees_it_go() {
    let mut stage = Stage::new();
    stage.play("create-key; as alice");
    let request = GenerateDataKeyRequest {
        key_id: stage.named("key").into(),
        number_of_bytes: Some(64),
        ..GenerateDataKeyRequest::default()
    };
    let custodian = stage.world.custodian();
    let into = custodian.custody("volume/v", Place::HypervisorMemory);
    let made = stage.block_on(stage.kms.generate_data_key(stage.ctx(), request, into)).unwrap();
    assert_eq!(made.plaintext.len(), 64);
    let open = DecryptRequest { ciphertext_blob: Blob(made.ciphertext_blob.0.clone()), ..DecryptRequest::default() };
    let into = custodian.custody("volume/v", Place::HypervisorMemory);
    let opened = stage.block_on(stage.kms.decrypt(stage.ctx(), open, into)).unwrap();
    assert_eq!(opened.plaintext.expose(), made.plaintext.expose());
    assert_eq!(ledger(&stage).subjects()["volume/v"][&Place::HypervisorMemory].copies, 2);
    drop((made, opened));
    assert_eq!(places(&stage, "volume/v"), []);
}

#[test]
fn a_service_is_held_to_the_same_tables_as_the_wire() {
    let stage = Stage::new();
    let request = GenerateDataKeyRequest { number_of_bytes: Some(4096), ..GenerateDataKeyRequest::default() };
    let into = stage.world.custodian().custody("x", Place::S3Memory);
    let refused = stage.block_on(stage.kms.generate_data_key(stage.ctx(), request, into));
    assert!(matches!(refused, Err(KmsError::Validation(text)) if text.starts_with("2 validation errors detected")));
    assert_eq!(stage.calls().len(), 1);
}
