//! What is sealed opens again, for whoever has the right key and context, and for nobody else.

use expect_test::expect;
use serde_json::json;

use super::check;
use super::stage::Stage;

#[test]
fn what_was_encrypted_decrypts_without_naming_the_key() {
    check("create-key; encrypt hello; decrypt $last", expect!["hello"]);
    check("create-key; encrypt hello; decrypt $last .KeyId .EncryptionAlgorithm", expect!["KEY SYMMETRIC_DEFAULT"]);
    check("create-key; encrypt hello; decrypt $last KeyId=$key", expect!["hello"]);
}

#[test]
fn thirty_two_bytes_become_a_blob_of_184_that_starts_as_aws_blobs_do() {
    let mut stage = Stage::new();
    stage.play("create-key; encrypt 0123456789abcdef0123456789abcdef");
    let blob = stage.named("last");
    assert!(blob.starts_with("AQICAH"), "{blob}");
    assert_eq!(blob.len(), 184usize.div_ceil(3) * 4);
    stage.play("generate-data-key KeySpec=AES_256");
    assert!(stage.named("last").starts_with("AQIDAH"));
}

#[test]
fn the_context_is_part_of_the_lock() {
    check("create-key; encrypt x a:1 b:2; decrypt $last b:2 a:1", expect!["x"]);
    check("create-key; encrypt x a:1; decrypt $last", expect!["InvalidCiphertextException 400"]);
    check("create-key; encrypt x a:1; decrypt $last A:1", expect!["InvalidCiphertextException 400"]);
    check("create-key; encrypt x; decrypt $last EncryptionContext={}", expect!["x"]);
}

#[test]
fn a_blob_is_held_to_the_key_that_is_named() {
    check(
        "create-key; encrypt x; create-key; decrypt $last KeyId=$key",
        expect![
            "IncorrectKeyException 400: The key ID in the request does not identify a CMK that can perform this operation."
        ],
    );
    check("create-key; encrypt x; create-key; decrypt $last KeyId=$was-key", expect!["x"]);
}

#[test]
fn damage_is_noticed() {
    check("create-key; encrypt x; decrypt $lastAAAA", expect!["InvalidCiphertextException 400"]);
    check("decrypt AAAA", expect!["InvalidCiphertextException 400"]);
    check("decrypt not-base-64!", expect!["SerializationException 400: A member of the request cannot be read."]);
}

#[test]
fn a_blob_of_another_region_names_nothing_here() {
    check(
        "create-key; encrypt x; in eu-west-1; decrypt $last",
        expect![
            "AccessDeniedException 400: The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."
        ],
    );
}

#[test]
fn re_encrypt_moves_a_secret_to_another_key_and_context() {
    check(
        r#"create-key; encrypt x a:1; create-key; re-encrypt $last SourceEncryptionContext={"a":"1"} DestinationKeyId=$key DestinationEncryptionContext={"b":"2"}; decrypt $last b:2"#,
        expect!["x"],
    );
    check(
        "create-key; encrypt x; create-key; re-encrypt $last DestinationKeyId=$key .SourceKeyId .KeyId",
        expect!["OTHER KEY"],
    );
    check(
        "create-key; encrypt x; create-key; re-encrypt $last SourceKeyId=$key DestinationKeyId=$key",
        expect![
            "IncorrectKeyException 400: The key ID in the request does not identify a CMK that can perform this operation."
        ],
    );
}

#[test]
fn data_keys_have_the_length_that_was_asked_for() {
    let mut stage = Stage::new();
    stage.play("create-key");
    let key = stage.named("key").to_owned();
    let len = |request: serde_json::Value| {
        let answer = stage.call("generate-data-key", &request).unwrap();
        answer["Plaintext"].as_str().unwrap().len()
    };
    assert_eq!(len(json!({"KeyId": key, "KeySpec": "AES_256"})), 44);
    assert_eq!(len(json!({"KeyId": key, "KeySpec": "AES_128"})), 24);
    assert_eq!(len(json!({"KeyId": key, "NumberOfBytes": 64})), 88);
}

#[test]
fn a_data_key_without_plaintext_opens_later() {
    check(
        "create-key; generate-data-key-without-plaintext NumberOfBytes=64 a:b .Plaintext .KeyId",
        expect!["absent KEY"],
    );
    check(
        "create-key; generate-data-key-without-plaintext NumberOfBytes=64 a:b; decrypt $last a:b",
        expect!["(bytes)"],
    );
    check(
        "create-key; generate-data-key",
        expect!["ValidationException 400: Please specify either number of bytes or key spec."],
    );
    check(
        "create-key; generate-data-key KeySpec=AES_256 NumberOfBytes=32",
        expect!["ValidationException 400: Please specify either number of bytes or key spec."],
    );
}

#[test]
fn dry_run_checks_everything_and_does_nothing() {
    let dry = expect!["DryRunOperationException 400: The request would have succeeded, but the DryRun option is set."];
    check("create-key; encrypt x DryRun=true", dry);
    check("create-key; encrypt x; decrypt $last DryRun=true a:b", expect!["InvalidCiphertextException 400"]);
    check("create-key; disable-key; encrypt x DryRun=true", expect!["DisabledException 400: KEY is disabled."]);
}

#[test]
fn random_bytes_are_asked_for_by_number() {
    check("generate-random NumberOfBytes=8", expect!["(bytes)"]);
    check("generate-random", expect!["ValidationException 400: NumberOfBytes is required."]);
}

#[test]
fn plaintexts_end_at_4096_bytes_and_contexts_at_8192() {
    let story = format!("create-key; encrypt {}", "x".repeat(4097));
    check(
        &story,
        expect![
            "ValidationException 400: 1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096"
        ],
    );
    check(&format!("create-key; encrypt {0}; decrypt $last .KeyId", "x".repeat(4096)), expect!["KEY"]);
    check(
        &format!("create-key; encrypt x a:{}", "b".repeat(8192)),
        expect![
            "ValidationException 400: 1 validation error detected: Value at 'encryptionContext' failed to satisfy constraint: Member must have length less than or equal to 8192"
        ],
    );
}

#[test]
fn parameters_without_a_room_are_refused_by_name() {
    check(
        "create-key; generate-data-key KeySpec=AES_256 Recipient={}",
        expect!["UnsupportedOperationException 400: This simulator does not serve the parameter 'recipient' yet."],
    );
    check("no-such-thing", expect!["UnknownOperationException 400"]);
}

#[test]
fn a_test_can_bring_its_own_id_and_material_and_finds_its_blobs_again() {
    let create = r#"create-key Tags=[{"TagKey":"_custom_id_","TagValue":"11111111-2222-3333-4444-555555555555"},{"TagKey":"_custom_key_material_","TagValue":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}]"#;
    let mut first = Stage::new();
    first.play(&format!("{create}; encrypt x"));
    assert_eq!(first.named("key"), "11111111-2222-3333-4444-555555555555");
    let second = format!("{create}; decrypt {}", first.named("last"));
    check(&second, expect!["x"]);
    check(&format!("{create}; list-resource-tags .Tags"), expect!["[]"]);
    check(&format!("{create}; {create}"), expect!["AlreadyExistsException 400: A key with the id KEY already exists"]);
    let events = format!("{:?}", first.sink.events());
    assert!(!events.contains("AAECAwQF"), "the material stays out of the trail");
}

#[test]
fn a_rehearsal_can_do_without_a_ciphertext() {
    let would = "DryRunOperationException 400: The request would have succeeded, but the DryRun option is set.";
    let ignore = r#"DryRun=true DryRunModifiers=["IGNORE_CIPHERTEXT"]"#;
    let told = |story: &str| super::Stage::new().play(story);
    assert_eq!(told(&format!("create-key; decrypt {ignore} KeyId=$key")), would);
    assert_eq!(told(&format!("create-key; re-encrypt {ignore} SourceKeyId=$key DestinationKeyId=$key")), would);
    check(
        &format!("create-key; as bob; decrypt {ignore} KeyId=$key"),
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::111122223333:user/bob is not authorized to perform: kms:Decrypt on resource: KEY because no identity-based policy allows the kms:Decrypt action"
        ],
    );
    check(
        r#"create-key; encrypt x; decrypt $last DryRunModifiers=["IGNORE_CIPHERTEXT"]"#,
        expect!["ValidationException 400: DryRunModifiers can only be specified when DryRun is true"],
    );
    check(
        &format!("create-key; decrypt {ignore}"),
        expect![
            "ValidationException 400: 1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null"
        ],
    );
    check(
        "create-key; decrypt KeyId=$key DryRun=true",
        expect![
            "ValidationException 400: 1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null"
        ],
    );
}
