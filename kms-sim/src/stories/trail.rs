//! Each call leaves one event with what CloudTrail shows, and without what it must not.

use serde_json::json;

use super::stage::Stage;

#[test]
fn a_call_through_ec2_is_told_as_aws_tells_it() {
    let mut stage = Stage::new();
    stage.play("create-key; as alice; through ec2; generate-data-key-without-plaintext NumberOfBytes=64 EncryptionContext={\"aws:ebs:id\":\"vol-1\"}");
    let call = stage.calls().pop().unwrap();
    assert_eq!(call.name, "GenerateDataKeyWithoutPlaintext");
    assert_eq!(
        call.request_parameters,
        Some(json!({"keyId": stage.named("key"), "encryptionContext": {"aws:ebs:id": "vol-1"}, "numberOfBytes": 64}))
    );
    assert_eq!(call.response_elements, None);
    assert_eq!(call.additional_event_data.unwrap()["keyMaterialId"].as_str().unwrap().len(), 64);
    assert_eq!((call.read_only, call.resources.len(), call.resources[0].kind.as_str()), (true, 1, "AWS::KMS::Key"));
    assert!(call.shared_event_id.is_some());
    assert!(call.decision.unwrap().allowed());
}

#[test]
fn decrypt_shows_its_algorithm_and_neither_blob_nor_key() {
    let mut stage = Stage::new();
    stage.play("create-key; encrypt topsecret a:b; decrypt $last a:b");
    let call = stage.calls().pop().unwrap();
    assert_eq!(
        call.request_parameters,
        Some(json!({"encryptionContext": {"a": "b"}, "encryptionAlgorithm": "SYMMETRIC_DEFAULT"}))
    );
    let all = format!("{:?}", stage.sink.events());
    assert!(!all.contains(stage.named("last")) && !all.contains("dG9wc2VjcmV0") && !all.contains("topsecret"));
}

#[test]
fn grants_are_told_without_their_tokens() {
    let mut stage = Stage::new();
    stage.play(r#"create-key; create-grant GranteePrincipal=arn:aws:iam::111122223333:user/bob Operations=["Decrypt"]; retire-grant GrantToken=$token"#);
    let calls = stage.calls();
    let (created, retired) = (&calls[1], &calls[2]);
    let arn = format!("arn:aws:kms:us-east-1:111122223333:key/{}", stage.named("key"));
    assert_eq!(created.response_elements, Some(json!({"grantId": stage.named("grant"), "keyId": arn})));
    assert!(!created.read_only);
    assert_eq!(retired.request_parameters, Some(json!(null)));
    assert_eq!(retired.response_elements, Some(json!({"keyId": arn})));
    assert_eq!(retired.additional_event_data, Some(json!({"grantId": stage.named("grant")})));
    assert!(!format!("{:?}", stage.sink.events()).contains(stage.named("token")));
}

#[test]
fn refusals_and_failures_are_told_once_with_the_trail_s_own_words() {
    let mut stage = Stage::new();
    stage.play("create-key; disable-key; encrypt x; as bob; encrypt x; encrypt x KeyId=-");
    let calls = stage.calls();
    let codes: Vec<Option<&str>> = calls.iter().map(|call| call.error.as_ref().map(|error| &*error.code)).collect();
    assert_eq!(codes, [None, None, Some("DisabledException"), Some("AccessDenied"), Some("ValidationException")]);
    assert!(!calls[3].decision.as_ref().unwrap().allowed());
    assert_eq!(calls[3].resources.len(), 1, "a direct call keeps its resource");
}

#[test]
fn a_refused_forwarded_call_shows_neither_parameters_nor_resources() {
    let mut stage = Stage::new();
    stage.play("create-key; as bob; through s3; encrypt x");
    let call = stage.calls().pop().unwrap();
    assert_eq!((call.request_parameters, call.resources.len()), (None, 0));
}

#[test]
fn a_new_key_is_told_with_its_metadata() {
    let mut stage = Stage::new();
    stage.play("create-key Description=demo");
    let call = stage.calls().pop().unwrap();
    let metadata = &call.response_elements.unwrap()["keyMetadata"];
    assert_eq!((&metadata["description"], &metadata["keyState"]), (&json!("demo"), &json!("Enabled")));
    assert_eq!(metadata["aWSAccountId"], "111122223333");
    assert_eq!(call.resources.len(), 1);
}

#[test]
fn the_end_of_a_key_is_told_by_the_service_itself() {
    let mut stage = Stage::new();
    stage.play("create-key; schedule-key-deletion PendingWindowInDays=7; days 8; tick; tick");
    let events = stage.service_events();
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].name.as_str(), &events[0].details["keyId"]), ("DeleteKey", &json!(stage.named("key"))));
    assert_eq!(events[0].time.to_string(), "2026-01-22T09:00:00Z");
}
