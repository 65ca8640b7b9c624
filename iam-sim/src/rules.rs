//! What IAM asks of a policy before it keeps it, by the place where the policy will stand.
//!
//! Deliberately absent: warnings (AWS's Access Analyzer gives those) and the existence of the actions named.

use std::collections::BTreeSet;

use aws_core::arn::Arn;
use aws_core::id::AccountId;
use aws_core::policy::document::{Clause, NotAPolicy, PrincipalClause, Statement};

use crate::fault::PolicyFlaw;
use crate::records::Document;
use crate::shelves::Shelves;

/// A policy of a user, group, role or session.
pub(crate) fn identity_policy(text: &str) -> Result<Document, PolicyFlaw> {
    let document = Document::try_from(text.to_owned()).map_err(|_| PolicyFlaw::Syntax)?;
    distinct_sids(&document.parsed.statements)?;
    for statement in &document.parsed.statements {
        if statement.principal.is_some() {
            return Err(PolicyFlaw::HasPrincipal);
        }
        actions(statement.action.as_ref().ok_or(PolicyFlaw::NoActions)?)?;
        resources(statement.resource.as_ref().ok_or(PolicyFlaw::NoResources)?)?;
    }
    Ok(document)
}

/// A managed policy: an identity policy of today's version.
pub(crate) fn managed_policy(text: &str) -> Result<Document, PolicyFlaw> {
    let document = identity_policy(text)?;
    if document.parsed.version == "2012-10-17" { Ok(document) } else { Err(PolicyFlaw::OldVersion) }
}

/// A role's trust policy, whose principals must exist.
pub(crate) fn trust_policy(text: &str, shelves: &Shelves) -> Result<Document, PolicyFlaw> {
    let document = Document::try_from(text.to_owned()).map_err(|flaw| match flaw {
        NotAPolicy::Json => PolicyFlaw::Json,
        NotAPolicy::Shape(_) => PolicyFlaw::Syntax,
    })?;
    distinct_sids(&document.parsed.statements)?;
    for statement in &document.parsed.statements {
        if statement.resource.is_some() {
            return Err(PolicyFlaw::HasResource);
        }
        assume_role_actions(statement.action.as_ref().ok_or(PolicyFlaw::NoActions)?)?;
        principals(statement.principal.as_ref().ok_or(PolicyFlaw::NoPrincipals)?, shelves)?;
    }
    Ok(document)
}

fn distinct_sids(statements: &[Statement]) -> Result<(), PolicyFlaw> {
    let mut seen = BTreeSet::new();
    let mut named = statements.iter().filter_map(|statement| statement.sid.as_deref()).filter(|sid| !sid.is_empty());
    named.all(|sid| seen.insert(sid)).then_some(()).ok_or(PolicyFlaw::RepeatedSid)
}

fn actions(clause: &Clause) -> Result<(), PolicyFlaw> {
    let has_vendor = |pattern: &String| {
        let vendor = pattern.split_once(':').map(|(vendor, action)| (vendor, !action.is_empty()));
        let plain = |vendor: &str| vendor.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        pattern == "*" || vendor.is_some_and(|(vendor, acts)| acts && !vendor.is_empty() && plain(vendor))
    };
    clause.patterns.iter().all(has_vendor).then_some(()).ok_or(PolicyFlaw::ActionWithoutVendor)
}

fn resources(clause: &Clause) -> Result<(), PolicyFlaw> {
    let shapeless = |pattern: &&String| !(pattern.starts_with("arn:") && pattern.split(':').count() >= 6);
    let odd = clause.patterns.iter().filter(|pattern| *pattern != "*").find(shapeless);
    odd.map_or(Ok(()), |pattern| Err(PolicyFlaw::ResourceShape(pattern.clone())))
}

fn assume_role_actions(clause: &Clause) -> Result<(), PolicyFlaw> {
    let fits = |pattern: &String| pattern.to_ascii_lowercase().starts_with("sts:") || pattern == "*";
    clause.patterns.iter().all(fits).then_some(()).ok_or(PolicyFlaw::NotAssumeRole)
}

fn principals(clause: &PrincipalClause, shelves: &Shelves) -> Result<(), PolicyFlaw> {
    if !clause.anyone && clause.aws.is_empty() && clause.service.is_empty() && clause.federated.is_empty() {
        return Err(PolicyFlaw::NoPrincipals);
    }
    let unknown = |kind, names: &[String], known: &dyn Fn(&str) -> bool| {
        let name = names.iter().find(|name| !known(name));
        name.map_or(Ok(()), |name| Err(PolicyFlaw::UnknownPrincipal { kind, name: name.clone() }))
    };
    unknown("AWS", &clause.aws, &|name| is_known(name, shelves))?;
    unknown("SERVICE", &clause.service, &|name| name.ends_with(".amazonaws.com"))
}

fn is_known(name: &str, shelves: &Shelves) -> bool {
    let by_arn = |arn: Arn| shelves.principal_exists(&arn);
    AccountId::parse(name).is_some() || shelves.knows_unique_id(name) || name.parse().is_ok_and(by_arn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(statement: &str) -> String {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        identity_policy(&text).map_or_else(|flaw| flaw.to_string(), |_| "kept".into())
    }

    fn trust(statement: &str) -> String {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        trust_policy(&text, &Shelves::default()).map_or_else(|flaw| flaw.to_string(), |_| "kept".into())
    }

    #[test]
    fn an_identity_policy_says_what_and_on_what_but_not_who() {
        assert_eq!(identity(r#"{"Effect":"Allow","Action":"kms:*","Resource":"*"}"#), "kept");
        assert_eq!(identity(r#"{"Effect":"Allow","NotAction":["iam:*"],"NotResource":["arn:aws:s3:::b"]}"#), "kept");
        assert_eq!(identity(r#"{"Effect":"Allow","Resource":"*"}"#), "Policy statement must contain actions.");
        assert_eq!(identity(r#"{"Effect":"Allow","Action":"kms:*"}"#), "Policy statement must contain resources.");
        assert_eq!(
            identity(r#"{"Effect":"Allow","Action":"kms:*","Resource":"*","Principal":"*"}"#),
            "Policy document should not specify a principal."
        );
        assert_eq!(
            identity(r#"{"Effect":"Allow","Action":"decrypt","Resource":"*"}"#),
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
        );
        assert_eq!(
            identity(r#"{"Effect":"Allow","Action":"kms:*","Resource":"alias/x"}"#),
            "Resource alias/x must be in ARN format or \"*\"."
        );
        assert_eq!(
            identity(
                r#"{"Effect":"Allow","Action":"a:b","Resource":"*","Sid":"S"},{"Effect":"Deny","Action":"a:b","Resource":"*","Sid":"S"}"#
            ),
            "Statement IDs (SID) in a single policy must be unique."
        );
        assert_eq!(identity("x"), "Syntax errors in policy.");
    }

    #[test]
    fn a_trust_policy_says_who_and_names_only_who_exists() {
        let by = |principal: &str| {
            trust(&format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}"#))
        };
        assert_eq!(by(r#"{"AWS":"111122223333"}"#), "kept");
        assert_eq!(by(r#"{"AWS":"arn:aws:iam::000000000000:root","Service":"ec2.amazonaws.com"}"#), "kept");
        assert_eq!(by(r#""*""#), "kept");
        assert_eq!(
            by(r#"{"AWS":"arn:aws:iam::000000000000:user/ghost"}"#),
            "Invalid principal in policy: \"AWS\":\"arn:aws:iam::000000000000:user/ghost\""
        );
        assert_eq!(by(r#"{"Service":"ec2"}"#), "Invalid principal in policy: \"SERVICE\":\"ec2\"");
        assert_eq!(
            trust(r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}"#),
            "Has prohibited field Resource"
        );
        assert_eq!(
            trust(r#"{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt"}"#),
            "AssumeRole policy may only specify STS AssumeRole actions."
        );
        assert!(trust(r#"{"Effect":"Allow","Action":"sts:AssumeRole"}"#).ends_with("a statement with no principals!"));
        assert_eq!(trust("x"), "This policy contains invalid Json");
    }
}
