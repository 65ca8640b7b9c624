//! AssumeRole: takes on a role for a while, if the role's trust policy and the caller's own policies agree.
//!
//! Deliberately absent: SourceIdentity, transitive tags, MFA (no device can be registered).

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_core::arn::Arn;
use aws_core::identity::NamedPolicy;
use aws_core::policy::condition::Facts;
use aws_core::policy::evaluate::{ResourceRule, ResourceVoice};
use aws_core::policy::explain::{Explanation, Layer, Verdict};
use aws_core::principal::Principal;
use aws_core::time::SignedDuration;
use serde_json::json;

use crate::args::{Args, is_word, within};
use crate::call::{Answer, Call, describe_tags};
use crate::fault::{BadArgument, IamError};
use crate::ops::managed_policies::{visible, weight};
use crate::ops::sessions::{NewSession, issue};
use crate::records::{Document, Role, Tags};
use crate::rules::identity_policy;
use crate::service::Op;
use crate::shelves::Holder;

/// See the file's head.
pub(crate) const OP: Op = Op::issue("AssumeRole", run);

/// Characters of all session policies together.
const MOST_CHARACTERS: usize = 2048;
/// A session that takes on another role may do so for an hour at most.
const LONGEST_CHAINED: SignedDuration = SignedDuration::from_hours(1);

fn run(call: &mut Call<'_>) -> Answer {
    let wish = Wish::read(call.args)?;
    let role = authorized_role(call, &wish)?;
    let policies = session_policies(call, &role, &wish)?;
    let used = policies.values().map(|document| weight(&document.text)).sum::<usize>() * 100 / MOST_CHARACTERS;
    let lasts = duration(call, &role, wish.lasts)?;
    if used > 100 {
        return Err(IamError::PackedPolicyTooLarge(used));
    }
    let packed = (!policies.is_empty()).then_some(used);
    let principal = Principal::AssumedRole {
        account: role.account.clone(),
        role_id: role.id.clone(),
        path: role.path.clone(),
        role: role.name.clone(),
        session: wish.session.into(),
    };
    let user = json!({ "AssumedRoleId": principal.principal_id(), "Arn": principal.arn() });
    let credentials = issue(call, NewSession { principal, lasts, policies, tags: wish.tags })?;
    Ok(json!({ "Credentials": credentials, "AssumedRoleUser": user, "PackedPolicySize": packed }))
}

/// What is asked for.
struct Wish<'a> {
    role: &'a str,
    session: &'a str,
    lasts: Option<SignedDuration>,
    policy: Option<&'a str>,
    policy_arns: Vec<String>,
    external_id: Option<&'a str>,
    tags: Tags,
}

impl<'a> Wish<'a> {
    fn read(args: Args<'a>) -> Result<Self, IamError> {
        const SESSION: &str = "RoleSessionName";
        let session = within(SESSION, args.required(SESSION)?, 2, 64)?;
        if !is_word(session) {
            let value = session.to_owned();
            return Err(BadArgument::NotOfPattern { name: SESSION, value, pattern: "[\\w+=,.@-]*" }.into());
        }
        if args.optional("TokenCode").is_some() {
            return Err(IamError::NoMfaDevice);
        }
        let arns = args.0.members("PolicyArns");
        Ok(Self {
            role: within("RoleArn", args.required("RoleArn")?, 20, 2048)?,
            session,
            lasts: args.duration("DurationSeconds", 900, 43200)?,
            policy: args.optional("Policy"),
            policy_arns: arns.iter().filter_map(|member| member.get("arn")).map(str::to_owned).collect(),
            external_id: args.optional("ExternalId"),
            tags: args.tags()?,
        })
    }
}

/// Finds the role and asks its trust policy and the caller's own policies. A role that does not exist is refused like
/// one that does not trust the caller.
fn authorized_role(call: &mut Call<'_>, wish: &Wish<'_>) -> Result<Arc<Role>, IamError> {
    if call.ctx.caller.principal.is_root() {
        return Err(IamError::RootAssumes);
    }
    let arn: Option<Arn> = wish.role.parse().ok();
    let arn = arn.filter(|arn| arn.service == "iam").ok_or_else(|| IamError::InvalidArn(wish.role.into()))?;
    let Some(role) = call.directory.read(|shelves| shelves.named::<Role>(&arn).cloned()) else {
        return Err(unknown_role(call, wish.role));
    };
    call.audit.resource(&role.account, "AWS::IAM::Role", role.arn());
    let mut facts = Facts::default();
    facts.set("sts:RoleSessionName", wish.session);
    if let Some(id) = wish.external_id {
        facts.set("sts:ExternalId", id);
    }
    describe_tags(&mut facts, &wish.tags);
    ask_role(call, "sts:AssumeRole", &role, &mut facts)?;
    if !wish.tags.is_empty() {
        ask_role(call, "sts:TagSession", &role, &mut facts)?;
    }
    Ok(role)
}

fn ask_role(call: &mut Call<'_>, action: &str, role: &Role, facts: &mut Facts) -> Result<(), IamError> {
    let name = format!("trust policy of role {}", role.name);
    let trust: NamedPolicy = role.trust.named(name);
    for (key, value) in &role.tags {
        facts.set(&format!("aws:ResourceTag/{key}"), value);
    }
    let voice = ResourceVoice { owner: &role.account, policy: Some(&trust), rule: ResourceRule::Trust };
    let asked = call.ask(action, &role.arn(), facts, Some(voice));
    asked.map_err(|refused| IamError::AccessDenied { sentence: sentence(&refused) })
}

/// When the trust policy is what refuses, AWS does not name the role.
fn sentence(refused: &Explanation) -> String {
    match refused.verdict {
        Verdict::ExplicitDeny(Layer::ResourcePolicy) | Verdict::ImplicitDeny(Layer::ResourcePolicy) => {
            refused.denial("")
        }
        _ => refused.denial(&format!("on resource: {}", refused.resource)),
    }
}

fn unknown_role(call: &Call<'_>, arn: &str) -> IamError {
    let caller = call.ctx.principal_arn();
    let sentence = format!("User: {caller} is not authorized to perform: sts:AssumeRole on resource: {arn}");
    IamError::AccessDenied { sentence }
}

fn duration(call: &Call<'_>, role: &Role, wish: Option<SignedDuration>) -> Result<SignedDuration, IamError> {
    let lasts = wish.unwrap_or(LONGEST_CHAINED);
    if lasts > SignedDuration::from_secs(role.max_session_seconds.into()) {
        return Err(IamError::LongerThanRole);
    }
    let chained = matches!(call.ctx.caller.principal, Principal::AssumedRole { .. });
    if chained && lasts > LONGEST_CHAINED { Err(IamError::LongerThanChain) } else { Ok(lasts) }
}

/// The session policies as they are now: a managed policy that changes later does not change the session.
fn session_policies(call: &Call<'_>, role: &Role, wish: &Wish<'_>) -> Result<BTreeMap<String, Document>, IamError> {
    let mut policies = BTreeMap::new();
    if let Some(text) = wish.policy {
        policies.insert("session policy".to_owned(), identity_policy(text)?);
    }
    for arn in &wish.policy_arns {
        let document = call.directory.read(|shelves| {
            let policy = visible(shelves, &role.account, arn);
            policy.map(|policy| policy.in_force().document.clone())
        });
        policies.insert(arn.clone(), document.ok_or_else(|| IamError::NoSuchPolicy(arn.clone()))?);
    }
    Ok(policies)
}
