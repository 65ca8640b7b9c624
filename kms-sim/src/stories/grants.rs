//! Permission lent on a key, narrowed, passed on, and taken back.

use std::collections::BTreeMap;

use expect_test::expect;
use proptest::prelude::*;
use serde_json::json;

use super::check;
use super::stage::Stage;

const TO_BOB: &str = "GranteePrincipal=arn:aws:iam::111122223333:user/bob";

#[test]
fn a_grant_lets_its_grantee_in_and_nobody_else() {
    let lend = format!(r#"create-key; encrypt x; create-grant {TO_BOB} Operations=["Decrypt"]"#);
    check(&format!("{lend}; as bob; decrypt $last"), expect!["x"]);
    check(
        &format!("{lend}; as bob; encrypt y"),
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::111122223333:user/bob is not authorized to perform: kms:Encrypt on resource: KEY because no identity-based policy allows the kms:Encrypt action"
        ],
    );
    check(
        &format!("{lend}; as carol; decrypt $last"),
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::111122223333:user/carol is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because no identity-based policy allows the kms:Decrypt action"
        ],
    );
    check(&format!("{lend}; restart; as bob; decrypt $last"), expect!["x"]);
}

#[test]
fn a_constraint_holds_the_grantee_to_a_context() {
    let lend = format!(
        r#"create-key; encrypt x a:1 b:2; create-grant {TO_BOB} Operations=["Decrypt"] Constraints={{"EncryptionContextSubset":{{"a":"1"}}}}; as bob"#
    );
    check(&format!("{lend}; decrypt $last a:1 b:2"), expect!["x"]);
    check(
        &format!("{lend}; decrypt $last b:2"),
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::111122223333:user/bob is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because no identity-based policy allows the kms:Decrypt action"
        ],
    );
}

#[test]
fn the_same_name_and_parameters_are_one_grant_with_many_tokens() {
    let mut stage = Stage::new();
    let create = format!(r#"create-grant {TO_BOB} Operations=["Decrypt"] Name=n"#);
    stage.play(&format!("create-key; {create}"));
    let (first, first_token) = (stage.named("grant").to_owned(), stage.named("token").to_owned());
    stage.play(&create);
    assert_eq!(stage.named("grant"), first);
    assert_ne!(stage.named("token"), first_token);
    stage.play(&format!(r#"create-grant {TO_BOB} Operations=["Encrypt"] Name=n"#));
    assert_ne!(stage.named("grant"), first, "other parameters, another grant");
    stage.play(&format!("create-key; {create}"));
    assert_ne!(stage.named("grant"), first, "names are per key");
}

#[test]
fn a_token_is_real_or_refused_and_gives_no_right_by_itself() {
    let lend = format!(r#"create-key; encrypt x; create-grant {TO_BOB} Operations=["Decrypt"]"#);
    check(&format!("{lend}; as bob; decrypt $last GrantTokens=[\"$token\"]"), expect!["x"]);
    check(&format!("{lend}; restart; as bob; decrypt $last GrantTokens=[\"$token\"]"), expect!["x"]);
    check(
        &format!("{lend}; as bob; decrypt $last GrantTokens=[\"junk\"]"),
        expect!["InvalidGrantTokenException 400: The grant token is not valid."],
    );
    check(
        &format!("{lend}; as carol; decrypt $last GrantTokens=[\"$token\"] .Plaintext"),
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::111122223333:user/carol is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because no identity-based policy allows the kms:Decrypt action"
        ],
    );
}

#[test]
fn revoked_and_retired_grants_end_at_once() {
    let lend = format!(
        r#"create-key; encrypt x; create-grant {TO_BOB} Operations=["Decrypt","RetireGrant"] RetiringPrincipal=arn:aws:iam::111122223333:user/carol"#
    );
    check(&format!("{lend}; revoke-grant GrantId=$grant; list-grants .Grants"), expect!["[]"]);
    check(&format!("{lend}; as carol; retire-grant GrantToken=$token; as root; list-grants .Grants"), expect!["[]"]);
    check(&format!("{lend}; as bob; retire-grant GrantToken=$token"), expect!["ok"]);
    check(
        &format!("{lend}; as dev/ann; retire-grant KeyId=arn:aws:kms:us-east-1:111122223333:key/$key GrantId=$grant"),
        expect!["ok"],
    );
    check(
        &format!("{lend}; as sam; retire-grant GrantToken=$token"),
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::444455556666:user/sam is not authorized to perform: kms:RetireGrant on resource: KEY because no resource-based policy allows the kms:RetireGrant action"
        ],
    );
    check(
        &format!("{lend}; retire-grant GrantToken=$token; retire-grant GrantToken=$token"),
        expect!["NotFoundException 400: Grant ID GRANT not found"],
    );
    check("create-key; revoke-grant GrantId=short", expect!["InvalidGrantIdException 400: Invalid grant ID: short"]);
    check(
        "create-key; retire-grant",
        expect!["ValidationException 400: Specify either a grant token, or a key ARN and a grant ID."],
    );
    check("create-key; retire-grant KeyId=$key GrantId=x", expect!["InvalidArnException 400: ARN is not valid: KEY"]);
}

#[test]
fn the_retiring_service_ends_the_grant_of_an_attachment() {
    check(
        r#"create-key; as alice; through ec2; create-grant GranteePrincipal=arn:aws:sts::111122223333:assumed-role/aws:ec2-infrastructure/i-0c9d812c0cfa2790f RetiringPrincipal=ec2.us-east-1.amazonaws.com Operations=["Decrypt"]; as ec2; retire-grant GrantToken=$token"#,
        expect!["ok"],
    );
}

#[test]
fn the_role_of_a_host_opens_a_volume_key_through_its_grant_alone() {
    let attach = r#"create-key; as alice; through ec2; generate-data-key-without-plaintext NumberOfBytes=64 EncryptionContext={"aws:ebs:id":"vol-1"}; create-grant GranteePrincipal=arn:aws:sts::111122223333:assumed-role/aws:ec2-infrastructure/i-1 RetiringPrincipal=ec2.us-east-1.amazonaws.com Operations=["Decrypt"] Constraints={"EncryptionContextSubset":{"aws:ebs:id":"vol-1"}}"#;
    let decrypt = r#"decrypt $last EncryptionContext={"aws:ebs:id":"vol-1"} GrantTokens=["$token"]"#;
    check(&format!("{attach}; as aws:ec2-infrastructure/i-1; {decrypt}"), expect!["(bytes)"]);
    check(
        &format!("{attach}; as aws:ec2-infrastructure/i-2; {decrypt}"),
        expect![
            "AccessDeniedException 400: User: arn:aws:sts::111122223333:assumed-role/aws:ec2-infrastructure/i-2 is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because no identity-based policy allows the kms:Decrypt action"
        ],
    );
    let managed = attach.replace("create-key; ", "").replace("NumberOfBytes", "KeyId=alias/aws/ebs NumberOfBytes");
    let managed = managed.replace("; create-grant", "; describe-key alias/aws/ebs; create-grant");
    check(&format!("{managed}; as aws:ec2-infrastructure/i-1; {decrypt}"), expect!["(bytes)"]);
}

#[test]
fn a_grantee_passes_on_no_more_than_it_holds() {
    let lend = format!(r#"create-key; create-grant {TO_BOB} Operations=["CreateGrant","Decrypt"]; as bob"#);
    let pass_on = "create-grant GranteePrincipal=arn:aws:iam::111122223333:user/carol";
    check(&format!(r#"{lend}; {pass_on} Operations=["Decrypt"]"#), expect!["ok"]);
    check(
        &format!(r#"{lend}; {pass_on} Operations=["Encrypt"]"#),
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::111122223333:user/bob is not authorized to perform: kms:CreateGrant on resource: KEY because no identity-based policy allows the kms:CreateGrant action"
        ],
    );
}

#[test]
fn principals_and_operations_are_checked() {
    let create = "create-key; create-grant";
    check(
        &format!(r#"{create} GranteePrincipal=arn:aws:iam::111122223333:user/nobody Operations=["Decrypt"]"#),
        expect![
            "InvalidArnException 400: ARN does not refer to a valid principal: arn:aws:iam::111122223333:user/nobody"
        ],
    );
    check(
        &format!(r#"{create} GranteePrincipal=bob Operations=["Decrypt"]"#),
        expect!["InvalidArnException 400: ARN is not valid: bob"],
    );
    check(
        &format!(r#"{create} {TO_BOB} Operations=["Sign"]"#),
        expect![
            "ValidationException 400: Operations [Sign] are not supported when creating a grant for a symmetric KMS key with key usage ENCRYPT_DECRYPT. Valid operations are [Decrypt, Encrypt, GenerateDataKey, GenerateDataKeyWithoutPlaintext, ReEncryptFrom, ReEncryptTo, CreateGrant, RetireGrant, DescribeKey, GenerateDataKeyPair, GenerateDataKeyPairWithoutPlaintext]"
        ],
    );
    check(
        &format!(r#"create-key; disable-key; create-grant {TO_BOB} Operations=["Decrypt"]"#),
        expect!["DisabledException 400: KEY is disabled."],
    );
}

#[test]
fn a_list_entry_has_aws_members() {
    check(
        &format!(r#"create-key; create-grant {TO_BOB} Operations=["Decrypt"] Name=n; list-grants .Grants.0"#),
        expect![[
            r#"{"KeyId":"KEY","GrantId":"GRANT","Name":"n","CreationDate":1768467600.0,"GranteePrincipal":"arn:aws:iam::111122223333:user/bob","IssuingAccount":"arn:aws:iam::111122223333:root","Operations":["Decrypt"]}"#
        ]],
    );
    let two = format!(
        r#"create-key; create-grant {TO_BOB} Operations=["Decrypt"]; create-grant {TO_BOB} Operations=["Decrypt"]"#
    );
    check(&format!("{two}; list-grants Limit=1; list-grants Limit=1 Marker=$marker .Truncated"), expect!["false"]);
    check(&format!("{two}; list-grants Marker=junk"), expect!["InvalidMarkerException 400"]);
    check(&format!("{two}; list-grants GrantId=$grant .Grants.0.GrantId .Grants.1"), expect!["GRANT absent"]);
}

#[derive(Clone, Debug)]
enum Act {
    Create(u8, bool),
    Revoke(u8),
    Restart,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => (0u8..4, any::<bool>()).prop_map(|(name, wide)| Act::Create(name, wide)),
        2 => (0u8..8).prop_map(Act::Revoke),
        1 => Just(Act::Restart),
    ];
    proptest::collection::vec(act, 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Grants behave as a map from id to (name, operations) in which a retry finds the same id.
    #[test]
    fn grants_are_a_map_with_idempotent_names(acts in acts()) {
        let mut stage = Stage::new();
        stage.play("create-key");
        let key = stage.named("key").to_owned();
        let mut model: BTreeMap<String, (u8, bool)> = BTreeMap::new();
        for act in acts {
            match act {
                Act::Create(name, wide) => {
                    let operations = if wide { json!(["Encrypt", "Decrypt"]) } else { json!(["Decrypt"]) };
                    let answer = stage.call("create-grant", &json!({
                        "KeyId": key, "GranteePrincipal": "arn:aws:iam::111122223333:user/bob",
                        "Operations": operations, "Name": format!("n{name}"),
                    })).unwrap();
                    let id = answer["GrantId"].as_str().unwrap().to_owned();
                    let earlier = model.iter().find(|(_, grant)| **grant == (name, wide)).map(|(id, _)| id.clone());
                    prop_assert!(earlier.is_none_or(|earlier| earlier == id));
                    model.insert(id, (name, wide));
                }
                Act::Revoke(nth) => {
                    let Some(id) = model.keys().nth(usize::from(nth)).cloned() else { continue };
                    stage.call("revoke-grant", &json!({"KeyId": key, "GrantId": id})).unwrap();
                    model.remove(&id);
                }
                Act::Restart => drop(stage.play("restart")),
            }
        }
        let listed = stage.call("list-grants", &json!({"KeyId": key, "Limit": 100})).unwrap();
        let ids: Vec<&str> = listed["Grants"].as_array().unwrap().iter().map(|grant| grant["GrantId"].as_str().unwrap()).collect();
        prop_assert_eq!(ids, model.keys().map(String::as_str).collect::<Vec<_>>());
    }
}
