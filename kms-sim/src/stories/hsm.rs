//! Several HSMs hold the domain key: what one tampering costs (nothing), what three cost, and the way back.

use aws_core::event::{Form, Place};
use aws_core::ledger::Ledger;
use envelope::secret::Secret;
use expect_test::expect;

use super::check;
use super::stage::Stage;
use crate::keepers::HsmRefusal;

#[test]
fn while_one_hsm_is_left_nobody_notices() {
    check("create-key; encrypt x; tamper 1; tamper 3; decrypt $last", expect!["x"]);
    check("tamper 2; create-key; encrypt x; tamper 1; restart; decrypt $last", expect!["x"]);
}

#[test]
fn with_all_hsms_wiped_keys_are_unavailable_but_can_be_managed() {
    let wiped = "create-key; encrypt x; tamper 1; tamper 2; tamper 3";
    let unavailable = |story: &str| {
        let says = expect![
            "KeyUnavailableException 500: The request was rejected because the specified KMS key was not available. You can retry the request."
        ];
        check(&format!("{wiped}; {story}"), says);
    };
    unavailable("decrypt $last");
    unavailable("restart; decrypt $last");
    unavailable("generate-data-key KeySpec=AES_256");
    let no_hsm = |story: &str| {
        let says =
            expect!["KMSInternalException 500: No hardware security module is available. You can retry the request."];
        check(&format!("{wiped}; {story}"), says);
    };
    no_hsm("create-key");
    no_hsm("generate-random NumberOfBytes=1");
    check(&format!("{wiped}; describe-key .KeyMetadata.KeyState"), expect!["Enabled"]);
    check(&format!("{wiped}; disable-key; encrypt y"), expect!["DisabledException 400: KEY is disabled."]);
}

#[test]
fn the_backup_brings_everything_back_also_after_a_restart() {
    let wiped = "create-key; encrypt x; tamper 1; tamper 2; tamper 3";
    check(&format!("{wiped}; bring-backup; decrypt $last"), expect!["x"]);
    check(&format!("{wiped}; restart; bring-backup; restart; tamper 1; tamper 2; decrypt $last"), expect!["x"]);
}

#[test]
fn a_rotation_that_falls_due_meanwhile_waits_for_the_hsms() {
    let meanwhile = "create-key; enable-key-rotation; tamper 1; tamper 2; tamper 3; days 366";
    check(&format!("{meanwhile}; list-key-rotations .Rotations"), expect!["[]"]);
    check(&format!("{meanwhile}; bring-backup; list-key-rotations .Rotations.0.RotationType"), expect!["AUTOMATIC"]);
}

#[test]
fn there_is_no_fourth_hsm_and_no_backup_of_somebody_else_s() {
    let stage = Stage::new();
    let refused = stage.block_on(stage.kms.hsm_tamper(4));
    assert!(matches!(refused, Err(HsmRefusal::NoSuchHsm(4))));
    let mut stage = stage;
    stage.play("tamper 1");
    let refused = stage.block_on(stage.kms.hsm_restore(Secret::copied(&[9; 32])));
    assert!(matches!(refused, Err(HsmRefusal::AnotherDomain)));
    let states: Vec<&str> = stage.kms.hsm_status().hsms.iter().map(|hsm| hsm.state).collect();
    assert_eq!(states, ["WIPED", "ACTIVE", "ACTIVE"]);
}

#[test]
fn the_ledger_and_the_trail_see_the_domain_key_go_and_come_back() {
    let mut stage = Stage::new();
    let places = |stage: &Stage| {
        let mut ledger = Ledger::default();
        stage.sink.events().iter().for_each(|event| ledger.apply(event));
        let in_hsm = |places: &std::collections::BTreeMap<Place, aws_core::ledger::Standing>| {
            places.get(&Place::Hsm).is_some_and(|standing| standing.form == Form::Plaintext)
        };
        ledger.subjects().iter().filter(|(_, places)| in_hsm(places)).map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    stage.play("create-key");
    let key = format!("kms/{}", stage.named("key"));
    assert_eq!(places(&stage), ["domain-key/hsm-1", "domain-key/hsm-2", "domain-key/hsm-3", &key]);
    stage.play("tamper 2; tamper 2");
    assert_eq!(places(&stage), ["domain-key/hsm-1", "domain-key/hsm-3", &key]);
    stage.play("tamper 1; tamper 3");
    assert_eq!(places(&stage), Vec::<String>::new());
    stage.play("bring-backup");
    assert_eq!(places(&stage), ["domain-key/hsm-1", "domain-key/hsm-2", "domain-key/hsm-3", &key]);
    let told: Vec<String> = stage.service_events().iter().map(|e| format!("{} {}", e.name, e.details["hsm"])).collect();
    assert_eq!(told, ["WipeHsm 2", "WipeHsm 1", "WipeHsm 3", "RestoreHsm 1", "RestoreHsm 2", "RestoreHsm 3"]);
}
