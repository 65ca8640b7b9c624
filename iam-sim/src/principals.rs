//! What the shelves say of a principal: which policies speak about it, whether it exists, what its unique id is.

use std::sync::Arc;

use aws_core::arn::Arn;
use aws_core::id::AccountId;
use aws_core::identity::{IdentityPolicies, NamedPolicy};
use aws_core::policy::document::PolicyDocument;
use aws_core::principal::{Caller, Principal};

use crate::records::{Group, Policies, Role, User};
use crate::shelves::{Holder, Shelves, of_account};

impl Shelves {
    /// All policies that speak about the caller's own rights. A name that was given anew is another principal, so the
    /// unique id must fit too.
    pub fn policies_of(&self, caller: &Caller) -> IdentityPolicies {
        let mut all = match &caller.principal {
            Principal::User { account, id, name, .. } => {
                let user = self.holder::<User>(account, name).ok().filter(|user| user.id == *id);
                user.map(|user| self.of_user(user)).unwrap_or_default()
            }
            Principal::AssumedRole { account, role_id, role, .. } => {
                let role = self.holder::<Role>(account, role).ok().filter(|role| role.id == *role_id);
                role.map(|role| self.of_holder(&**role)).unwrap_or_default()
            }
            Principal::Root { .. } | Principal::Service { .. } => IdentityPolicies::default(),
        };
        self.add_session(caller, &mut all);
        all
    }

    fn of_user(&self, user: &User) -> IdentityPolicies {
        let mut all = self.of_holder(user);
        let groups = user.groups.iter().filter_map(|name| self.holder::<Group>(&user.account, name).ok());
        groups.for_each(|group| all.identity.extend(self.own(&**group)));
        all
    }

    fn of_holder<H: Holder>(&self, holder: &H) -> IdentityPolicies {
        IdentityPolicies {
            identity: self.own(holder),
            // A boundary that is gone still bounds: it allows nothing.
            boundary: holder.boundary().map(|arn| self.managed(arn).unwrap_or_else(|| silent(arn))),
            session: Vec::new(),
            tags: holder.tags().cloned().unwrap_or_default().into_iter().collect(),
        }
    }

    fn own<H: Holder>(&self, holder: &H) -> Vec<NamedPolicy> {
        let Policies { inline, attached } = holder.policies();
        let of = format!("of {} {}", H::KIND.word(), holder.name());
        let inline = inline.iter().map(|(name, document)| document.named(format!("inline policy {name} {of}")));
        inline.chain(attached.iter().filter_map(|arn| self.managed(arn))).collect()
    }

    fn managed(&self, arn: &str) -> Option<NamedPolicy> {
        self.policy(arn).map(|policy| policy.in_force().document.named(arn))
    }

    /// Session policies and session tags; a session tag outranks the role's tag of the same name.
    fn add_session(&self, caller: &Caller, all: &mut IdentityPolicies) {
        let key = self.temporary_keys.get(&caller.access_key_id);
        let Some(key) = key.filter(|key| key.principal == caller.principal) else { return };
        all.session = key.policies.iter().map(|(name, document)| document.named(name)).collect();
        all.tags.retain(|(name, _)| !key.tags.keys().any(|own| own.eq_ignore_ascii_case(name)));
        all.tags.extend(key.tags.clone());
    }

    /// See [`aws_core::identity::Identities::principal_exists`]. Roles whose names only services can give (`aws:…`)
    /// are taken to exist.
    pub fn principal_exists(&self, arn: &Arn) -> bool {
        let Some(account) = AccountId::parse(&arn.account) else { return false };
        let parts: Vec<&str> = arn.resource.split('/').collect();
        match (arn.service.as_str(), parts.as_slice()) {
            ("iam", ["root"]) => true,
            ("iam", ["role", name]) | ("sts", ["assumed-role", name, _]) if name.starts_with("aws:") => true,
            ("iam", ["user", .., _]) => self.named::<User>(arn).is_some() || self.is_foreign(&account),
            ("iam", ["role", .., _]) => self.named::<Role>(arn).is_some() || self.is_foreign(&account),
            ("sts", ["assumed-role", role, _]) => {
                self.holder::<Role>(&account, role).is_ok() || self.is_foreign(&account)
            }
            _ => false,
        }
    }

    /// The unique id of a user or role.
    pub fn unique_id(&self, arn: &Arn) -> Option<String> {
        let user = self.named::<User>(arn).map(|user| user.id.clone());
        user.or_else(|| self.named::<Role>(arn).map(|role| role.id.clone()))
    }

    /// Whether a unique id (`AIDA…`, `AROA…`) is a living user's or role's: what stands in a policy for its principal.
    pub fn knows_unique_id(&self, id: &str) -> bool {
        self.users.values().any(|user| user.id == id) || self.roles.values().any(|role| role.id == id)
    }

    /// The user or role of exactly this ARN, path included.
    pub fn named<H: Holder>(&self, arn: &Arn) -> Option<&Arc<H>> {
        let (account, name) = (AccountId::parse(&arn.account)?, arn.resource.rsplit('/').next()?);
        self.holder::<H>(&account, name).ok().filter(|holder| holder.arn() == arn.to_string())
    }

    /// An account of which nothing is kept here: it lives elsewhere, and its principals are taken on trust.
    fn is_foreign(&self, account: &AccountId) -> bool {
        *account != AccountId::default_account()
            && of_account(&self.users, account).next().is_none()
            && of_account(&self.roles, account).next().is_none()
    }
}

fn silent(arn: &str) -> NamedPolicy {
    let document = PolicyDocument { version: "2012-10-17".into(), id: None, statements: Vec::new() };
    NamedPolicy { name: arn.into(), document: Arc::new(document) }
}
