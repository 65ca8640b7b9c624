//! Names for keys, AWS's own included.

use std::collections::BTreeMap;

use expect_test::expect;
use proptest::prelude::*;
use serde_json::json;

use super::check;
use super::stage::Stage;

#[test]
fn an_alias_can_be_moved_and_forgotten() {
    check("create-key; create-alias alias/a; describe-key alias/a .KeyMetadata.Arn", expect!["KEY"]);
    check(
        "create-key; create-alias alias/a; create-key; update-alias alias/a; describe-key alias/a .KeyMetadata.Arn",
        expect!["KEY"],
    );
    check(
        "create-key; create-alias alias/a; delete-alias alias/a; describe-key alias/a",
        expect!["NotFoundException 400: Alias arn:aws:kms:us-east-1:111122223333:alias/a is not found."],
    );
    check(
        "create-key; create-alias alias/a; create-alias alias/a",
        expect![
            "AlreadyExistsException 400: An alias with the name arn:aws:kms:us-east-1:111122223333:alias/a already exists"
        ],
    );
}

#[test]
fn names_and_targets_are_checked() {
    check("create-key; create-alias alias/aws/mine", expect!["NotAuthorizedException 400"]);
    check(
        "create-key; create-alias mine",
        expect![[
            r#"ValidationException 400: Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"#
        ]],
    );
    check(
        "create-key; create-alias alias/my:alias",
        expect!["InvalidAliasNameException 400: alias/my:alias contains invalid characters for an alias"],
    );
    check(
        "create-key; create-alias alias/a!",
        expect![
            "ValidationException 400: 1 validation error detected: Value 'alias/a!' at 'aliasName' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"
        ],
    );
    check(
        "create-key; create-alias alias/a; create-alias alias/b TargetKeyId=alias/a",
        expect!["ValidationException 400: Aliases must refer to keys. Not aliases"],
    );
}

#[test]
fn aws_own_aliases_are_names_without_keys_until_first_use() {
    check(
        "list-aliases .Aliases.0.AliasName .Aliases.0.TargetKeyId .Aliases.1.AliasName",
        expect!["alias/aws/ebs absent alias/aws/s3"],
    );
    check(
        "through s3; generate-data-key KeySpec=AES_256 KeyId=alias/aws/s3; list-aliases .Aliases.1.CreationDate",
        expect!["1768467600.0"],
    );
    check(
        "describe-key alias/aws/ebs .KeyMetadata.KeyManager .KeyMetadata.Description",
        expect!["AWS Default key that protects my EBS volumes when no other key is defined"],
    );
    check(
        "generate-data-key KeySpec=AES_256 KeyId=alias/aws/ebs",
        expect!["NotFoundException 400: Alias arn:aws:kms:us-east-1:111122223333:alias/aws/ebs is not found."],
    );
}

#[test]
fn an_aws_managed_key_serves_its_service_and_nobody_manages_it() {
    check(
        "as alice; through ec2; generate-data-key-without-plaintext NumberOfBytes=64 KeyId=alias/aws/ebs; decrypt $last",
        expect!["(bytes)"],
    );
    check(
        "describe-key alias/aws/ebs; generate-data-key KeySpec=AES_256",
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::111122223333:root is not authorized to perform: kms:GenerateDataKey on resource: KEY because no resource-based policy allows the kms:GenerateDataKey action"
        ],
    );
    check(
        "describe-key alias/aws/ebs; disable-key",
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::111122223333:root is not authorized to perform: kms:DisableKey on resource: KEY because no resource-based policy allows the kms:DisableKey action"
        ],
    );
    check(
        "describe-key alias/aws/ebs; get-key-rotation-status .KeyRotationEnabled .RotationPeriodInDays",
        expect!["true 365"],
    );
    check("describe-key alias/aws/ebs; delete-alias alias/aws/ebs", expect!["NotAuthorizedException 400"]);
}

#[derive(Clone, Debug)]
enum Act {
    Create(u8, u8),
    Update(u8, u8),
    Delete(u8),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (0u8..4, 0u8..2).prop_map(|(name, key)| Act::Create(name, key)),
        (0u8..4, 0u8..2).prop_map(|(name, key)| Act::Update(name, key)),
        (0u8..4).prop_map(Act::Delete),
    ];
    proptest::collection::vec(act, 0..24)
}

/// A map from name to key, and what each act says of it.
fn imagine(model: &mut BTreeMap<u8, u8>, act: &Act) -> bool {
    match *act {
        Act::Create(name, key) => !model.contains_key(&name) && model.insert(name, key).is_none(),
        Act::Update(name, key) => model.contains_key(&name) && model.insert(name, key).is_some(),
        Act::Delete(name) => model.remove(&name).is_some(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever is done to aliases, KMS agrees with a map, before and after a restart.
    #[test]
    fn aliases_are_a_map(acts in acts()) {
        let mut stage = Stage::new();
        stage.play("create-key; create-key");
        let keys = [stage.named("was-key").to_owned(), stage.named("key").to_owned()];
        let mut model = BTreeMap::new();
        for act in &acts {
            let (verb, request) = match *act {
                Act::Create(name, key) => ("create-alias", json!({"AliasName": format!("alias/{name}"), "TargetKeyId": keys[usize::from(key)]})),
                Act::Update(name, key) => ("update-alias", json!({"AliasName": format!("alias/{name}"), "TargetKeyId": keys[usize::from(key)]})),
                Act::Delete(name) => ("delete-alias", json!({"AliasName": format!("alias/{name}")})),
            };
            prop_assert_eq!(stage.call(verb, &request).is_ok(), imagine(&mut model, act), "{:?}", act);
        }
        stage.play("restart");
        for (index, key) in keys.iter().enumerate() {
            let listed = stage.call("list-aliases", &json!({"KeyId": key})).unwrap();
            let names: Vec<&str> = listed["Aliases"].as_array().unwrap().iter().map(|a| a["AliasName"].as_str().unwrap()).collect();
            let wanted: Vec<String> = model.iter().filter(|(_, k)| usize::from(**k) == index).map(|(n, _)| format!("alias/{n}")).collect();
            prop_assert_eq!(names, wanted);
        }
    }
}
