//! The evaluator's decisions, each told in one line: who asks, who speaks, what comes of it.

use std::sync::Arc;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::call::{CallContext, Via};
use crate::id::{AccountId, Region};
use crate::identity::{IdentityPolicies, NamedPolicy};
use crate::policy::condition::Facts;
use crate::policy::document::PolicyDocument;
use crate::policy::evaluate::{GrantVoice, Question, ResourceRule, ResourceVoice, Voices, evaluate};
use crate::policy::explain::{Considered, Contribution, Explanation, Verdict};
use crate::principal::Principal;

const OWNER: &str = "111122223333";
const STRANGER: &str = "444455556666";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/abc";

fn account(id: &str) -> AccountId {
    AccountId::parse(id).unwrap()
}

fn user(of: &str) -> Principal {
    Principal::User { account: account(of), id: "AIDAEXAMPLE".into(), path: "/".into(), name: "ada".into() }
}

fn caller(word: &str) -> Principal {
    match word {
        "root" => Principal::Root { account: account(OWNER) },
        "user" => user(OWNER),
        "stranger" => user(STRANGER),
        "stranger-root" => Principal::Root { account: account(STRANGER) },
        "session" => Principal::AssumedRole {
            account: account(OWNER),
            role_id: "AROAEXAMPLE".into(),
            path: "/".into(),
            role: "reader".into(),
            session: "tuesday".into(),
        },
        "ec2" => Principal::Service { account: account(OWNER), name: "ec2.us-east-1.amazonaws.com".into() },
        other => panic!("no caller {other}"),
    }
}

/// The `Principal` element that a word of the table stands for.
fn whom(word: &str) -> Value {
    let arn = |resource: &str| json!({ "AWS": format!("arn:aws:iam::{OWNER}:{resource}") });
    match word {
        "everyone" => json!("*"),
        "root" => arn("root"),
        "user" => arn("user/ada"),
        "role" => arn("role/reader"),
        "session" => json!({ "AWS": format!("arn:aws:sts::{OWNER}:assumed-role/reader/tuesday") }),
        "stranger" => json!({ "AWS": format!("arn:aws:iam::{STRANGER}:user/ada") }),
        "stranger-account" => json!({ "AWS": STRANGER }),
        "ec2" => json!({ "Service": "ec2.amazonaws.com" }),
        other => panic!("no principal {other}"),
    }
}

fn policy(name: &str, statements: Value) -> NamedPolicy {
    let document = PolicyDocument::from_value(&json!({ "Version": "2012-10-17", "Statement": statements })).unwrap();
    NamedPolicy { name: name.into(), document: Arc::new(document) }
}

/// `allow` and `deny` speak of kms:Decrypt; `silent` allows something else.
fn own(name: &str, word: &str) -> NamedPolicy {
    let (effect, action) = match word {
        "allow" => ("Allow", "kms:Dec*"),
        "deny" => ("Deny", "KMS:decrypt"),
        _ => ("Allow", "kms:Encrypt"),
    };
    policy(name, json!({ "Effect": effect, "Action": action, "Resource": "arn:aws:kms:*:*:key/*" }))
}

/// Builds the case that `story` tells, e.g. `user on key; identity allow; policy allow root`.
fn explain(story: &str) -> Explanation {
    let mut clauses = story.split("; ");
    let (who, rule) = clauses.next().unwrap().split_once(" on ").unwrap();
    let (mut identity, mut statements, mut grants) = (IdentityPolicies::default(), Vec::new(), Vec::new());
    for clause in clauses {
        match *clause.split(' ').collect::<Vec<_>>().as_slice() {
            ["identity", word] => identity.identity.push(own("own", word)),
            ["boundary", word] => identity.boundary = Some(own("boundary", word)),
            ["session", word] => identity.session.push(own("session", word)),
            ["policy", effect, who] => statements.push(speaking(effect, "Principal", who)),
            ["policy", effect, "all-but", who] => statements.push(speaking(effect, "NotPrincipal", who)),
            ["grant", ref words @ ..] => grants.push(GrantVoice {
                id: "g1".into(),
                fits: if words.contains(&"misfit") { Err("the context lacks app".into()) } else { Ok(()) },
                cross_account: words.contains(&"cross"),
                direct: words.contains(&"direct"),
            }),
            _ => panic!("what is {clause}?"),
        }
    }
    let rule = match rule {
        "key" => Some(ResourceRule::KeyPolicy),
        "bucket" => Some(ResourceRule::Either),
        "role" => Some(ResourceRule::Trust),
        _ => None,
    };
    let (owner, resource_policy) = (account(OWNER), policy("resource", statements.into()));
    let resource = rule.map(|rule| ResourceVoice { owner: &owner, policy: Some(&resource_policy), rule });
    let call = CallContext::local(caller(who), Region::default_region(), "r");
    let question = Question { call: &call, action: "kms:Decrypt", resource: KEY, facts: &Facts::default() };
    evaluate(&question, &Voices { identity: &identity, resource, grants: &grants })
}

fn speaking(effect: &str, element: &str, who: &str) -> Value {
    let effect = if effect == "allow" { "Allow" } else { "Deny" };
    json!({ "Effect": effect, element: whom(who), "Action": "kms:Decrypt", "Resource": "*" })
}

/// Each line of a table is a story and what comes of it; the story is read from the table and told again.
fn check(table: Expect) {
    let stories = table.data().lines().filter_map(|line| line.split_once("->")).map(|(story, _)| story.trim());
    let told: String = stories.map(|story| format!("{story:75} -> {}\n", outcome(story))).collect();
    table.assert_eq(&told);
}

fn outcome(story: &str) -> String {
    match explain(story).verdict {
        Verdict::Allowed(by) => format!("allowed by {by:?}"),
        Verdict::ExplicitDeny(by) => format!("DENIED by {by:?}"),
        Verdict::ImplicitDeny(by) => format!("refused: {by:?} is silent"),
    }
}

#[test]
fn without_a_resource_policy_the_callers_own_policies_must_all_agree() {
    check(expect![[r#"
        root on nothing                                                             -> allowed by AccountRoot
        user on nothing                                                             -> refused: IdentityPolicy is silent
        user on nothing; identity allow                                             -> allowed by IdentityPolicy
        user on nothing; identity silent                                            -> refused: IdentityPolicy is silent
        user on nothing; identity allow; identity deny                              -> DENIED by IdentityPolicy
        user on nothing; identity allow; boundary allow                             -> allowed by IdentityPolicy
        user on nothing; identity allow; boundary silent                            -> refused: PermissionsBoundary is silent
        user on nothing; identity allow; boundary deny                              -> DENIED by PermissionsBoundary
        user on nothing; boundary allow                                             -> refused: IdentityPolicy is silent
        session on nothing; identity allow; session silent                          -> refused: SessionPolicy is silent
        session on nothing; identity allow; session allow                           -> allowed by IdentityPolicy
        session on nothing; identity silent; session allow                          -> refused: IdentityPolicy is silent
        session on nothing; identity allow; boundary silent; session silent         -> refused: PermissionsBoundary is silent
        ec2 on nothing                                                              -> refused: ResourcePolicy is silent
    "#]]);
}

#[test]
fn on_a_bucket_either_side_may_allow() {
    check(expect![[r#"
        root on bucket                                                              -> allowed by AccountRoot
        root on bucket; policy deny root                                            -> DENIED by ResourcePolicy
        user on bucket; identity allow                                              -> allowed by IdentityPolicy
        user on bucket; policy allow user                                           -> allowed by ResourcePolicy
        user on bucket; policy allow everyone                                       -> allowed by ResourcePolicy
        user on bucket; policy allow root                                           -> refused: IdentityPolicy is silent
        user on bucket                                                              -> refused: IdentityPolicy is silent
        user on bucket; identity allow; policy deny everyone                        -> DENIED by ResourcePolicy
        user on bucket; identity allow; policy deny root                            -> DENIED by ResourcePolicy
        user on bucket; identity allow; policy deny all-but user                    -> allowed by IdentityPolicy
        user on bucket; identity allow; policy deny all-but root                    -> DENIED by ResourcePolicy
    "#]]);
}

#[test]
fn on_a_key_the_key_policy_rules() {
    check(expect![[r#"
        root on key                                                                 -> refused: ResourcePolicy is silent
        root on key; policy allow root                                              -> allowed by ResourcePolicy
        user on key; policy allow root                                              -> refused: IdentityPolicy is silent
        user on key; identity allow                                                 -> refused: ResourcePolicy is silent
        user on key; identity allow; policy allow root                              -> allowed by IdentityPolicy
        user on key; policy allow user                                              -> allowed by ResourcePolicy
        user on key; policy allow user; identity deny                               -> DENIED by IdentityPolicy
        user on key; policy allow user; boundary silent                             -> allowed by ResourcePolicy
        user on key; policy allow everyone; boundary silent                         -> refused: PermissionsBoundary is silent
        session on key; policy allow role; session silent                           -> refused: SessionPolicy is silent
        session on key; policy allow role; session allow                            -> allowed by ResourcePolicy
        session on key; policy allow session; session silent; boundary silent       -> allowed by ResourcePolicy
        session on key; policy allow session; session deny                          -> DENIED by SessionPolicy
        session on key; policy allow root; identity allow; session silent           -> refused: SessionPolicy is silent
        ec2 on key; policy allow root                                               -> refused: ResourcePolicy is silent
        ec2 on key; policy allow ec2                                                -> allowed by ResourcePolicy
        ec2 on key; policy allow everyone                                           -> allowed by ResourcePolicy
    "#]]);
}

#[test]
fn a_grant_allows_like_a_key_policy() {
    check(expect![[r#"
        user on key; grant direct                                                   -> allowed by Grant
        user on key; grant misfit                                                   -> refused: ResourcePolicy is silent
        user on key; grant direct; policy deny user                                 -> DENIED by ResourcePolicy
        user on key; grant direct; boundary silent                                  -> allowed by Grant
        session on key; grant; session silent                                       -> refused: SessionPolicy is silent
        session on key; grant; session allow                                        -> allowed by Grant
        user on key; identity allow; policy allow root; grant direct                -> allowed by IdentityPolicy
    "#]]);
}

#[test]
fn across_accounts_both_must_agree() {
    check(expect![[r#"
        stranger on key; policy allow stranger                                      -> refused: IdentityPolicy is silent
        stranger on key; policy allow stranger; identity allow                      -> allowed by ResourcePolicy
        stranger on key; policy allow stranger-account; identity allow              -> allowed by ResourcePolicy
        stranger on key; policy allow everyone; identity allow                      -> allowed by ResourcePolicy
        stranger on key; policy allow root; identity allow                          -> refused: ResourcePolicy is silent
        stranger on key; identity allow                                             -> refused: ResourcePolicy is silent
        stranger on key                                                             -> refused: IdentityPolicy is silent
        stranger on key; policy allow stranger; identity allow; boundary silent     -> refused: PermissionsBoundary is silent
        stranger on key; grant direct; identity allow                               -> refused: ResourcePolicy is silent
        stranger on key; grant direct cross; identity allow                         -> allowed by Grant
        stranger on key; grant direct cross                                         -> refused: IdentityPolicy is silent
        stranger-root on key; policy allow stranger-account                         -> allowed by ResourcePolicy
        stranger-root on key                                                        -> refused: ResourcePolicy is silent
        stranger on bucket; identity allow                                          -> refused: ResourcePolicy is silent
    "#]]);
}

#[test]
fn a_trust_policy_rules_a_role() {
    check(expect![[r#"
        user on role; policy allow root                                             -> refused: IdentityPolicy is silent
        user on role; policy allow root; identity allow                             -> allowed by IdentityPolicy
        user on role; policy allow user                                             -> allowed by ResourcePolicy
        user on role; identity allow                                                -> refused: ResourcePolicy is silent
    "#]]);
}

#[test]
fn a_refusal_reads_as_aws_writes_it() {
    let subject = "User: arn:aws:iam::111122223333:user/ada is not authorized to perform: kms:Decrypt";
    let whole = explain("user on key; policy allow root").denial(&format!("on resource: {KEY}"));
    let because = "because no identity-based policy allows the kms:Decrypt action";
    assert_eq!(whole, format!("{subject} on resource: {KEY} {because}"));
    let check = |story: &str, expected: Expect| {
        let denial = explain(story).denial("on this resource");
        expected.assert_eq(denial.split_once(" on this resource ").map_or("", |(_, because)| because));
    };
    check("user on key", expect!["because no resource-based policy allows the kms:Decrypt action"]);
    check("user on key; policy deny user", expect!["with an explicit deny in a resource-based policy"]);
    check("user on nothing; identity deny", expect!["with an explicit deny in an identity-based policy"]);
    check("session on nothing; session deny", expect!["with an explicit deny in a session policy"]);
    check(
        "session on nothing; identity allow; session silent",
        expect!["because no session policy allows the kms:Decrypt action"],
    );
    check(
        "user on nothing; identity allow; boundary silent",
        expect!["because no permissions boundary allows the kms:Decrypt action"],
    );
    check("user on nothing; boundary deny", expect!["with an explicit deny in a permissions boundary"]);
    check("user on key; policy allow user", expect![[""]]);
}

/// Clauses that allow, and clauses that deny, for a user and for a session.
const ALLOWING: &[&str] = &[
    "identity allow",
    "policy allow user",
    "policy allow role",
    "policy allow session",
    "policy allow root",
    "policy allow everyone",
    "grant",
    "grant direct",
];
const LIMITING: &[&str] = &["boundary silent", "boundary allow", "session silent", "identity silent", "grant misfit"];
const DENYING: &[&str] =
    &["identity deny", "session deny", "policy deny everyone", "policy deny root", "policy deny all-but ec2"];

proptest! {
    #[test]
    fn an_allow_never_takes_away_and_a_deny_always_wins(
        who in prop::sample::select(&["user on key", "session on key", "user on bucket", "session on bucket"][..]),
        mut clauses in prop::collection::vec(prop::sample::select([ALLOWING, LIMITING].concat()), 0..6),
        more in prop::sample::select(ALLOWING),
        deny in prop::sample::select(DENYING),
    ) {
        let tell = |clauses: &[&str]| explain(&[&[who], clauses].concat().join("; ")).verdict;
        let before = tell(&clauses);
        prop_assert!(!matches!(before, Verdict::ExplicitDeny(_)));
        clauses.push(more);
        let after = tell(&clauses);
        prop_assert!(matches!(after, Verdict::Allowed(_)) || !matches!(before, Verdict::Allowed(_)), "{clauses:?}");
        clauses.push(deny);
        prop_assert!(matches!(tell(&clauses), Verdict::ExplicitDeny(_)), "{clauses:?}");
    }
}

fn told(considered: &[Considered]) -> String {
    considered
        .iter()
        .map(|Considered { layer, source, statement, contribution }| {
            let said = match contribution {
                Contribution::Allows => "allows",
                Contribution::Denies => "denies",
                Contribution::Delegates => "delegates",
                Contribution::Silent(because) => because,
            };
            format!("{layer:?}, {source}, {statement}: {said}\n")
        })
        .collect()
}

#[test]
fn every_voice_is_written_down_with_what_it_said() {
    let story = "user on key; identity silent; identity allow; policy allow root; policy allow ec2; grant misfit";
    expect![[r#"
        IdentityPolicy, own, statement 1: Action does not cover kms:Decrypt
        IdentityPolicy, own, statement 1: allows
        ResourcePolicy, resource, statement 1: delegates
        ResourcePolicy, resource, statement 2: Principal does not cover arn:aws:iam::111122223333:user/ada
        Grant, g1, : the context lacks app
    "#]]
    .assert_eq(&told(&explain(story).considered));
}

/// The policy of an AWS managed key: everybody in the account, but only through the service.
#[test]
fn a_service_key_opens_through_its_service_only() {
    let owner = account(OWNER);
    let statement = json!([
        { "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": "kms:Decrypt", "Resource": "*", "Condition": {
            "StringEquals": { "kms:CallerAccount": OWNER, "kms:ViaService": "ec2.us-east-1.amazonaws.com" } } },
        { "Effect": "Allow", "Principal": { "AWS": "*" }, "Resource": "*" },
    ]);
    let key_policy = policy("key policy", statement);
    let mut facts = Facts::default();
    facts.set("kms:CallerAccount", OWNER);
    let direct = CallContext::local(user(OWNER), Region::default_region(), "r");
    let ask = |call: &CallContext, facts: &Facts| {
        let question = Question { call, action: "kms:Decrypt", resource: KEY, facts };
        let resource = ResourceVoice { owner: &owner, policy: Some(&key_policy), rule: ResourceRule::KeyPolicy };
        let identity = IdentityPolicies::default();
        evaluate(&question, &Voices { identity: &identity, resource: Some(resource), grants: &[] })
    };
    let refused = ask(&direct, &facts);
    expect![[r#"
        ResourcePolicy, key policy, statement 1: condition StringEquals kms:ViaService: request has none
        ResourcePolicy, key policy, statement 2: it has no Action, so it is without effect
    "#]]
    .assert_eq(&told(&refused.considered));
    facts.set("kms:ViaService", "ec2.us-east-1.amazonaws.com");
    assert!(ask(&direct, &facts).allowed());
}

#[test]
fn the_global_keys_follow_from_the_call() {
    let told = |call: &CallContext| {
        let question = Question { call, action: "kms:ListKeys", resource: "*", facts: &Facts::default() };
        let identity = IdentityPolicies { tags: vec![("Team".into(), "Blue".into())], ..Default::default() };
        let explanation = evaluate(&question, &Voices { identity: &identity, resource: None, grants: &[] });
        explanation.facts.iter().map(|(key, values)| format!("{key} = {}\n", values.join(", "))).collect::<String>()
    };
    let session = CallContext::local(caller("session"), Region::default_region(), "r");
    expect![[r#"
        aws:principalaccount = 111122223333
        aws:principalarn = arn:aws:iam::111122223333:role/reader
        aws:principalisawsservice = false
        aws:principaltag/team = Blue
        aws:principaltype = AssumedRole
        aws:requestedregion = us-east-1
        aws:securetransport = false
        aws:sourceip = 127.0.0.1
        aws:useragent = sse-sim
        aws:userid = AROAEXAMPLE:tuesday
        aws:viaawsservice = false
    "#]]
    .assert_eq(&told(&session));
    let via = Via {
        via_service: Some("s3.us-east-1.amazonaws.com".into()),
        invoked_by: "s3.amazonaws.com".into(),
        for_aws_resource: false,
        in_scope_of_instance: None,
    };
    let direct = CallContext::local(user(OWNER), Region::default_region(), "r");
    expect![[r#"
        aws:calledvia = s3.amazonaws.com
        aws:calledviafirst = s3.amazonaws.com
        aws:calledvialast = s3.amazonaws.com
        aws:principalaccount = 111122223333
        aws:principalarn = arn:aws:iam::111122223333:user/ada
        aws:principalisawsservice = false
        aws:principaltag/team = Blue
        aws:principaltype = User
        aws:requestedregion = us-east-1
        aws:securetransport = false
        aws:useragent = s3.amazonaws.com
        aws:userid = AIDAEXAMPLE
        aws:username = ada
        aws:viaawsservice = true
    "#]]
    .assert_eq(&told(&direct.forwarded(via, "r2".into())));
}
