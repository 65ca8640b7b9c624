//! Changes that could help, the narrowest first. Whether one does is not judged here but tried.

use serde_json::{Value, json};

use crate::policy::condition::Facts;
use crate::policy::document::{Clause, Condition, Effect, Statement};
use crate::policy::evaluate::ResourceRule;
use crate::policy::explain::{Contribution, Explanation, Layer};
use crate::policy::operator::{Comparison, Operator, Test};
use crate::policy::remedy::Search;
use crate::policy::remedy::change::{Change, Edit, Place};
use crate::policy::remedy::world::{CONTEXT_PREFIX, World};
use crate::principal::Principal;

/// What a grant can be for.
const GRANTABLE: &[&str] = &[
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
    "Sign",
    "Verify",
    "GetPublicKey",
    "CreateGrant",
    "RetireGrant",
    "DescribeKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateMac",
    "VerifyMac",
    "DeriveSharedSecret",
    "Encapsulate",
    "Decapsulate",
];

/// What can carry an encryption context.
const WITH_CONTEXT: &[&str] = &["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncrypt"];

/// The changes to try.
pub(super) struct Candidates {
    /// Changes of the request alone.
    pub requests: Vec<Edit>,
    /// Ways to make every Deny that spoke fall silent; one empty way when none spoke, no way when one is fixed.
    pub silencing: Vec<Vec<Edit>>,
    /// Ways to be allowed.
    pub others: Vec<Edit>,
}

/// One statement, and what it contributed.
struct Heard<'a> {
    place: Place,
    source: &'a str,
    label: &'a str,
    statement: &'a Statement,
    /// Whether `${…}` means a variable in its policy.
    variables: bool,
    contribution: &'a Contribution,
}

impl Candidates {
    pub(super) fn of(search: &Search<'_>, world: &World, refusal: &Explanation, fixed: &[Layer]) -> Self {
        let free = |edit: &Edit| !fixed.contains(&edit.place.layer);
        let facts = facts_of(refusal);
        let heard: Vec<Heard<'_>> = heard(world, refusal).collect();
        let mut others: Vec<Edit> = heard.iter().flat_map(|one| widenings(search, one, &facts)).collect();
        others.extend(additions(search, world));
        others.retain(free);
        let mut silencing: Vec<Vec<Edit>> = silencings(&heard, &facts).into();
        silencing.retain(|edits| edits.iter().all(free));
        silencing.dedup();
        Self { requests: heard.iter().filter_map(|one| request(search, one)).collect(), silencing, others }
    }
}

/// The condition keys as the statements saw them, the global ones among them.
fn facts_of(refusal: &Explanation) -> Facts {
    let mut facts = Facts::default();
    for (key, values) in &refusal.facts {
        facts.set_all(key, values.iter().cloned());
    }
    facts
}

fn heard<'a>(world: &'a World, refusal: &'a Explanation) -> impl Iterator<Item = Heard<'a>> {
    let considered = refusal.considered.iter().filter(|one| one.layer != Layer::Grant);
    world.statements().zip(considered).map(|((place, policy, statement), said)| Heard {
        place,
        source: &policy.name,
        label: &said.statement,
        statement,
        variables: policy.document.has_variables(),
        contribution: &said.contribution,
    })
}

impl Heard<'_> {
    fn edit(&self, change: Change) -> Edit {
        Edit { place: self.place, source: self.source.into(), statement: self.label.into(), change }
    }

    fn silent_allow(&self) -> bool {
        self.statement.effect == Effect::Allow && matches!(self.contribution, Contribution::Silent(_))
    }

    fn denies(&self) -> bool {
        *self.contribution == Contribution::Denies
    }
}

/// Every Deny spares the caller; or every Deny goes.
fn silencings(heard: &[Heard<'_>], facts: &Facts) -> [Vec<Edit>; 2] {
    let denying = || heard.iter().filter(|one| one.denies());
    [
        denying().map(|one| one.edit(spare(facts))).collect(),
        denying().map(|one| one.edit(Change::RemoveStatement)).collect(),
    ]
}

/// A service has no ARN that a condition could see, but a name.
fn spare(facts: &Facts) -> Change {
    let one = |operator: &str, key: &str| {
        let value = facts.get(key)?.first()?.clone();
        Some(Change::SpareCaller { operator: operator.into(), key: key.into(), value })
    };
    let arn = one("ArnNotEquals", "aws:PrincipalArn");
    arn.or_else(|| one("StringNotEquals", "aws:PrincipalServiceName")).unwrap_or(Change::RemoveStatement)
}

/// Ways to make an Allow that was silent speak: a condition that takes more, no condition, one more principal.
fn widenings(search: &Search<'_>, one: &Heard<'_>, facts: &Facts) -> Vec<Edit> {
    if !one.silent_allow() {
        return Vec::new();
    }
    let failing = one.statement.conditions.iter().filter(|condition| condition.holds(facts, one.variables).is_err());
    let mut changes: Vec<Change> = failing.flat_map(|condition| relaxed(condition, facts)).collect();
    changes.extend(named(search, one));
    changes.into_iter().map(|change| one.edit(change)).collect()
}

fn relaxed(condition: &Condition, facts: &Facts) -> impl Iterator<Item = Change> {
    let (operator, key) = (condition.operator.clone(), condition.key.clone());
    let values = facts.get(&condition.key).unwrap_or_default().to_vec();
    let widened = (takes_values(&condition.operator) && !values.is_empty()).then(|| Change::WidenCondition {
        operator: operator.clone(),
        key: key.clone(),
        values,
    });
    widened.into_iter().chain([Change::DropCondition { operator, key }])
}

/// Whether one more value lets one more request through, and only that.
fn takes_values(operator: &str) -> bool {
    use Comparison::{Arn, Ip, Like, Text, TextIgnoringCase};
    let test = Operator::parse(operator).map(|operator| operator.test);
    matches!(test, Some(Test::Compare(Text | TextIgnoringCase | Like | Arn | Ip, false)))
}

fn named(search: &Search<'_>, one: &Heard<'_>) -> Option<Change> {
    let clause = one.statement.principal.as_ref().filter(|_| one.place.layer == Layer::ResourcePolicy)?;
    let narrow = one.statement.action.as_ref().is_some_and(names_actions);
    let principal = search.lasting_name();
    let service = matches!(search.principal(), Principal::Service { .. });
    (narrow && !clause.negated).then_some(Change::NamePrincipal { principal, service })
}

/// Whether the clause lists actions, rather than giving all of a service.
fn names_actions(clause: &Clause) -> bool {
    !clause.negated && clause.patterns.iter().all(|pattern| pattern != "*" && !pattern.ends_with(":*"))
}

/// New voices: in the caller's policies, in the resource's, a grant; then whatever limits the caller.
fn additions(search: &Search<'_>, world: &World) -> Vec<Edit> {
    let (action, resource) = (search.question.action, search.question.resource);
    let own = json!({ "Effect": "Allow", "Action": action, "Resource": resource });
    let statement = |layer, statement: &Value| addition(layer, Change::AddStatement { addition: statement.clone() });
    let has_policies = !matches!(search.principal(), Principal::Root { .. } | Principal::Service { .. });
    let mut edits: Vec<Edit> = has_policies.then(|| statement(Layer::IdentityPolicy, &own)).into_iter().collect();
    edits.extend(
        search.voices.resource.map(|voice| statement(Layer::ResourcePolicy, &for_resource(search, voice.rule))),
    );
    edits.extend(grant(search));
    let limits = [Layer::PermissionsBoundary, Layer::SessionPolicy].into_iter().filter(|layer| world.has(*layer));
    edits.extend(limits.map(|layer| statement(layer, &own)));
    edits
}

fn addition(layer: Layer, change: Change) -> Edit {
    let nowhere = Place { layer, policy: usize::MAX, statement: usize::MAX };
    Edit { place: nowhere, source: String::new(), statement: String::new(), change }
}

/// In a key policy `*` means the key; a trust policy has no Resource.
fn for_resource(search: &Search<'_>, rule: ResourceRule) -> Value {
    let (action, name) = (search.question.action, search.lasting_name());
    let kind = if matches!(search.principal(), Principal::Service { .. }) { "Service" } else { "AWS" };
    let mut statement = json!({ "Effect": "Allow", "Principal": { kind: name }, "Action": action });
    match rule {
        ResourceRule::KeyPolicy => statement["Resource"] = json!("*"),
        ResourceRule::Either => statement["Resource"] = json!(search.question.resource),
        ResourceRule::Trust => {}
    }
    statement
}

fn grant(search: &Search<'_>) -> Option<Edit> {
    let operation = search.question.action.strip_prefix("kms:").filter(|operation| GRANTABLE.contains(operation))?;
    search.voices.resource.filter(|voice| voice.rule == ResourceRule::KeyPolicy)?;
    let direct = !matches!(search.principal(), Principal::AssumedRole { .. });
    let change = Change::CreateGrant { grantee: search.lasting_name(), operation: operation.into(), direct };
    Some(addition(Layer::Grant, change))
}

/// The encryption context that a statement asks for, where the call can carry one and the statement stood in the way.
fn request(search: &Search<'_>, one: &Heard<'_>) -> Option<Edit> {
    let carries = WITH_CONTEXT.iter().any(|action| search.question.action.starts_with(action));
    let wanted = one.statement.conditions.iter().filter_map(context_pair);
    let context: Vec<(String, String)> = wanted.filter(|_| carries && (one.denies() || one.silent_allow())).collect();
    (!context.is_empty()).then(|| one.edit(Change::SendContext { context }))
}

/// The pair that a condition on the encryption context speaks of: its first value that means only itself.
fn context_pair(condition: &Condition) -> Option<(String, String)> {
    let (prefix, name) = condition.key.split_at_checked(CONTEXT_PREFIX.len())?;
    let literal = condition.values.iter().find(|value| !value.contains(['*', '?', '$']))?;
    prefix.eq_ignore_ascii_case(CONTEXT_PREFIX).then(|| (name.into(), literal.clone()))
}
