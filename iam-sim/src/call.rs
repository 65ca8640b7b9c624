//! One call in the hands of an operation: its form, its caller, and the right to ask for permission.

use std::sync::Arc;

use aws_core::audit::Audit;
use aws_core::call::CallContext;
use aws_core::id::AccountId;
use aws_core::policy::condition::Facts;
use aws_core::policy::evaluate::{Question, ResourceVoice, Voices, evaluate};
use aws_core::policy::explain::Explanation;
use aws_core::principal::Principal;
use aws_core::time::{Timestamp, iso_seconds};
use serde_json::Value;

use crate::args::Args;
use crate::directory::Directory;
use crate::fault::{IamError, Kind};
use crate::records::{Tags, arn};
use crate::shelves::{Holder, Shelves};

/// What an operation answers: AWS's members by AWS's names.
pub(crate) type Answer = Result<Value, IamError>;

/// Everything an operation may use.
pub(crate) struct Call<'a> {
    /// The operation's name.
    pub action: &'static str,
    pub directory: &'a Directory,
    pub ctx: &'a CallContext,
    pub args: Args<'a>,
    pub audit: &'a mut Audit,
}

/// What a call touches: the ARN that policies are held against, and the words that a refusal has for it.
pub(crate) struct Target {
    arn: String,
    words: String,
}

impl Target {
    /// Something that is made or listed: AWS's refusal shows its ARN.
    pub fn arn(arn: impl Into<String>) -> Self {
        let arn = arn.into();
        Self { words: arn.clone(), arn }
    }

    /// Something that is changed or shown: AWS's refusal calls it `user ada`.
    fn named(kind: Kind, name: &str, arn: String) -> Self {
        Self { arn, words: format!("{} {name}", kind.word()) }
    }

    /// A managed policy: `policy arn:…`.
    pub fn policy(arn: &str) -> Self {
        Self { arn: arn.into(), words: format!("policy {arn}") }
    }
}

impl<'a> Call<'a> {
    /// The account in which the caller lives, and IAM with it.
    pub fn account(&self) -> &'a AccountId {
        self.ctx.account()
    }

    pub fn now(&self) -> Timestamp {
        self.directory.now()
    }

    /// ARN of something in the caller's account.
    pub fn arn(&self, kind: &str, path: &str, name: &str) -> String {
        arn(self.account().as_str(), kind, path, name)
    }

    /// A new unique id: `AIDA…`, `AROA…`, `AGPA…`, `ANPA…`.
    pub fn unique_id(&self, prefix: &str) -> String {
        aws_core::id::iam_id(prefix, self.directory.entropy().array())
    }

    /// The name of the calling user, where a call that names nobody means oneself. `None` for the root user.
    pub fn caller_name(&self) -> Result<Option<&'a str>, IamError> {
        match &self.ctx.caller.principal {
            Principal::User { name, .. } => Ok(Some(name)),
            Principal::Root { .. } => Ok(None),
            Principal::AssumedRole { .. } | Principal::Service { .. } => Err(IamError::NotAUser),
        }
    }

    /// May the caller do this operation to `target`?
    pub fn authorize(&mut self, target: &Target) -> Result<(), IamError> {
        self.authorize_with(target, &mut Facts::default())
    }

    /// The same, with facts of the operation.
    pub fn authorize_with(&mut self, target: &Target, facts: &mut Facts) -> Result<(), IamError> {
        let action = format!("iam:{}", self.action);
        self.authorize_action(&action, target, facts)
    }

    /// May the caller do `action`, which this operation entails, to `target`?
    pub fn authorize_action(&mut self, action: &str, target: &Target, facts: &mut Facts) -> Result<(), IamError> {
        let on = format!("on resource: {}", target.words);
        self.ask(action, &target.arn, facts, None)
            .map_err(|refused| IamError::AccessDenied { sentence: refused.denial(&on) })
    }

    /// May the caller do this operation to the user, group or role of this name? It need not exist: a caller without
    /// rights does not learn whether it does.
    pub fn authorize_on<H: Holder>(&mut self, name: &str) -> Result<(), IamError> {
        self.authorize_on_with::<H>(name, &mut Facts::default())
    }

    /// The same, with facts of the operation.
    pub fn authorize_on_with<H: Holder>(&mut self, name: &str, facts: &mut Facts) -> Result<(), IamError> {
        let target = self.directory.read(|shelves| {
            let holder = shelves.holder::<H>(self.account(), name).ok();
            holder.into_iter().for_each(|holder| describe_holder(facts, &**holder));
            let missing = || self.arn(H::KIND.word(), "/", name);
            Target::named(H::KIND, name, holder.map_or_else(missing, |holder| holder.arn()))
        });
        self.authorize_with(&target, facts)
    }

    /// Asks the evaluator and writes its answer down. `resource` is the voice of what is asked for, if it has one.
    pub fn ask(
        &mut self,
        action: &str,
        arn: &str,
        facts: &mut Facts,
        resource: Option<ResourceVoice<'_>>,
    ) -> Result<(), Arc<Explanation>> {
        let now = self.now();
        facts.set("aws:CurrentTime", iso_seconds(now)).set("aws:EpochTime", now.as_second().to_string());
        let identity = self.directory.read(|shelves| shelves.policies_of(&self.ctx.caller));
        let question = Question { call: self.ctx, action, resource: arn, facts };
        let explanation = Arc::new(evaluate(&question, &Voices { identity: &identity, resource, grants: &[] }));
        self.audit.decision(explanation.clone());
        if explanation.allowed() { Ok(()) } else { Err(explanation) }
    }

    /// Looks something up in the caller's account.
    pub fn read<T>(&self, look: impl FnOnce(&Shelves, &AccountId) -> T) -> T {
        self.directory.read(|shelves| look(shelves, self.account()))
    }
}

/// The condition keys that tell of the user or role acted upon.
fn describe_holder<H: Holder>(facts: &mut Facts, holder: &H) {
    if let Some(boundary) = holder.boundary()
        && facts.get("iam:PermissionsBoundary").is_none()
    {
        facts.set("iam:PermissionsBoundary", boundary);
    }
    for (key, value) in holder.tags().into_iter().flatten() {
        facts.set(&format!("iam:ResourceTag/{key}"), value).set(&format!("aws:ResourceTag/{key}"), value);
    }
}

/// The condition keys that tell of tags asked for.
pub(crate) fn describe_tags(facts: &mut Facts, tags: &Tags) {
    if !tags.is_empty() {
        facts.set_all("aws:TagKeys", tags.keys().cloned());
    }
    for (key, value) in tags {
        facts.set(&format!("aws:RequestTag/{key}"), value);
    }
}
