//! Whether one statement speaks about one question, and if not, which part of it did not match.

use crate::policy::condition::Facts;
use crate::policy::document::{Clause, PolicyDocument, Statement};
use crate::policy::pattern::{Pattern, Reading, action_matches};
use crate::policy::whom::Named;
use crate::principal::Principal;

/// What a statement is held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matter<'a> {
    pub principal: &'a Principal,
    pub action: &'a str,
    pub resource: &'a str,
    pub facts: &'a Facts,
}

/// The kind of policy a statement stands in, which settles the elements it must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    /// Attached to the caller: no Principal.
    Identity,
    /// Attached to the resource: a Principal and a Resource.
    Resource,
    /// A role's trust policy: a Principal; the role is the resource.
    Trust,
}

impl Statement {
    /// How the statement speaks of the caller (in identity policies: itself), or why it is silent.
    pub(super) fn speaks(&self, policy: &PolicyDocument, at: Setting, on: &Matter<'_>) -> Result<Named, String> {
        let variables = policy.has_variables().then_some(on.facts);
        let named = self.whom(at, on.principal)?;
        self.covers_action(on.action)?;
        if at != Setting::Trust {
            self.covers_resource(on.resource, variables)?;
        }
        self.conditions.iter().try_for_each(|condition| condition.holds(on.facts, policy.has_variables()))?;
        Ok(named)
    }

    fn whom(&self, at: Setting, principal: &Principal) -> Result<Named, String> {
        match (&self.principal, at) {
            (None, Setting::Identity) => Ok(Named::Itself),
            (Some(_), Setting::Identity) => Err("an identity policy has no use for a Principal".into()),
            (None, Setting::Resource | Setting::Trust) => Err("it has no Principal".into()),
            (Some(clause), Setting::Resource | Setting::Trust) => {
                let element = if clause.negated { "NotPrincipal" } else { "Principal" };
                clause.names(principal).ok_or_else(|| format!("{element} does not cover {}", principal.arn()))
            }
        }
    }

    fn covers_action(&self, action: &str) -> Result<(), String> {
        let clause = self.action.as_ref().ok_or("it has no Action, so it is without effect")?;
        clause.covers("Action", action, |pattern| action_matches(pattern, action))
    }

    fn covers_resource(&self, resource: &str, variables: Option<&Facts>) -> Result<(), String> {
        let clause = self.resource.as_ref().ok_or("it has no Resource, so it is without effect")?;
        let reading = Reading { wildcards: true, variables };
        // A star runs over colons and slashes alike: AWS lets a star at the end of an ARN's part reach beyond it.
        let fits = |pattern: &str| Pattern::read(pattern, reading).is_some_and(|p| p.matches(resource));
        clause.covers("Resource", resource, fits)
    }
}

impl Clause {
    fn covers(&self, element: &str, what: &str, fits: impl Fn(&str) -> bool) -> Result<(), String> {
        if self.patterns.iter().any(|pattern| fits(pattern)) != self.negated {
            return Ok(());
        }
        let not = if self.negated { "Not" } else { "" };
        Err(format!("{not}{element} does not cover {what}"))
    }
}
