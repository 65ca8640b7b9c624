//! One change, as data and as a sentence.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::policy::evaluate::ResourceRule;
use crate::policy::explain::Layer;
use crate::policy::remedy::Search;
use crate::principal::Principal;

/// What to change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "change")]
pub enum Change {
    /// Add this statement.
    AddStatement {
        /// As it would stand in the policy's JSON.
        addition: Value,
    },
    /// Name another principal in an Allow statement.
    NamePrincipal {
        /// ARN, or name of a service.
        principal: String,
        /// Whether it stands under `Service`, not `AWS`.
        service: bool,
    },
    /// Let a condition of an Allow statement take what the request has, too.
    WidenCondition {
        /// Its operator.
        operator: String,
        /// Its key.
        key: String,
        /// The values that join its own.
        values: Vec<String>,
    },
    /// Take a condition away from an Allow statement.
    DropCondition {
        /// Its operator.
        operator: String,
        /// Its key.
        key: String,
    },
    /// Add a condition to a Deny statement, so that it spares this caller and nobody else.
    SpareCaller {
        /// Its operator.
        operator: String,
        /// Its key.
        key: String,
        /// The caller, as the key shows it.
        value: String,
    },
    /// Take a Deny statement away.
    RemoveStatement,
    /// Create a grant.
    CreateGrant {
        /// To whom: an ARN, or the name of a service.
        grantee: String,
        /// For what: `Decrypt`, …
        operation: String,
        /// Whether the grantee is the caller itself, not the role behind its session.
        direct: bool,
    },
    /// Change the request, not a policy: send these pairs in the encryption context.
    SendContext {
        /// Names and values.
        context: Vec<(String, String)>,
    },
}

/// A change in its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Whose voice.
    pub layer: Layer,
    /// Name of the policy that is changed; empty where something new is added.
    pub source: String,
    /// Sid of the statement that is changed, or its position (`statement 2`); empty where something new is added.
    pub statement: String,
    /// What to change there.
    #[serde(flatten)]
    pub change: Change,
}

/// Where a statement stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub layer: Layer,
    pub policy: usize,
    pub statement: usize,
}

/// A change that is being tried.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Edit {
    pub place: Place,
    pub source: String,
    pub statement: String,
    pub change: Change,
}

/// What a change is for. Two changes of one purpose are two ways to say one thing, of which the first is enough.
#[derive(PartialEq)]
pub(super) enum Purpose {
    Allow(Layer),
    Relax(Place),
    Spare,
    Remove,
    Grant,
    Request,
}

impl Edit {
    pub(super) fn purpose(&self) -> Purpose {
        match self.change {
            Change::AddStatement { .. } | Change::NamePrincipal { .. } => Purpose::Allow(self.place.layer),
            Change::WidenCondition { .. } | Change::DropCondition { .. } => Purpose::Relax(self.place),
            Change::SpareCaller { .. } => Purpose::Spare,
            Change::RemoveStatement => Purpose::Remove,
            Change::CreateGrant { .. } => Purpose::Grant,
            Change::SendContext { .. } => Purpose::Request,
        }
    }

    pub(super) fn step(&self) -> Step {
        let Self { place, source, statement, change } = self.clone();
        Step { layer: place.layer, source, statement, change }
    }

    pub(super) fn sentence(&self, search: &Search<'_>) -> String {
        let place = format!("{} of {}", self.statement_words(), self.policy_words(search));
        match &self.change {
            Change::AddStatement { .. } => self.allow_sentence(search),
            Change::NamePrincipal { principal, .. } => format!("name {principal} as a Principal in {place}"),
            Change::WidenCondition { operator, key, values } => {
                format!("let {operator} {key} also take {} in {place}", values.join(", "))
            }
            Change::DropCondition { operator, key } => format!("drop the condition {operator} {key} from {place}"),
            Change::SpareCaller { operator, key, value } => {
                format!("spare {value} from the Deny in {place}, by the condition {operator} {key}")
            }
            Change::RemoveStatement => format!("remove the Deny in {place}"),
            Change::CreateGrant { grantee, operation, .. } => format!("create a grant for {operation} to {grantee}"),
            Change::SendContext { context } => {
                let pairs: Vec<String> = context.iter().map(|(name, value)| format!("{name}={value}")).collect();
                format!("send the encryption context {}, as {place} asks", pairs.join(", "))
            }
        }
    }

    fn allow_sentence(&self, search: &Search<'_>) -> String {
        let (action, resource) = (search.question.action, search.question.resource);
        let allow = format!("allow {action} on {resource}");
        let who = search.lasting_name();
        match self.place.layer {
            Layer::PermissionsBoundary => format!("{allow} in the permissions boundary of {who}"),
            Layer::SessionPolicy => {
                format!("assume the role with a session policy that lets through {action} on {resource}")
            }
            Layer::ResourcePolicy => format!("allow {action} to {who} in {}", search.resource_noun()),
            Layer::IdentityPolicy | Layer::AccountRoot | Layer::Grant => format!("{allow} in a policy of {who}"),
        }
    }

    fn statement_words(&self) -> String {
        let numbered = self.statement.starts_with("statement ");
        if numbered { self.statement.clone() } else { format!("statement \"{}\"", self.statement) }
    }

    fn policy_words(&self, search: &Search<'_>) -> String {
        match self.place.layer {
            Layer::ResourcePolicy => search.resource_noun().into(),
            Layer::PermissionsBoundary => format!("the permissions boundary {}", self.source),
            Layer::SessionPolicy => format!("the session policy {}", self.source),
            Layer::IdentityPolicy | Layer::AccountRoot | Layer::Grant => format!("the policy {}", self.source),
        }
    }
}

impl Search<'_> {
    pub(super) fn principal(&self) -> &Principal {
        &self.question.call.caller.principal
    }

    /// The caller under the name that outlives its session: a session's role, else itself.
    pub(super) fn lasting_name(&self) -> String {
        let principal = self.principal();
        principal.role_arn().unwrap_or_else(|| principal.arn())
    }

    fn resource_noun(&self) -> &'static str {
        match self.voices.resource.map(|voice| voice.rule) {
            Some(ResourceRule::KeyPolicy) => "the key policy",
            Some(ResourceRule::Trust) => "the role's trust policy",
            Some(ResourceRule::Either) | None => "the resource policy",
        }
    }
}
