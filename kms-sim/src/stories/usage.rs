//! When a key last worked: only what succeeded counts, each key for itself, across a restart.

use expect_test::expect;

use super::check;
use super::stage::Stage;

const LAST: &str = "get-key-last-usage .KeyLastUsage.Operation";

#[test]
fn a_key_that_never_worked_says_so() {
    check(
        "create-key; describe-key; get-key-last-usage .KeyLastUsage .KeyId .TrackingStartDate .KeyCreationDate",
        expect!["{} KEY 1768467600.0 1768467600.0"],
    );
    check(
        "create-key; create-alias alias/a; get-key-last-usage alias/a",
        expect!["InvalidArnException 400: Key Aliases are not supported for this operation."],
    );
}

#[test]
fn the_newest_success_counts_and_failures_and_rehearsals_do_not() {
    check(
        &format!("create-key; encrypt x; days 3; decrypt $last; {LAST} .KeyLastUsage.Timestamp"),
        expect!["Decrypt 1768726800.0"],
    );
    check(&format!("create-key; encrypt x; decrypt $last a:b; {LAST}"), expect!["Encrypt"]);
    check(&format!("create-key; encrypt x DryRun=true; {LAST}"), expect!["absent"]);
    check(
        &format!("create-key; generate-data-key KeySpec=AES_256; disable-key; encrypt x; {LAST}"),
        expect!["GenerateDataKey"],
    );
}

#[test]
fn re_encrypt_is_work_for_both_keys() {
    check(
        &format!("create-key; encrypt x; create-key; re-encrypt $last DestinationKeyId=$key; {LAST}"),
        expect!["ReEncrypt"],
    );
    check(
        &format!("create-key; encrypt x; create-key; re-encrypt $last DestinationKeyId=$key; {LAST} KeyId=$was-key"),
        expect!["ReEncrypt"],
    );
}

#[test]
fn related_keys_work_for_themselves() {
    let told = "create-key MultiRegion=true; replicate-key ReplicaRegion=eu-west-1; encrypt x";
    check(&format!("{told}; in eu-west-1; {LAST}"), expect!["absent"]);
    check(&format!("{told}; in eu-west-1; decrypt $last; in us-east-1; {LAST}"), expect!["Encrypt"]);
}

#[test]
fn the_call_is_named_as_in_the_trail_and_remembered() {
    let mut stage = Stage::new();
    stage.play("create-key; encrypt x");
    let (event, request) = {
        let calls = stage.calls();
        let encrypt = calls.last().unwrap();
        (encrypt.event_id.clone(), encrypt.context.request_id.clone())
    };
    stage.play("tick; restart");
    let told = stage.play(&format!("{LAST} .KeyLastUsage.CloudTrailEventId .KeyLastUsage.KmsRequestId"));
    assert_eq!(told, format!("Encrypt {event} {request}"));
}
