//! Whom a `Principal` element means: the caller itself, the role behind a session, everyone, or a whole account.
//!
//! The difference matters twice. An account (`arn:aws:iam::ACCOUNT:root`, or its bare number) hands the decision to
//! that account's identity policies. And only a clause that names the caller's own ARN lifts the limits of a
//! permissions boundary or session policy; naming the role behind a session does not.

use crate::id::AccountId;
use crate::policy::document::PrincipalClause;
use crate::principal::Principal;

/// How a `Principal` element speaks of the caller, the most particular way that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// The account in which the caller lives.
    Account,
    /// Everyone, the caller among them (`*`, or a `NotPrincipal` that leaves the caller in).
    Everyone,
    /// The role behind the caller's session.
    Role,
    /// The caller: its user or session ARN, its unique id, the root user, the service.
    Itself,
}

impl PrincipalClause {
    /// How this clause speaks of `principal`; `None` when it does not.
    pub fn names(&self, principal: &Principal) -> Option<Named> {
        let named = self.named(principal);
        if !self.negated {
            return named;
        }
        // Naming an account in NotPrincipal does not take its users out: each must be named.
        match named {
            Some(Named::Itself | Named::Role | Named::Everyone) => None,
            Some(Named::Account) | None => Some(Named::Everyone),
        }
    }

    fn named(&self, principal: &Principal) -> Option<Named> {
        let listed = match principal {
            Principal::Service { name, .. } => {
                self.service.iter().any(|own| is_service(own, name)).then_some(Named::Itself)
            }
            Principal::Root { .. } | Principal::User { .. } | Principal::AssumedRole { .. } => {
                self.aws.iter().filter_map(|own| named_by(own, principal)).max()
            }
        };
        listed.max(self.anyone.then_some(Named::Everyone))
    }
}

fn named_by(own: &str, principal: &Principal) -> Option<Named> {
    if own == principal.arn() || own == principal.principal_id() && !principal.is_root() {
        return Some(Named::Itself);
    }
    if is_account(own, principal.account()) {
        return Some(if principal.is_root() { Named::Itself } else { Named::Account });
    }
    match principal {
        Principal::AssumedRole { role_id, .. } if own == role_id || principal.role_arn().as_deref() == Some(own) => {
            Some(Named::Role)
        }
        _ => None,
    }
}

fn is_account(own: &str, account: &AccountId) -> bool {
    let number = own.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root")).unwrap_or(own);
    number == account.as_str()
}

/// `ec2.amazonaws.com` also means `ec2.us-east-1.amazonaws.com`, not the other way round.
fn is_service(own: &str, name: &str) -> bool {
    own == name || global_service(name).is_some_and(|global| global == own)
}

/// `ec2.us-east-1.amazonaws.com` → `ec2.amazonaws.com`.
pub(super) fn global_service(name: &str) -> Option<String> {
    let mut parts = name.strip_suffix(".amazonaws.com")?.splitn(2, '.');
    let service = parts.next()?;
    parts.next().map(|_region| format!("{service}.amazonaws.com"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> AccountId {
        AccountId::parse("111122223333").unwrap()
    }

    fn session() -> Principal {
        Principal::AssumedRole {
            account: account(),
            role_id: "AROAEXAMPLE".into(),
            path: "/team/".into(),
            role: "reader".into(),
            session: "tuesday".into(),
        }
    }

    fn clause(aws: &[&str]) -> PrincipalClause {
        PrincipalClause { aws: aws.iter().map(|a| (*a).into()).collect(), ..PrincipalClause::default() }
    }

    #[test]
    fn a_session_is_named_by_its_own_arn_its_role_or_its_account() {
        for (own, named) in [
            ("arn:aws:sts::111122223333:assumed-role/reader/tuesday", Some(Named::Itself)),
            ("AROAEXAMPLE:tuesday", Some(Named::Itself)),
            ("arn:aws:iam::111122223333:role/team/reader", Some(Named::Role)),
            ("AROAEXAMPLE", Some(Named::Role)),
            ("arn:aws:iam::111122223333:root", Some(Named::Account)),
            ("111122223333", Some(Named::Account)),
            ("arn:aws:iam::111122223333:role/reader", None),
            ("arn:aws:sts::111122223333:assumed-role/reader/*", None),
            ("444455556666", None),
        ] {
            assert_eq!(clause(&[own]).names(&session()), named, "{own}");
        }
        assert_eq!(clause(&["111122223333", "AROAEXAMPLE"]).names(&session()), Some(Named::Role));
    }

    #[test]
    fn an_account_names_its_root_user_itself() {
        let root = Principal::Root { account: account() };
        assert_eq!(clause(&["111122223333"]).names(&root), Some(Named::Itself));
    }

    #[test]
    fn a_service_is_named_with_or_without_its_region() {
        let ec2 = Principal::Service { account: account(), name: "ec2.us-east-1.amazonaws.com".into() };
        let by = |own: &str| PrincipalClause { service: vec![own.into()], ..PrincipalClause::default() }.names(&ec2);
        assert_eq!(by("ec2.amazonaws.com"), Some(Named::Itself));
        assert_eq!(by("ec2.us-east-1.amazonaws.com"), Some(Named::Itself));
        assert_eq!(by("s3.amazonaws.com"), None);
        assert_eq!(clause(&["111122223333"]).names(&ec2), None);
    }

    #[test]
    fn not_principal_spares_only_whom_it_names() {
        let not = |aws: &[&str]| PrincipalClause { negated: true, ..clause(aws) }.names(&session());
        assert_eq!(not(&["arn:aws:iam::111122223333:role/team/reader"]), None);
        assert_eq!(not(&["111122223333"]), Some(Named::Everyone));
        assert_eq!(not(&["444455556666"]), Some(Named::Everyone));
    }
}
