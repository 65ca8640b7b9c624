//! Key policy, IAM and accounts: who is let in, and in which words the others are refused.

use expect_test::expect;

use super::check;

const ONLY_BOB: &str = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:user/bob"]},"Action":"kms:*","Resource":"*"}]}"#;
const OPEN_TO_STRANGERS: &str = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:root","arn:aws:iam::444455556666:root"]},"Action":"kms:*","Resource":"*"}]}"#;

#[test]
fn the_default_policy_hands_the_decision_to_iam() {
    check("create-key; as alice; encrypt x; decrypt $last", expect!["x"]);
    check(
        "create-key; as bob; encrypt x",
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::111122223333:user/bob is not authorized to perform: kms:Encrypt on resource: KEY because no identity-based policy allows the kms:Encrypt action"
        ],
    );
    check(
        "as bob; create-key",
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::111122223333:user/bob is not authorized to perform: kms:CreateKey on resource: * because no identity-based policy allows the kms:CreateKey action"
        ],
    );
}

#[test]
fn without_the_account_in_the_key_policy_iam_is_not_heard() {
    let theirs = format!("create-key; put-key-policy BypassPolicyLockoutSafetyCheck=true Policy={}", quoted(ONLY_BOB));
    check(
        &format!("{theirs}; as alice; encrypt x"),
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::111122223333:user/alice is not authorized to perform: kms:Encrypt on resource: KEY because no resource-based policy allows the kms:Encrypt action"
        ],
    );
    check(&format!("{theirs}; as bob; encrypt x; decrypt $last"), expect!["x"]);
    check(
        &format!("{theirs}; as root; describe-key"),
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::111122223333:root is not authorized to perform: kms:DescribeKey on resource: KEY because no resource-based policy allows the kms:DescribeKey action"
        ],
    );
}

#[test]
fn a_policy_that_locks_the_caller_out_or_means_nothing_is_refused() {
    check(
        &format!("create-key; put-key-policy Policy={}", quoted(ONLY_BOB)),
        expect![
            "MalformedPolicyDocumentException 400: The new key policy will not allow you to update the key policy in the future."
        ],
    );
    check(
        &format!("create-key; put-key-policy Policy={}", quoted(&ONLY_BOB.replace("bob", "nobody"))),
        expect![
            "MalformedPolicyDocumentException 400: Policy contains a statement with one or more invalid principals."
        ],
    );
    check(
        r#"create-key; put-key-policy Policy="{""#,
        expect!["MalformedPolicyDocumentException 400: the policy is not valid JSON"],
    );
    check(
        &format!("create-key; put-key-policy PolicyName=other Policy={}", quoted(ONLY_BOB)),
        expect!["NotFoundException 400: No such policy exists"],
    );
    check(
        &format!(
            "create-key; put-key-policy BypassPolicyLockoutSafetyCheck=true Policy={0}; as bob; get-key-policy .Policy",
            quoted(ONLY_BOB)
        ),
        expect![[
            r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:user/bob"]},"Action":"kms:*","Resource":"*"}]}"#
        ]],
    );
    check("create-key; list-key-policies .PolicyNames", expect![[r#"["default"]"#]]);
}

#[test]
fn across_accounts_both_sides_must_agree_and_only_some_operations_travel() {
    let open = format!("create-key Policy={}; encrypt x", quoted(OPEN_TO_STRANGERS));
    let arn = "KeyId=arn:aws:kms:us-east-1:111122223333:key/$key";
    check(&format!("{open}; as sam; decrypt $last"), expect!["x"]);
    check(&format!("{open}; as sam; encrypt y {arn} .KeyId"), expect!["KEY"]);
    check(
        &format!("{open}; as sam; disable-key {arn}"),
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::444455556666:user/sam is not authorized to perform: kms:DisableKey on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access"
        ],
    );
}

#[test]
fn a_closed_key_and_a_missing_one_look_the_same_from_abroad() {
    let text = "AccessDeniedException 400: User: arn:aws:iam::444455556666:user/sam is not authorized to perform: kms:DescribeKey on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access";
    let closed =
        super::Stage::new().play("create-key; as sam; describe-key KeyId=arn:aws:kms:us-east-1:111122223333:key/$key");
    let missing = super::Stage::new()
        .play("as sam; describe-key arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab");
    assert_eq!(closed, text);
    assert_eq!(missing, text);
    check(
        "create-key; encrypt x; as sam; decrypt $last",
        expect![
            "AccessDeniedException 400: The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access."
        ],
    );
}

#[test]
fn conditions_see_the_call() {
    let policy = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},{"Effect":"Deny","Principal":"*","Action":"kms:Decrypt","Resource":"*","Condition":{"StringNotEquals":{"kms:EncryptionContext:app":"shop"}}}]}"#;
    let create = format!("create-key Policy={}; encrypt x app:shop; encrypt y", quoted(policy));
    check(&format!("{create}; encrypt x app:shop; decrypt $last app:shop"), expect!["x"]);
    check(
        &format!("{create}; as alice; decrypt $last KeyId=$key"),
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::111122223333:user/alice is not authorized to perform: kms:Decrypt on resource: KEY with an explicit deny in a resource-based policy"
        ],
    );
}

#[test]
fn a_right_to_lend_can_be_kept_to_services() {
    let policy = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Action":"kms:CreateGrant","Resource":"*","Condition":{"Bool":{"kms:GrantIsForAWSResource":"true"}}}]}"#;
    let create = format!("create-key Policy={}; as bob", quoted(policy));
    let grant = r#"create-grant GranteePrincipal=arn:aws:iam::111122223333:user/carol Operations=["Decrypt"]"#;
    check(&format!("{create}; through ec2; {grant}"), expect!["ok"]);
    check(
        &format!("{create}; {grant}"),
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::111122223333:user/bob is not authorized to perform: kms:CreateGrant on resource: KEY because no identity-based policy allows the kms:CreateGrant action"
        ],
    );
}

#[test]
fn the_alias_that_was_used_can_decide() {
    let policy = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Action":"kms:Encrypt","Resource":"*","Condition":{"StringEquals":{"kms:RequestAlias":"alias/app"},"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/app"}}}]}"#;
    let create =
        format!("create-key Policy={}; create-alias alias/app; create-alias alias/other; as bob", quoted(policy));
    check(&format!("{create}; encrypt x KeyId=alias/app .KeyId"), expect!["KEY"]);
    check(
        &format!("{create}; encrypt x KeyId=alias/other"),
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::111122223333:user/bob is not authorized to perform: kms:Encrypt on resource: KEY because no identity-based policy allows the kms:Encrypt action"
        ],
    );
}

#[test]
fn a_permission_can_end_on_the_simulated_clock() {
    let policy = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Action":"kms:Encrypt","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"2026-01-17T00:00:00Z"}}}]}"#;
    let create = format!("create-key Policy={}; as bob", quoted(policy));
    check(&format!("{create}; days 1; encrypt x"), expect!["ok"]);
    check(
        &format!("{create}; days 2; encrypt x"),
        expect![
            "AccessDeniedException 400: User: arn:aws:iam::111122223333:user/bob is not authorized to perform: kms:Encrypt on resource: KEY because no identity-based policy allows the kms:Encrypt action"
        ],
    );
}

/// A policy text as the story's JSON string, without blanks.
fn quoted(policy: &str) -> String {
    serde_json::to_string(policy).unwrap()
}
