//! Each remedy is told in a sentence, and applied once more from its data alone, on the policies' JSON, by another hand.

use std::sync::Arc;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::call::CallContext;
use crate::id::{AccountId, Region};
use crate::identity::{IdentityPolicies, NamedPolicy};
use crate::policy::condition::Facts;
use crate::policy::document::PolicyDocument;
use crate::policy::evaluate::{GrantVoice, ResourceRule, ResourceVoice};
use crate::policy::explain::Explanation;
use crate::principal::Principal;

const OWNER: &str = "111122223333";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/abc";

/// One refused call, with its policies as JSON.
#[derive(Clone, Debug)]
struct Case {
    who: Principal,
    rule: Option<ResourceRule>,
    action: &'static str,
    facts: Vec<(String, String)>,
    identity: Vec<Value>,
    boundary: Vec<Value>,
    session: Vec<Value>,
    resource: Vec<Value>,
    granted: Option<bool>,
}

fn account(id: &str) -> AccountId {
    AccountId::parse(id).unwrap()
}

fn user(of: &str) -> Principal {
    Principal::User { account: account(of), id: "AIDAEXAMPLE".into(), path: "/".into(), name: "ada".into() }
}

fn session() -> Principal {
    Principal::AssumedRole {
        account: account(OWNER),
        role_id: "AROAEXAMPLE".into(),
        path: "/".into(),
        role: "reader".into(),
        session: "tuesday".into(),
    }
}

/// The statement of a default key policy.
fn root_statement() -> Value {
    json!({ "Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{OWNER}:root") },
            "Action": "kms:*", "Resource": "*" })
}

fn own(effect: &str, action: &str) -> Value {
    json!({ "Effect": effect, "Action": action, "Resource": "*" })
}

/// The statement by which a key policy lets `user` use the key.
fn use_statement(user: &str) -> Value {
    json!({ "Sid": "Allow use of the key", "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{OWNER}:user/{user}") },
            "Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": "*" })
}

fn with_condition(mut statement: Value, operator: &str, key: &str, value: &str) -> Value {
    statement["Condition"] = json!({ operator: { key: value } });
    statement
}

/// A call of kms:Decrypt on a key whose policy is the default one.
fn decrypt(who: Principal) -> Case {
    Case {
        who,
        rule: Some(ResourceRule::KeyPolicy),
        action: "kms:Decrypt",
        facts: Vec::new(),
        identity: Vec::new(),
        boundary: Vec::new(),
        session: Vec::new(),
        resource: vec![root_statement()],
        granted: None,
    }
}

/// A layer's policy, or none when it has no statement.
fn policy(name: &str, statements: &[Value]) -> Option<NamedPolicy> {
    let document = PolicyDocument::from_value(&json!({ "Version": "2012-10-17", "Statement": statements })).unwrap();
    (!statements.is_empty()).then(|| NamedPolicy { name: name.into(), document: Arc::new(document) })
}

impl Case {
    fn heard<T>(&self, listen: impl FnOnce(&Question<'_>, &Voices<'_>) -> T) -> T {
        let (owner, policy_of_resource) = (account(OWNER), policy("resource", &self.resource));
        let identity = IdentityPolicies {
            identity: policy("mine", &self.identity).into_iter().collect(),
            boundary: policy("limit", &self.boundary),
            session: policy("inline", &self.session).into_iter().collect(),
            tags: Vec::new(),
        };
        let grants: Vec<GrantVoice> = self.granted.map(granted).into_iter().collect();
        let mut facts = Facts::default();
        for (key, value) in &self.facts {
            facts.set(key, value);
        }
        let call = CallContext::local(self.who.clone(), Region::default_region(), "r");
        let resource = self.rule.map(|rule| ResourceVoice { owner: &owner, policy: policy_of_resource.as_ref(), rule });
        let question = Question { call: &call, action: self.action, resource: KEY, facts: &facts };
        listen(&question, &Voices { identity: &identity, resource, grants: &grants })
    }

    fn remedies(&self, fixed: &[Layer]) -> Vec<Remedy> {
        self.heard(|question, voices| remedies(question, voices, fixed))
    }

    fn explanation(&self) -> Explanation {
        self.heard(evaluate)
    }

    fn layer(&mut self, layer: Layer) -> &mut Vec<Value> {
        match layer {
            Layer::IdentityPolicy => &mut self.identity,
            Layer::PermissionsBoundary => &mut self.boundary,
            Layer::SessionPolicy => &mut self.session,
            Layer::ResourcePolicy => &mut self.resource,
            Layer::Grant | Layer::AccountRoot => panic!("{layer:?} has no policy"),
        }
    }

    /// Does what a step says, from its data alone. Removal only marks, so that other steps still find their statement.
    fn apply(&mut self, step: &Step) {
        match &step.change {
            Change::AddStatement { addition } => self.layer(step.layer).push(addition.clone()),
            Change::CreateGrant { direct, .. } => self.granted = Some(*direct),
            Change::SendContext { context } => {
                let key = |name| format!("kms:EncryptionContext:{name}");
                self.facts.extend(context.iter().map(|(name, value)| (key(name), value.clone())));
            }
            change => {
                let statements = self.layer(step.layer);
                let labelled = |(index, one): (usize, &Value)| {
                    one["Sid"].as_str().map_or(format!("statement {}", index + 1), str::to_owned) == step.statement
                };
                let at = statements.iter().enumerate().position(labelled).unwrap();
                rewrite(&mut statements[at], change);
            }
        }
    }
}

fn granted(direct: bool) -> GrantVoice {
    GrantVoice { id: "g".into(), fits: Ok(()), cross_account: true, direct }
}

fn rewrite(statement: &mut Value, change: &Change) {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    match change {
        Change::NamePrincipal { principal, service } => {
            let kind = if *service { "Service" } else { "AWS" };
            let mut names = statement["Principal"].get(kind).map(list).unwrap_or_default();
            names.push(json!(principal));
            statement["Principal"][kind] = names.into();
        }
        Change::WidenCondition { operator, key, values } => {
            let own = &mut statement["Condition"][operator][key];
            *own = list(own).into_iter().chain(values.iter().map(|value| json!(value))).collect();
        }
        Change::DropCondition { operator, key } => {
            statement["Condition"][operator].as_object_mut().unwrap().remove(key).unwrap();
        }
        Change::SpareCaller { operator, key, value } => statement["Condition"][operator] = json!({ key: value }),
        Change::RemoveStatement => statement["Action"] = json!("none:None"),
        other => panic!("{other:?} changes no statement"),
    }
}

/// Checks the sentences, and that each remedy allows the call when its data is applied to the JSON.
fn check(case: &Case, expected: Expect) {
    assert!(!case.explanation().allowed());
    let remedies = case.remedies(&[]);
    assert_confirmed(case, &remedies);
    expected.assert_eq(&told(&remedies));
}

fn told(remedies: &[Remedy]) -> String {
    remedies.iter().map(|remedy| format!("{}\n", remedy.sentence.replace(KEY, "KEY"))).collect()
}

fn assert_confirmed(case: &Case, remedies: &[Remedy]) {
    for remedy in remedies {
        let mut changed = case.clone();
        remedy.steps.iter().for_each(|step| changed.apply(step));
        assert!(changed.explanation().allowed(), "{remedy:?}\n{case:?}");
        // And nothing less would do: no step is there for show.
        for idle in 0..remedy.steps.len() {
            let mut lazy = case.clone();
            remedy.steps.iter().enumerate().filter(|(index, _)| *index != idle).for_each(|(_, step)| lazy.apply(step));
            assert!(!lazy.explanation().allowed(), "step {idle} of {remedy:?} is not needed\n{case:?}");
        }
    }
}

#[test]
fn a_user_whom_nobody_allows_gets_three_ways() {
    check(
        &decrypt(user(OWNER)),
        expect![[r#"
        allow kms:Decrypt on KEY in a policy of arn:aws:iam::111122223333:user/ada
        allow kms:Decrypt to arn:aws:iam::111122223333:user/ada in the key policy
        create a grant for Decrypt to arn:aws:iam::111122223333:user/ada
    "#]],
    );
}

#[test]
fn a_statement_that_names_others_may_name_one_more() {
    let case = Case { resource: vec![root_statement(), use_statement("ben")], ..decrypt(user(OWNER)) };
    check(
        &case,
        expect![[r#"
        name arn:aws:iam::111122223333:user/ada as a Principal in statement "Allow use of the key" of the key policy
        allow kms:Decrypt on KEY in a policy of arn:aws:iam::111122223333:user/ada
        create a grant for Decrypt to arn:aws:iam::111122223333:user/ada
    "#]],
    );
}

#[test]
fn across_accounts_both_sides_must_change_and_the_root_statement_is_not_widened() {
    check(
        &decrypt(user("444455556666")),
        expect![[r#"
        allow kms:Decrypt on KEY in a policy of arn:aws:iam::444455556666:user/ada; and allow kms:Decrypt to arn:aws:iam::444455556666:user/ada in the key policy
        allow kms:Decrypt on KEY in a policy of arn:aws:iam::444455556666:user/ada; and create a grant for Decrypt to arn:aws:iam::444455556666:user/ada
    "#]],
    );
}

#[test]
fn a_condition_takes_one_more_value_or_goes() {
    let through_s3 =
        with_condition(use_statement("ada"), "StringEquals", "kms:ViaService", "s3.us-east-1.amazonaws.com");
    let direct = Case { resource: vec![through_s3], ..decrypt(user(OWNER)) };
    check(
        &direct,
        expect![[r#"
        drop the condition StringEquals kms:ViaService from statement "Allow use of the key" of the key policy
        allow kms:Decrypt to arn:aws:iam::111122223333:user/ada in the key policy
        create a grant for Decrypt to arn:aws:iam::111122223333:user/ada
    "#]],
    );
    let facts = vec![("kms:ViaService".into(), "ec2.us-east-1.amazonaws.com".into())];
    check(
        &Case { facts, ..direct },
        expect![[r#"
        let StringEquals kms:ViaService also take ec2.us-east-1.amazonaws.com in statement "Allow use of the key" of the key policy
        allow kms:Decrypt to arn:aws:iam::111122223333:user/ada in the key policy
        create a grant for Decrypt to arn:aws:iam::111122223333:user/ada
    "#]],
    );
}

#[test]
fn a_missing_encryption_context_is_better_sent_than_waived() {
    let with_app = with_condition(use_statement("ada"), "StringEquals", "kms:EncryptionContext:App", "Ledger");
    check(
        &Case { resource: vec![with_app], ..decrypt(user(OWNER)) },
        expect![[r#"
        send the encryption context App=Ledger, as statement "Allow use of the key" of the key policy asks
        drop the condition StringEquals kms:EncryptionContext:App from statement "Allow use of the key" of the key policy
        allow kms:Decrypt to arn:aws:iam::111122223333:user/ada in the key policy
    "#]],
    );
}

#[test]
fn a_deny_spares_the_caller_or_goes() {
    let deny = with_condition(own("Deny", "kms:*"), "Bool", "aws:SecureTransport", "false");
    let case = Case { identity: vec![own("Allow", "kms:*"), deny], ..decrypt(session()) };
    check(
        &case,
        expect![[r#"
        spare arn:aws:iam::111122223333:role/reader from the Deny in statement 2 of the policy mine, by the condition ArnNotEquals aws:PrincipalArn
        remove the Deny in statement 2 of the policy mine
    "#]],
    );
}

#[test]
fn behind_a_deny_an_allow_may_be_missing_too() {
    let case =
        Case { identity: vec![own("Deny", "kms:Decrypt")], boundary: vec![own("Deny", "*")], ..decrypt(user(OWNER)) };
    check(
        &case,
        expect![[r#"
        spare arn:aws:iam::111122223333:user/ada from the Deny in statement 1 of the policy mine, by the condition ArnNotEquals aws:PrincipalArn; and spare arn:aws:iam::111122223333:user/ada from the Deny in statement 1 of the permissions boundary limit, by the condition ArnNotEquals aws:PrincipalArn; and allow kms:Decrypt to arn:aws:iam::111122223333:user/ada in the key policy
        spare arn:aws:iam::111122223333:user/ada from the Deny in statement 1 of the policy mine, by the condition ArnNotEquals aws:PrincipalArn; and spare arn:aws:iam::111122223333:user/ada from the Deny in statement 1 of the permissions boundary limit, by the condition ArnNotEquals aws:PrincipalArn; and create a grant for Decrypt to arn:aws:iam::111122223333:user/ada
        remove the Deny in statement 1 of the policy mine; and remove the Deny in statement 1 of the permissions boundary limit; and allow kms:Decrypt to arn:aws:iam::111122223333:user/ada in the key policy
    "#]],
    );
}

#[test]
fn limits_of_a_session_must_let_it_through() {
    let allowed = Case { identity: vec![own("Allow", "kms:*")], ..decrypt(session()) };
    check(
        &Case { boundary: vec![own("Allow", "s3:*")], ..allowed.clone() },
        expect![[r#"
        allow kms:Decrypt on KEY in the permissions boundary of arn:aws:iam::111122223333:role/reader
    "#]],
    );
    check(
        &Case { session: vec![own("Allow", "s3:*")], ..allowed },
        expect![[r#"
        assume the role with a session policy that lets through kms:Decrypt on KEY
    "#]],
    );
}

#[test]
fn a_root_user_and_a_service_can_only_be_named_by_the_key() {
    let root = Principal::Root { account: account(OWNER) };
    check(
        &Case { resource: vec![use_statement("ben")], ..decrypt(root) },
        expect![[r#"
        name arn:aws:iam::111122223333:root as a Principal in statement "Allow use of the key" of the key policy
        create a grant for Decrypt to arn:aws:iam::111122223333:root
    "#]],
    );
    let ec2 = Principal::Service { account: account(OWNER), name: "ec2.us-east-1.amazonaws.com".into() };
    check(
        &decrypt(ec2.clone()),
        expect![[r#"
        allow kms:Decrypt to ec2.us-east-1.amazonaws.com in the key policy
        create a grant for Decrypt to ec2.us-east-1.amazonaws.com
    "#]],
    );
    let deny = json!({ "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*" });
    let allow = json!({ "Effect": "Allow", "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "kms:*", "Resource": "*" });
    check(
        &Case { resource: vec![allow, deny], ..decrypt(ec2) },
        expect![[r#"
        spare ec2.us-east-1.amazonaws.com from the Deny in statement 2 of the key policy, by the condition StringNotEquals aws:PrincipalServiceName
        remove the Deny in statement 2 of the key policy
    "#]],
    );
}

#[test]
fn a_role_is_assumed_by_whom_its_trust_policy_names() {
    let trusts_ben = json!({ "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{OWNER}:user/ben") }, "Action": "sts:AssumeRole" });
    let case = Case {
        rule: Some(ResourceRule::Trust),
        action: "sts:AssumeRole",
        resource: vec![trusts_ben],
        ..decrypt(user(OWNER))
    };
    check(
        &case,
        expect![[r#"
        name arn:aws:iam::111122223333:user/ada as a Principal in statement 1 of the role's trust policy
    "#]],
    );
}

#[test]
fn an_action_without_a_resource_policy_is_the_callers_own_affair() {
    let case = Case { rule: None, action: "kms:ListKeys", resource: vec![], ..decrypt(user(OWNER)) };
    check(
        &case,
        expect![[r#"
        allow kms:ListKeys on KEY in a policy of arn:aws:iam::111122223333:user/ada
    "#]],
    );
}

#[test]
fn what_is_fixed_is_not_proposed() {
    let fixed = [Layer::ResourcePolicy, Layer::Grant];
    assert_eq!(told(&decrypt(user("444455556666")).remedies(&fixed)), "");
    let own_only = told(&decrypt(user(OWNER)).remedies(&fixed));
    assert_eq!(own_only, "allow kms:Decrypt on KEY in a policy of arn:aws:iam::111122223333:user/ada\n");
    let denied = Case {
        resource: vec![json!({ "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*" })],
        ..decrypt(user(OWNER))
    };
    assert_eq!(denied.remedies(&fixed), []);
}

#[test]
fn where_three_changes_are_missing_none_is_proposed() {
    let case = Case {
        boundary: vec![own("Allow", "s3:*")],
        session: vec![own("Allow", "s3:*")],
        ..decrypt(Principal::AssumedRole {
            account: account("444455556666"),
            role_id: "AROAEXAMPLE".into(),
            path: "/".into(),
            role: "reader".into(),
            session: "tuesday".into(),
        })
    };
    check(&case, expect![[r#""#]]);
}

#[test]
fn an_allowed_call_needs_no_remedy() {
    let case = Case { identity: vec![own("Allow", "kms:*")], ..decrypt(user(OWNER)) };
    assert!(case.explanation().allowed());
    assert_eq!(case.remedies(&[]), []);
}

#[test]
fn a_remedy_is_data_too() {
    let remedies = decrypt(user(OWNER)).remedies(&[]);
    expect![[r#"
        {
          "layer": "identity-policy",
          "sentence": "allow kms:Decrypt on arn:aws:kms:us-east-1:111122223333:key/abc in a policy of arn:aws:iam::111122223333:user/ada",
          "steps": [
            {
              "layer": "identity-policy",
              "source": "",
              "statement": "",
              "change": "addStatement",
              "addition": {
                "Effect": "Allow",
                "Action": "kms:Decrypt",
                "Resource": "arn:aws:kms:us-east-1:111122223333:key/abc"
              }
            }
          ]
        }"#]].assert_eq(&serde_json::to_string_pretty(&remedies[0]).unwrap());
    let again: Vec<Remedy> = serde_json::from_value(serde_json::to_value(&remedies).unwrap()).unwrap();
    assert_eq!(again, remedies);
}

fn statement() -> impl Strategy<Value = Value> {
    let effect = prop_oneof![3 => Just("Allow"), 1 => Just("Deny")];
    let action = prop::sample::select(vec!["kms:Decrypt", "kms:Enc*", "kms:*", "*", "s3:GetObject"]);
    let condition = prop::option::of(prop::sample::select(vec![
        ("StringEquals", "kms:ViaService", "s3.us-east-1.amazonaws.com"),
        ("StringNotEquals", "kms:EncryptionContext:App", "Ledger"),
        ("StringEquals", "kms:EncryptionContext:App", "Ledger"),
        ("StringLike", "kms:EncryptionContext:Tier", "g*"),
        ("Bool", "aws:SecureTransport", "true"),
        ("Null", "kms:ViaService", "false"),
    ]));
    (effect, action, condition).prop_map(|(effect, action, condition)| match condition {
        Some((operator, key, value)) => with_condition(own(effect, action), operator, key, value),
        None => own(effect, action),
    })
}

fn resource_statement() -> impl Strategy<Value = Value> {
    let whom = prop::sample::select(vec![
        json!("*"),
        json!({ "AWS": OWNER }),
        json!({ "AWS": format!("arn:aws:iam::{OWNER}:user/ada") }),
        json!({ "AWS": format!("arn:aws:iam::{OWNER}:role/reader") }),
        json!({ "AWS": "arn:aws:iam::444455556666:user/ben" }),
    ]);
    (statement(), whom).prop_map(|(mut statement, whom)| {
        statement["Principal"] = whom;
        statement
    })
}

fn case() -> impl Strategy<Value = Case> {
    let few = |most| prop::collection::vec(statement(), 0..most);
    let who = prop::sample::select(vec![
        user(OWNER),
        user("444455556666"),
        session(),
        Principal::Root { account: account(OWNER) },
    ]);
    let rule = prop::sample::select(vec![None, Some(ResourceRule::KeyPolicy), Some(ResourceRule::Either)]);
    let facts = prop::sample::subsequence(
        vec![
            ("kms:ViaService".to_owned(), "ec2.us-east-1.amazonaws.com".to_owned()),
            ("kms:EncryptionContext:App".to_owned(), "Other".to_owned()),
            ("kms:EncryptionContext:Tier".to_owned(), "silver".to_owned()),
        ],
        0..=3,
    );
    (who, rule, facts, few(3), few(2), few(2), prop::collection::vec(resource_statement(), 0..4)).prop_map(
        |(who, rule, facts, identity, boundary, session, resource)| Case {
            rule,
            facts,
            identity,
            boundary,
            session,
            resource,
            ..decrypt(who)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_remedy_of_any_refusal_works_and_has_no_idle_step(case in case()) {
        let remedies = case.remedies(&[]);
        prop_assert!(remedies.len() <= MOST);
        prop_assert!(remedies.is_empty() || !case.explanation().allowed());
        assert_confirmed(&case, &remedies);
    }
}
