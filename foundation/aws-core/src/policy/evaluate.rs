//! Who wins: the evaluation of AWS's policy layers, pure.
//!
//! An explicit Deny anywhere wins. What must allow depends on whose resource it is: see [`ResourceRule`].

use crate::call::CallContext;
use crate::id::AccountId;
use crate::identity::{IdentityPolicies, NamedPolicy};
use crate::policy::condition::Facts;
use crate::policy::explain::{Explanation, Layer, Verdict};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who asks, through whom.
    pub call: &'a CallContext,
    /// `service:Action`.
    pub action: &'a str,
    /// ARN of the resource, or `*` for actions without one.
    pub resource: &'a str,
    /// Service-specific condition keys (`kms:…`, `s3:…`); the `aws:…` keys are added by [`evaluate`].
    pub facts: &'a Facts,
}

/// Who may speak.
#[derive(Clone, Copy, Debug)]
pub struct Voices<'a> {
    /// The caller's own policies.
    pub identity: &'a IdentityPolicies,
    /// The resource's policy and owner; `None` for actions without a resource policy (EC2, IAM, CloudTrail),
    /// where the caller's own account is the owner.
    pub resource: Option<ResourceVoice<'a>>,
    /// Grants on the resource that name the caller as grantee.
    pub grants: &'a [GrantVoice],
}

/// A resource's own policy.
#[derive(Clone, Copy, Debug)]
pub struct ResourceVoice<'a> {
    /// Account that owns the resource.
    pub owner: &'a AccountId,
    /// Its policy; `None` when it has none (a bucket without a bucket policy).
    pub policy: Option<&'a NamedPolicy>,
    /// How its policy and the identity policies combine.
    pub rule: ResourceRule,
}

/// How a resource policy and identity policies combine within one account. Across accounts both must always allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceRule {
    /// Either may allow (S3).
    Either,
    /// The key policy rules: it allows the caller directly, or it allows the account root and thereby lets
    /// identity policies decide (KMS). Without either, identity Allows are ineffective; Denies still count.
    KeyPolicy,
    /// The resource policy must allow the caller; naming the account root lets identity policies decide (role trust).
    Trust,
}

/// A grant that names the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantVoice {
    /// Grant id.
    pub id: String,
    /// `Ok` when operation and constraints fit the request, else what does not.
    pub fits: Result<(), String>,
    /// Whether the grant counts as the resource owner's word across accounts (the caller's identity policy must agree too).
    pub cross_account: bool,
    /// Whether the grantee is the caller's own ARN (a user, or this very session) rather than the role behind a
    /// session: only then is the grant not limited by a permissions boundary or session policy that is silent.
    pub direct: bool,
}

/// Decides, and says why.
pub fn evaluate(question: &Question<'_>, voices: &Voices<'_>) -> Explanation {
    let _ = voices;
    Explanation {
        principal: question.call.principal_arn(),
        action: question.action.into(),
        resource: question.resource.into(),
        verdict: if question.call.caller.principal.is_root() {
            Verdict::Allowed(Layer::AccountRoot)
        } else {
            Verdict::ImplicitDeny(Layer::IdentityPolicy)
        },
        considered: Vec::new(),
        facts: question.facts.as_map().clone(),
    }
}
