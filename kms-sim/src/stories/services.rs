//! Grants to services: for one resource, ended by somebody who was named, listed by who may end them.

use expect_test::expect;

use super::check;
use super::stage::Stage;

const BUCKET: &str = "arn:aws:s3:us-east-1:111122223333:bucket/b";

fn grant(rest: &str) -> String {
    format!(r#"create-grant GranteeServicePrincipal=ec2.us-east-1.amazonaws.com Operations=["Decrypt"] {rest}"#)
}

fn full() -> String {
    grant(&format!(r#"RetiringPrincipal=arn:aws:iam::111122223333:user/bob Constraints={{"SourceArn":"{BUCKET}"}}"#))
}

#[test]
fn a_grant_to_a_service_names_a_resource_and_who_may_end_it() {
    check(
        &format!("create-key; {}", grant("")),
        expect![
            "ValidationException 400: You must specify a SourceArn grant constraint when you specify a GranteeServicePrincipal."
        ],
    );
    check(
        &format!("create-key; {}", grant(&format!(r#"Constraints={{"SourceArn":"{BUCKET}"}}"#))),
        expect![
            "ValidationException 400: You must specify either RetiringPrincipal or RetiringServicePrincipal when you specify a GranteeServicePrincipal."
        ],
    );
    check(
        r#"create-key; create-grant Operations=["Decrypt"]"#,
        expect![
            "ValidationException 400: You must specify either GranteePrincipal or GranteeServicePrincipal, but not both."
        ],
    );
    check(
        &format!("create-key; {} RetiringServicePrincipal=ec2.amazonaws.com", full()),
        expect![
            "ValidationException 400: You must specify either RetiringPrincipal or RetiringServicePrincipal, but not both."
        ],
    );
    check(
        &format!(
            "create-key; {}",
            grant(r#"RetiringServicePrincipal=ec2.amazonaws.com Constraints={"SourceArn":"arn:aws:s3:::no-account"}"#)
        ),
        expect![
            "ValidationException 400: 1 validation error detected: Value 'arn:aws:s3:::no-account' at 'constraints.sourceArn' failed to satisfy constraint: Member must satisfy regular expression pattern: ^arn:aws[a-z0-9-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:.+$"
        ],
    );
    check(
        &format!(
            "create-key; {}; list-grants .Grants.0.GranteeServicePrincipal .Grants.0.GranteePrincipal .Grants.0.RetiringPrincipal .Grants.0.Constraints",
            full()
        ),
        expect![[
            r#"ec2.us-east-1.amazonaws.com absent arn:aws:iam::111122223333:user/bob {"SourceArn":"arn:aws:s3:us-east-1:111122223333:bucket/b"}"#
        ]],
    );
}

#[test]
fn the_service_may_use_the_key_on_behalf_of_that_resource_alone() {
    let told = format!("create-key; encrypt x; {}; restart; as ec2", full());
    check(&format!("{told}; behalf {BUCKET}; decrypt $last"), expect!["x"]);
    let refused = "AccessDeniedException 400: User: ec2.us-east-1.amazonaws.com is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because no resource-based policy allows the kms:Decrypt action";
    for other in ["", "; behalf arn:aws:s3:us-east-1:111122223333:bucket/other"] {
        assert_eq!(Stage::new().play(&format!("{told}{other}; decrypt $last")), refused, "{other}");
    }
}

#[test]
fn the_source_of_a_service_s_request_is_a_condition_too() {
    let policy = format!(
        r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::111122223333:root"}},"Action":"kms:*","Resource":"*"}},{{"Effect":"Allow","Principal":{{"Service":"ec2.amazonaws.com"}},"Action":"kms:Decrypt","Resource":"*","Condition":{{"ArnEquals":{{"aws:SourceArn":"{BUCKET}"}}}}}}]}}"#
    );
    let told = format!("create-key Policy={}; encrypt x; as ec2", serde_json::to_string(&policy).unwrap());
    check(&format!("{told}; behalf {BUCKET}; decrypt $last"), expect!["x"]);
    check(
        &format!("{told}; decrypt $last"),
        expect![
            "AccessDeniedException 400: User: ec2.us-east-1.amazonaws.com is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because no resource-based policy allows the kms:Decrypt action"
        ],
    );
}

#[test]
fn retirable_grants_are_listed_across_keys_for_principals_of_the_own_account() {
    let plain = r#"create-grant GranteePrincipal=arn:aws:iam::111122223333:user/carol RetiringPrincipal=arn:aws:iam::111122223333:user/bob Operations=["Decrypt"]"#;
    let bobs = "list-retirable-grants KeyId=- RetiringPrincipal=arn:aws:iam::111122223333:user/bob";
    let mut stage = Stage::new();
    stage.play(&format!("create-key; {plain}; create-key; {plain}; {}", full()));
    let listed = |stage: &Stage| {
        let request = serde_json::json!({"RetiringPrincipal": "arn:aws:iam::111122223333:user/bob"});
        stage.call("list-retirable-grants", &request).unwrap()["Grants"].as_array().unwrap().len()
    };
    assert_eq!(listed(&stage), 3);
    assert_eq!(
        stage.play(&format!("{bobs} Limit=2 .Grants.1.RetiringPrincipal .Grants.2 .Truncated")),
        "arn:aws:iam::111122223333:user/bob absent true"
    );
    assert_eq!(stage.play(&format!("{bobs} Limit=2 Marker=$marker .Grants.1 .Truncated")), "absent false");
    stage.play("revoke-grant GrantId=$grant; restart");
    assert_eq!(listed(&stage), 2);
    stage.play("schedule-key-deletion; days 31");
    assert_eq!(listed(&stage), 1, "a key takes its grants along");
    assert_eq!(stage.play(&format!("in eu-west-1; {bobs} .Grants")), "[]");
    check(
        "list-retirable-grants KeyId=- RetiringPrincipal=arn:aws:iam::444455556666:user/sam",
        expect!["InvalidArnException 400: ARN does not refer to a valid principal: arn:aws:iam::444455556666:user/sam"],
    );
    check(
        "list-retirable-grants KeyId=-",
        expect![
            "ValidationException 400: You must specify either RetiringPrincipal or RetiringServicePrincipal, but not both."
        ],
    );
    check(
        &format!("as bob; {bobs}"),
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::111122223333:user/bob is not authorized to perform: kms:ListRetirableGrants on resource: arn:aws:iam::111122223333:user/bob because no identity-based policy allows the kms:ListRetirableGrants action"
        ],
    );
    check(
        "list-retirable-grants KeyId=- RetiringServicePrincipal=ec2.amazonaws.com",
        expect![
            "ValidationException 400: RetiringServicePrincipal can only be used by callers that are AWS service principals."
        ],
    );
}
