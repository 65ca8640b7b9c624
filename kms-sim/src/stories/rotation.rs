//! New key material, old blobs: by schedule, on demand, and by a clock that leaps.

use expect_test::expect;
use serde_json::json;

use super::check;
use super::stage::Stage;

fn material(stage: &Stage) -> String {
    let answer = stage.call("describe-key", &json!({"KeyId": stage.named("key")})).unwrap();
    answer["KeyMetadata"]["CurrentKeyMaterialId"].as_str().unwrap().to_owned()
}

#[test]
fn rotation_makes_new_material_and_old_blobs_still_open() {
    let mut stage = Stage::new();
    stage.play("create-key; enable-key-rotation; encrypt old");
    let before = material(&stage);
    stage.play("days 364");
    assert_eq!(material(&stage), before, "not a day early");
    stage.play("days 1");
    let after = material(&stage);
    assert_ne!(after, before);
    assert_eq!(stage.play("decrypt $last"), "old");
    assert_eq!(stage.play("decrypt $last .KeyMaterialId"), before);
    stage.play("encrypt new");
    assert_eq!(stage.play("decrypt $last .KeyMaterialId"), after);
}

#[test]
fn a_leap_of_the_clock_rotates_once_per_period_and_dates_each() {
    let mut stage = Stage::new();
    stage.play("create-key; enable-key-rotation RotationPeriodInDays=100; days 350; tick");
    let rotated = stage.service_events();
    let dates: Vec<String> = rotated.iter().map(|event| event.time.strftime("%Y-%m-%d").to_string()).collect();
    assert_eq!(dates, ["2026-04-25", "2026-08-03", "2026-11-11"]);
    assert!(rotated.iter().all(|event| event.name == "RotateKey" && event.details["rotationType"] == "AUTOMATIC"));
    assert_eq!(rotated[0].details["currentKeyMaterialId"], rotated[1].details["previousKeyMaterialId"]);
    assert_eq!(
        stage.play("list-key-rotations .Rotations.2.KeyMaterialState .Rotations.0.KeyMaterialState"),
        "CURRENT NON_CURRENT"
    );
}

#[test]
fn on_demand_rotation_is_done_by_the_next_look() {
    let mut stage = Stage::new();
    stage.play("create-key; encrypt old");
    let before = material(&stage);
    stage.play("rotate-key-on-demand");
    assert_ne!(material(&stage), before);
    assert_eq!(stage.play("decrypt $last"), "old");
    assert_eq!(stage.service_events()[0].details["rotationType"], "ON_DEMAND");
    check(
        "create-key; rotate-key-on-demand; list-key-rotations .Rotations.0.RotationType .Rotations.1",
        expect!["ON_DEMAND absent"],
    );
    check(
        "create-key; rotate-key-on-demand; list-key-rotations IncludeKeyMaterial=ALL_KEY_MATERIAL .Rotations.0.RotationType .Rotations.1.KeyMaterialState",
        expect!["absent CURRENT"],
    );
    check("create-key; rotate-key-on-demand; get-key-rotation-status .OnDemandRotationStartDate", expect!["absent"]);
}

#[test]
fn on_demand_rotations_are_counted_for_life() {
    let story = format!("create-key{}", "; rotate-key-on-demand; describe-key".repeat(25));
    check(&story, expect!["ok"]);
    check(
        &format!("{story}; rotate-key-on-demand"),
        expect![
            "LimitExceededException 400: The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: KEY"
        ],
    );
}

#[test]
fn the_status_tells_period_and_date() {
    check("create-key; get-key-rotation-status .KeyRotationEnabled .NextRotationDate", expect!["false absent"]);
    check(
        "create-key; enable-key-rotation; get-key-rotation-status .KeyRotationEnabled .RotationPeriodInDays .NextRotationDate .KeyId",
        expect!["true 365 1800003600.0 KEY"],
    );
    check(
        "create-key; enable-key-rotation RotationPeriodInDays=90; disable-key-rotation; enable-key-rotation; get-key-rotation-status .RotationPeriodInDays",
        expect!["90"],
    );
    check(
        "create-key; enable-key-rotation RotationPeriodInDays=2561",
        expect![
            "ValidationException 400: 1 validation error detected: Value '2561' at 'rotationPeriodInDays' failed to satisfy constraint: Member must have value less than or equal to 2560"
        ],
    );
    check("create-key; disable-key; enable-key-rotation", expect!["DisabledException 400: KEY is disabled."]);
}

#[test]
fn pending_deletion_hides_rotation_and_cancelling_brings_it_back() {
    check(
        "create-key; enable-key-rotation; schedule-key-deletion; get-key-rotation-status .KeyRotationEnabled",
        expect!["false"],
    );
    check(
        "create-key; enable-key-rotation; schedule-key-deletion; cancel-key-deletion; get-key-rotation-status .KeyRotationEnabled",
        expect!["true"],
    );
}

#[test]
fn a_disabled_key_does_not_rotate_by_schedule_until_it_wakes() {
    let mut stage = Stage::new();
    stage.play("create-key; enable-key-rotation; disable-key; days 800");
    let before = material(&stage);
    assert!(stage.service_events().is_empty());
    stage.play("enable-key");
    assert_ne!(material(&stage), before);
    assert_eq!(stage.service_events().len(), 1);
}

#[test]
fn a_restart_forgets_nothing() {
    check(
        "create-key; enable-key-rotation; encrypt old a:b; days 400; describe-key; restart; decrypt $last a:b",
        expect!["old"],
    );
    check(
        "create-key; enable-key-rotation RotationPeriodInDays=100; rotate-key-on-demand; restart; get-key-rotation-status .RotationPeriodInDays .NextRotationDate",
        expect!["100 1777107600.0"],
    );
    check(
        "create-key; create-alias alias/a; disable-key; restart; describe-key alias/a .KeyMetadata.KeyState",
        expect!["Disabled"],
    );
}

#[test]
fn shortly_before_a_rotation_by_schedule_none_is_done_on_demand() {
    let mut stage = Stage::new();
    stage.play("create-key; enable-key-rotation RotationPeriodInDays=90; days 89; minutes 1419; rotate-key-on-demand; describe-key");
    assert_eq!(stage.service_events().len(), 1, "21 minutes before");
    assert_eq!(
        stage.play("minutes 1; rotate-key-on-demand"),
        "ConflictException 400: An automatic rotation of the key KEY is in progress or scheduled to begin within the next 20 minutes."
    );
    assert_eq!(stage.play("minutes 20; rotate-key-on-demand; describe-key"), "ok");
    assert_eq!(stage.service_events().len(), 3);
}
