//! Why a call was allowed or refused: every policy, statement and grant that was considered, and what each said.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The outcome, with its grounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The principal's ARN.
    pub principal: String,
    /// `kms:Decrypt`, …
    pub action: String,
    /// ARN of the resource, or `*`.
    pub resource: String,
    /// The outcome.
    pub verdict: Verdict,
    /// All that was asked, in the order in which it was asked.
    pub considered: Vec<Considered>,
    /// The condition keys that statements could see, in lower case.
    pub facts: BTreeMap<String, Vec<String>>,
}

/// Allowed, or refused and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "verdict", content = "layer")]
pub enum Verdict {
    /// Somebody allowed it and nobody denied it; names the layer that decided.
    Allowed(Layer),
    /// A Deny statement of this layer matched.
    ExplicitDeny(Layer),
    /// No Deny, but this layer, whose Allow was needed, gave none.
    ImplicitDeny(Layer),
}

/// Who speaks about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// The account root user needs no policy of its own.
    AccountRoot,
    /// Policies of the user or role.
    IdentityPolicy,
    /// The permissions boundary.
    PermissionsBoundary,
    /// Policies given with AssumeRole.
    SessionPolicy,
    /// Key policy, bucket policy or trust policy.
    ResourcePolicy,
    /// A KMS grant.
    Grant,
}

/// One voice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Considered {
    /// Whose voice.
    pub layer: Layer,
    /// Name of the policy, or id of the grant.
    pub source: String,
    /// Sid of the statement, or its position (`statement 2`); empty for a grant.
    pub statement: String,
    /// What it contributed.
    pub contribution: Contribution,
}

/// What a statement or grant said about this call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "said", content = "because")]
pub enum Contribution {
    /// It allows the call.
    Allows,
    /// It denies the call.
    Denies,
    /// It hands the decision to the account's identity policies (the root statement of a key policy).
    Delegates,
    /// It does not speak about this call; the text says which part did not match.
    Silent(String),
}

impl Explanation {
    /// Whether the call may proceed.
    pub fn allowed(&self) -> bool {
        matches!(self.verdict, Verdict::Allowed(_))
    }

    /// AWS's sentence for a refusal, e.g. `User: … is not authorized to perform: kms:Decrypt on resource: … because no
    /// identity-based policy allows the kms:Decrypt action`. `on` is the phrase that names the resource
    /// (`on resource: arn…`, `on this resource`, …; empty where AWS names none). For an allowed call: empty.
    pub fn denial(&self, on: &str) -> String {
        let Self { principal, action, .. } = self;
        let because = match &self.verdict {
            Verdict::Allowed(_) => return String::new(),
            Verdict::ExplicitDeny(layer) => format!("with an explicit deny in {}", self.phrase(*layer)),
            Verdict::ImplicitDeny(layer) => format!("because no {} allows the {action} action", self.noun(*layer)),
        };
        let on = if on.is_empty() { String::new() } else { format!("{on} ") };
        format!("User: {principal} is not authorized to perform: {action} {on}{because}")
    }

    /// The noun of AWS's denial texts. A role's resource policy is its trust policy, and AWS calls it so.
    fn noun(&self, layer: Layer) -> &'static str {
        match layer {
            Layer::ResourcePolicy if self.action == "sts:AssumeRole" => "role trust policy",
            other => other.noun(),
        }
    }

    fn phrase(&self, layer: Layer) -> String {
        let noun = self.noun(layer);
        let article = match noun {
            "role trust policy" => "the",
            "identity-based policy" => "an",
            _ => "a",
        };
        format!("{article} {noun}")
    }
}

impl Layer {
    /// The noun of AWS's denial texts.
    pub fn noun(self) -> &'static str {
        match self {
            Self::AccountRoot | Self::IdentityPolicy => "identity-based policy",
            Self::PermissionsBoundary => "permissions boundary",
            Self::SessionPolicy => "session policy",
            Self::ResourcePolicy | Self::Grant => "resource-based policy",
        }
    }
}
