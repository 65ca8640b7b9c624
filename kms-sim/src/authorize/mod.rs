//! Who may do what with which key. The only place where proofs of permission are made.
//!
//! ```text
//! kms.ask::<Encrypt>(call, &found)      what is asked, of which key
//!     .tokens(…).context(…).fact(…)     what the request shows of itself
//!     .decide()?                        key policy + identity policies + grants -> Authorized<Encrypt>
//! ```
//!
//! [`Authorized`] and [`Permitted`] have no public constructor. The HSM boundary demands them.

pub mod action;
pub(crate) mod facts;

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use aws_core::policy::condition::Facts;
use aws_core::policy::evaluate::{GrantVoice, Question, ResourceRule, ResourceVoice, Voices, evaluate};
use aws_core::policy::explain::{Considered, Contribution, Explanation, Layer, Verdict};
use aws_core::principal::Principal;
use kms_api::error::KmsError;
use kms_api::shapes::ContextMap;

use self::action::{Action, PutKeyPolicy, RetireGrant};
use self::facts::Kind;
use crate::KmsSim;
use crate::call::Call;
use crate::error::{hidden_resource, unknown_ciphertext};
use crate::model::address::KeyAddress;
use crate::model::grant::{Grant, Showing, names_of};
use crate::model::key::Key;
use crate::model::key_policy::KeyPolicy;
use crate::resolve::Found;

/// Proof that the caller may do `A` with this key.
#[derive(Debug)]
pub struct Authorized<A> {
    key: Arc<Key>,
    action: PhantomData<fn() -> A>,
}

impl<A> Deref for Authorized<A> {
    type Target = Key;

    fn deref(&self) -> &Key {
        &self.key
    }
}

/// Proof that the caller may do `A`, an action that is not about one key.
#[derive(Debug)]
pub struct Permitted<A>(PhantomData<fn() -> A>);

/// How a denial names the resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phrase {
    /// By its ARN, which the caller gave or could have given.
    Arn,
    /// By the blob that named it: the caller may not know the ARN.
    Ciphertext,
}

/// A question under construction.
pub(crate) struct Asking<'a, 'c, A> {
    kms: &'a KmsSim,
    call: &'a mut Call<'c>,
    key: Arc<Key>,
    facts: Facts,
    tokens: &'a [String],
    context: Option<&'a ContextMap>,
    child: Option<&'a Grant>,
    phrase: Phrase,
    action: PhantomData<fn() -> A>,
}

impl KmsSim {
    /// Starts a question about one key.
    pub(crate) fn ask<'a, 'c, A: Action>(&'a self, call: &'a mut Call<'c>, found: &Found) -> Asking<'a, 'c, A> {
        let mut facts = self.facts_of(call);
        let aliases = self.registry.alias_names(&found.key.address);
        facts::add_key(&mut facts, &found.key, aliases, found.alias.as_deref());
        let key = found.key.clone();
        Asking {
            kms: self,
            call,
            key,
            facts,
            tokens: &[],
            context: None,
            child: None,
            phrase: Phrase::Arn,
            action: PhantomData,
        }
    }

    fn facts_of(&self, call: &Call<'_>) -> Facts {
        let mut facts = facts::of_call(call.ctx);
        facts::add_time(&mut facts, self.world.now());
        facts
    }

    /// Decides an action that only IAM policies govern. `resource` is `*` or an alias ARN.
    pub(crate) fn permit<A: Action>(
        &self,
        call: &mut Call<'_>,
        resource: &str,
        facts: &Facts,
    ) -> Result<Permitted<A>, KmsError> {
        let identity = self.world.identities.policies(&call.ctx.caller);
        let voices = Voices { identity: &identity, resource: None, grants: &[] };
        let mut facts = facts.clone();
        facts::add_time(&mut facts, self.world.now());
        let explanation = evaluate(&Question { call: call.ctx, action: A::NAME, resource, facts: &facts }, &voices);
        call.decided(&Arc::new(explanation), &format!("on resource: {resource}"))?;
        Ok(Permitted(PhantomData))
    }

    /// Whether the caller could change the key policy again if it were this one.
    pub(crate) fn keeps_the_door_open(
        &self,
        call: &Call<'_>,
        (key, kind): (&KeyAddress, Kind),
        policy: &KeyPolicy,
    ) -> bool {
        let identity = self.world.identities.policies(&call.ctx.caller);
        let mut facts = self.facts_of(call);
        facts::add_key_kind(&mut facts, kind);
        let (action, resource) = (PutKeyPolicy::NAME, &*key.arn());
        evaluate(
            &Question { call: call.ctx, action, resource, facts: &facts },
            &Voices { identity: &identity, resource: Some(voice(&key.account, policy)), grants: &[] },
        )
        .allowed()
    }

    /// RetireGrant has a rule of its own: the grant names who may retire it, the issuing account may, and the key
    /// policy has no say. An explicit Deny still counts.
    pub(crate) fn decide_retiring(&self, call: &mut Call<'_>, grant: &Grant, key: &Key) -> Result<(), KmsError> {
        let identity = self.world.identities.policies(&call.ctx.caller);
        let facts = self.facts_of(call);
        let voices = Voices { identity: &identity, resource: None, grants: &[] };
        let question = Question { call: call.ctx, action: RetireGrant::NAME, resource: &key.arn, facts: &facts };
        let mut explanation = evaluate(&question, &voices);
        let named = grant.is_retired_by(&call.ctx.caller.principal);
        let issuing = grant.issuer == format!("arn:aws:iam::{}:root", call.ctx.account());
        weigh_retiring(&mut explanation, grant, named, issuing);
        call.decided(&Arc::new(explanation), &format!("on resource: {}", key.arn))
    }
}

fn weigh_retiring(explanation: &mut Explanation, grant: &Grant, named: bool, issuing: bool) {
    let contribution = match named {
        true => Contribution::Allows,
        false => Contribution::Silent("the caller is not the retiring principal".into()),
    };
    let (layer, source) = (Layer::Grant, grant.id.clone());
    explanation.considered.push(Considered { layer, source, statement: String::new(), contribution });
    explanation.verdict = match &explanation.verdict {
        denied @ Verdict::ExplicitDeny(_) => denied.clone(),
        _ if named => Verdict::Allowed(Layer::Grant),
        allowed @ Verdict::Allowed(_) if issuing => allowed.clone(),
        Verdict::Allowed(_) | Verdict::ImplicitDeny(_) => Verdict::ImplicitDeny(Layer::Grant),
    };
}

impl<'a, A: Action> Asking<'a, '_, A> {
    /// Grant tokens that the request carries.
    pub(crate) fn tokens(self, tokens: &'a [String]) -> Self {
        Self { tokens, ..self }
    }

    /// The encryption context of a cryptographic operation.
    pub(crate) fn context(mut self, context: &'a ContextMap) -> Self {
        facts::add_context(&mut self.facts, context);
        Self { context: Some(context), ..self }
    }

    /// The grant that would be made.
    pub(crate) fn child(self, child: &'a Grant) -> Self {
        Self { child: Some(child), ..self }
    }

    /// How a denial names the key.
    pub(crate) fn phrase(self, phrase: Phrase) -> Self {
        Self { phrase, ..self }
    }

    /// One more condition key.
    pub(crate) fn fact(mut self, name: &str, value: impl Into<String>) -> Self {
        self.facts.set(name, value);
        self
    }

    /// More condition keys, by hand.
    pub(crate) fn facts(mut self, add: impl FnOnce(&mut Facts)) -> Self {
        add(&mut self.facts);
        self
    }

    /// Asks everybody, notes the answer in the audit, and mints the proof or AWS's denial.
    pub(crate) fn decide(self) -> Result<Authorized<A>, KmsError> {
        self.tokens.iter().try_for_each(|token| self.kms.read_token(token).map(drop))?;
        self.call.touches(&self.key);
        if self.is_stranger() && !A::CROSSES_ACCOUNTS {
            return Err(hidden_resource(&self.call.ctx.principal_arn(), A::NAME));
        }
        let explanation = Arc::new(self.explain());
        self.call.audit.decision(explanation.clone());
        match explanation.allowed() {
            true => {
                self.call.tie(&self.kms.world, &self.key);
                self.call.keys.push(self.key.clone());
                Ok(Authorized { key: self.key, action: PhantomData })
            }
            false => Err(self.denied(&explanation)),
        }
    }

    fn is_stranger(&self) -> bool {
        *self.call.ctx.account() != self.key.address.account
    }

    fn explain(&self) -> Explanation {
        let identity = self.kms.world.identities.policies(&self.call.ctx.caller);
        let grants = self.grants();
        evaluate(
            &Question { call: self.call.ctx, action: A::NAME, resource: &self.key.arn, facts: &self.facts },
            &Voices {
                identity: &identity,
                resource: Some(voice(&self.key.address.account, &self.key.policy)),
                grants: &grants,
            },
        )
    }

    /// The grants that name the caller. Grants work at once here; a token proves nothing more than that it is one.
    fn grants(&self) -> Vec<GrantVoice> {
        let Some(operation) = A::GRANTABLE else { return Vec::new() };
        let principal = &self.call.ctx.caller.principal;
        let mut names = names_of(principal);
        if !matches!(principal, Principal::Service { .. }) {
            names.push(format!("arn:aws:iam::{}:root", principal.account()));
        }
        names.dedup();
        let source_arn = facts::source_arn(self.call.ctx);
        let showing = Showing { operation, context: self.context, source_arn, child: self.child };
        let own_arn = &names[0];
        let grants = self.kms.registry.grants_to(&self.key.address, &names);
        let account_wide = |grant: &Grant| grant.grantee.ends_with(":root") && !principal.is_root();
        grants
            .iter()
            .map(|grant| GrantVoice {
                id: grant.id.clone(),
                fits: grant.fits(&showing),
                cross_account: self.is_stranger() || account_wide(grant),
                direct: grant.grantee == *own_arn,
            })
            .collect()
    }

    fn denied(&self, explanation: &Explanation) -> KmsError {
        let principal = || self.call.ctx.principal_arn();
        let on = match (self.phrase, self.is_stranger()) {
            (Phrase::Ciphertext, true) => return unknown_ciphertext(),
            (Phrase::Ciphertext, false) => "on the resource associated with this ciphertext".into(),
            (Phrase::Arn, true) if key_refuses(explanation) => return hidden_resource(&principal(), A::NAME),
            (Phrase::Arn, true) => "on this resource".into(),
            (Phrase::Arn, false) => format!("on resource: {}", self.key.arn),
        };
        KmsError::AccessDenied(explanation.denial(&on))
    }
}

fn key_refuses(explanation: &Explanation) -> bool {
    use Layer::{Grant, ResourcePolicy};
    matches!(
        explanation.verdict,
        Verdict::ExplicitDeny(ResourcePolicy | Grant) | Verdict::ImplicitDeny(ResourcePolicy | Grant)
    )
}

fn voice<'a>(owner: &'a aws_core::id::AccountId, policy: &'a KeyPolicy) -> ResourceVoice<'a> {
    ResourceVoice { owner, policy: Some(&policy.parsed), rule: ResourceRule::KeyPolicy }
}
