//! Who wins: the evaluation of AWS's policy layers, pure.
//!
//! An explicit Deny anywhere wins. What must allow depends on whose resource it is: see [`ResourceRule`].

use crate::call::CallContext;
use crate::id::AccountId;
use crate::identity::{IdentityPolicies, NamedPolicy};
use crate::policy::condition::Facts;
use crate::policy::document::Effect;
use crate::policy::explain::{Considered, Contribution, Explanation, Layer, Verdict};
use crate::policy::globals::with_globals;
use crate::policy::statement::{Matter, Setting};
use crate::policy::whom::Named;
use crate::principal::Principal;

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
    let Question { call, action, resource, facts } = *question;
    let facts = with_globals(facts, call, voices.identity);
    let principal = &call.caller.principal;
    let mut hearing = Hearing {
        matter: Matter { principal, action, resource, facts: &facts },
        delegable: voices.resource.is_some_and(|voice| voice.owner == principal.account()),
        considered: Vec::new(),
    };
    let heard = hearing.hear(voices);
    let verdict = Bench { principal, voices, heard }.verdict();
    let considered = hearing.considered;
    Explanation {
        principal: principal.arn(),
        action: action.into(),
        resource: resource.into(),
        verdict,
        considered,
        facts: facts.into_map(),
    }
}

/// Asks one voice after the other and writes down what each says.
struct Hearing<'a> {
    matter: Matter<'a>,
    /// Whether naming the caller's account in the resource's policy hands the decision to identity policies: within
    /// the owner's account. To another account it is a permission, which that account may pass on.
    delegable: bool,
    considered: Vec<Considered>,
}

/// What each layer said, summed up. `None`: nobody speaks in this layer.
struct Heard {
    identity: Said,
    boundary: Option<Said>,
    session: Option<Said>,
    resource: Said,
}

/// What the statements of one layer said together.
#[derive(Default)]
struct Said {
    denies: bool,
    delegates: bool,
    allows: Option<Named>,
}

impl Hearing<'_> {
    fn hear(&mut self, voices: &Voices<'_>) -> Heard {
        let IdentityPolicies { identity, boundary, session, .. } = voices.identity;
        let own = Setting::Identity;
        let heard = Heard {
            identity: self.layer(Layer::IdentityPolicy, own, identity),
            boundary: boundary.as_ref().map(|policy| self.layer(Layer::PermissionsBoundary, own, [policy])),
            session: (!session.is_empty()).then(|| self.layer(Layer::SessionPolicy, own, session)),
            resource: voices.resource.map_or(Said::default(), |voice| {
                let trust = voice.rule == ResourceRule::Trust;
                let setting = if trust { Setting::Trust } else { Setting::Resource };
                self.layer(Layer::ResourcePolicy, setting, voice.policy)
            }),
        };
        voices.grants.iter().for_each(|grant| self.grant(grant));
        heard
    }

    fn layer<'p>(&mut self, layer: Layer, at: Setting, policies: impl IntoIterator<Item = &'p NamedPolicy>) -> Said {
        let mut said = Said::default();
        for policy in policies {
            for (index, statement) in policy.document.statements.iter().enumerate() {
                let named = statement.speaks(&policy.document, at, &self.matter);
                let contribution = self.contribution(named, statement.effect, &mut said);
                let statement = statement.sid.clone().unwrap_or_else(|| format!("statement {}", index + 1));
                self.considered.push(Considered { layer, source: policy.name.clone(), statement, contribution });
            }
        }
        said
    }

    fn contribution(&self, named: Result<Named, String>, effect: Effect, said: &mut Said) -> Contribution {
        match (named, effect) {
            (Err(silence), _) => Contribution::Silent(silence),
            (Ok(_), Effect::Deny) => {
                said.denies = true;
                Contribution::Denies
            }
            (Ok(Named::Account), Effect::Allow) if self.delegable => {
                said.delegates = true;
                Contribution::Delegates
            }
            (Ok(named), Effect::Allow) => {
                said.allows = said.allows.max(Some(named));
                Contribution::Allows
            }
        }
    }

    fn grant(&mut self, grant: &GrantVoice) {
        let contribution = match &grant.fits {
            Ok(()) => Contribution::Allows,
            Err(silence) => Contribution::Silent(silence.clone()),
        };
        let (source, statement) = (grant.id.clone(), String::new());
        self.considered.push(Considered { layer: Layer::Grant, source, statement, contribution });
    }
}

/// Weighs what was heard. A path is `Ok(layer that allows)` or `Err(layer whose Allow is missing)`.
struct Bench<'a> {
    principal: &'a Principal,
    voices: &'a Voices<'a>,
    heard: Heard,
}

type Path = Result<Layer, Layer>;

impl Bench<'_> {
    fn verdict(&self) -> Verdict {
        if let Some(layer) = self.denied_by() {
            return Verdict::ExplicitDeny(layer);
        }
        let path = match self.voices.resource {
            Some(voice) if voice.owner != self.principal.account() => self.across_accounts(),
            Some(_) | None => self.within_account(),
        };
        path.map_or_else(Verdict::ImplicitDeny, Verdict::Allowed)
    }

    fn denied_by(&self) -> Option<Layer> {
        let Heard { identity, boundary, session, resource } = &self.heard;
        [
            (Layer::IdentityPolicy, Some(identity)),
            (Layer::PermissionsBoundary, boundary.as_ref()),
            (Layer::SessionPolicy, session.as_ref()),
            (Layer::ResourcePolicy, Some(resource)),
        ]
        .into_iter()
        .find_map(|(layer, said)| said?.denies.then_some(layer))
    }

    /// Any one path suffices. A refusal names the limit that stopped an allowed path; failing that, whoever had to
    /// speak first.
    fn within_account(&self) -> Path {
        let identity = self.identity_path();
        let others = [self.resource_path(), self.grant_path()];
        let stopped = |path: &Path| matches!(path, Err(Layer::PermissionsBoundary | Layer::SessionPolicy));
        let stopped_path = others.into_iter().find(stopped);
        identity.or_else(|missing| {
            let allowed = others.into_iter().find(Result::is_ok);
            allowed.or(stopped_path).unwrap_or(Err(missing))
        })
    }

    /// The owner's word and the caller's own account's word are both needed.
    fn across_accounts(&self) -> Path {
        if !matches!(self.principal, Principal::Service { .. } | Principal::Root { .. }) {
            self.own_word()?;
        }
        let grants = self.voices.grants;
        match self.heard.resource.allows {
            Some(_) => Ok(Layer::ResourcePolicy),
            None if grants.iter().any(|grant| grant.cross_account && grant.fits.is_ok()) => Ok(Layer::Grant),
            None => Err(Layer::ResourcePolicy),
        }
    }

    /// The caller's own policies, where they are let decide.
    fn identity_path(&self) -> Path {
        let rule = self.voices.resource.map_or(ResourceRule::Either, |voice| voice.rule);
        let free = rule == ResourceRule::Either;
        match self.principal {
            Principal::Root { .. } if free => Ok(Layer::AccountRoot),
            // A root user or service without a resource policy that names it: nobody else can speak for it.
            Principal::Root { .. } | Principal::Service { .. } => Err(Layer::ResourcePolicy),
            _ if free || self.heard.resource.delegates => self.own_word(),
            _ => Err(Layer::ResourcePolicy),
        }
    }

    fn resource_path(&self) -> Path {
        match self.heard.resource.allows {
            Some(Named::Itself) => Ok(Layer::ResourcePolicy),
            Some(Named::Account | Named::Everyone | Named::Role) => self.limits().map(|()| Layer::ResourcePolicy),
            None => Err(Layer::ResourcePolicy),
        }
    }

    fn grant_path(&self) -> Path {
        let mut fitting = self.voices.grants.iter().filter(|grant| grant.fits.is_ok()).peekable();
        if fitting.peek().is_none() {
            return Err(Layer::ResourcePolicy);
        }
        if fitting.any(|grant| grant.direct) {
            return Ok(Layer::Grant);
        }
        self.limits().map(|()| Layer::Grant)
    }

    fn own_word(&self) -> Path {
        self.heard.identity.allows.ok_or(Layer::IdentityPolicy)?;
        self.limits().map(|()| Layer::IdentityPolicy)
    }

    /// A boundary or session policy that is there must allow too.
    fn limits(&self) -> Result<(), Layer> {
        let lets = |said: &Option<Said>| said.as_ref().is_none_or(|said| said.allows.is_some());
        match (lets(&self.heard.boundary), lets(&self.heard.session)) {
            (false, _) => Err(Layer::PermissionsBoundary),
            (true, false) => Err(Layer::SessionPolicy),
            (true, true) => Ok(()),
        }
    }
}
