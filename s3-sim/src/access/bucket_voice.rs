//! What a bucket says of a request: its policy and its ACLs, as one document.
//!
//! An ACL is told to the evaluator as the statements that mean the same, so that one evaluation and one explanation
//! serve both. Everyone who comes in here has a name, so `AllUsers` and `AuthenticatedUsers` are the same people.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use aws_core::identity::NamedPolicy;
use aws_core::policy::condition::Facts;
use aws_core::policy::document::{Clause, Effect, PolicyDocument, PrincipalClause, Statement};
use aws_core::principal::Principal;

use super::{Aim, Gate};
use crate::call::Call;
use crate::error::{Outcome, internal};
use crate::model::bucket::{Bucket, bucket_arn, object_arn};
use crate::store::documents::Kind;

/// Condition keys that need the object's row.
const EXISTING_TAG: &str = "s3:existingobjecttag/";

/// Policies as parsed, by bucket.
#[derive(Clone, Default)]
pub(crate) struct Parsed(Arc<RwLock<HashMap<String, Known>>>);

/// A policy, and the text it was parsed from: another text makes it stale.
struct Known {
    text: String,
    document: Arc<PolicyDocument>,
}

impl Gate {
    /// The bucket's policy, if it has one.
    pub(crate) fn policy_of(&self, bucket: &str) -> Outcome<Option<Arc<PolicyDocument>>> {
        let Some(text) = self.rows.document::<String>(bucket, Kind::Policy)? else { return Ok(None) };
        let known = self.parsed.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(bucket).filter(|known| known.text == text) {
            return Ok(Some(known.document.clone()));
        }
        drop(known);
        // What does not parse any more must not come to mean "no policy", which might allow more.
        let document = Arc::new(PolicyDocument::parse(&text).map_err(|_| internal())?);
        let mut known = self.parsed.0.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(bucket.to_owned(), Known { text, document: document.clone() });
        Ok(Some(document))
    }

    /// All that the bucket says of `action` on `aim`.
    pub(super) fn voice(
        &self,
        call: &Call,
        action: &str,
        aim: Aim<'_>,
        bucket: &Bucket,
    ) -> Outcome<Option<NamedPolicy>> {
        let policy = if owner_may_always(call, action, bucket) { None } else { self.policy_of(&bucket.name)? };
        let stranger = *call.ctx.account() != bucket.owner;
        let shut = |policy: &Arc<PolicyDocument>| {
            stranger && bucket.settings.public_access().restrict && super::public::is_public(policy)
        };
        let policy = policy.filter(|policy| !shut(policy));
        let statements = self.acl_statements(aim, bucket)?;
        if statements.is_empty() {
            let name = format!("bucket policy of {}", bucket.name);
            return Ok(policy.map(|document| NamedPolicy { name, document }));
        }
        let empty = || PolicyDocument { version: "2012-10-17".into(), id: None, statements: Vec::new() };
        let mut document = policy.map_or_else(empty, Arc::unwrap_or_clone);
        document.statements.extend(statements);
        let name = format!("bucket policy and ACLs of {}", bucket.name);
        Ok(Some(NamedPolicy { name, document: Arc::new(document) }))
    }

    /// Adds the object's tags to the facts, if any policy asks for them.
    pub(super) fn add_existing_tags(&self, facts: &mut Facts, aim: Aim<'_>, policies: &[&NamedPolicy]) -> Outcome<()> {
        let Aim::Object(bucket, key) = aim else { return Ok(()) };
        if !policies.iter().any(|policy| asks_for_tags(&policy.document)) {
            return Ok(());
        }
        let tags = self.rows.find_object(bucket, key)?.map(|object| object.label.tags).unwrap_or_default();
        for (name, value) in tags {
            facts.set(&format!("{EXISTING_TAG}{name}"), value);
        }
        Ok(())
    }

    fn acl_statements(&self, aim: Aim<'_>, bucket: &Bucket) -> Outcome<Vec<Statement>> {
        if !bucket.settings.has_acls() || bucket.settings.public_access().ignore_acls {
            return Ok(Vec::new());
        }
        let own: Option<String> = self.rows.document(&bucket.name, Kind::Acl)?;
        let mut statements: Vec<Statement> = own.iter().flat_map(|acl| of_bucket(acl, &bucket.name)).collect();
        if let Aim::Object(name, key) = aim {
            let acl = self.rows.find_object(name, key)?.and_then(|object| object.label.acl);
            statements.extend(acl.and_then(|acl| of_object(&acl, name, key)));
        }
        Ok(statements)
    }
}

/// The owner's root user can always mend a policy that shuts everybody out.
fn owner_may_always(call: &Call, action: &str, bucket: &Bucket) -> bool {
    let is_owner = matches!(&call.ctx.caller.principal, Principal::Root { account } if *account == bucket.owner);
    is_owner && matches!(action, "s3:GetBucketPolicy" | "s3:PutBucketPolicy" | "s3:DeleteBucketPolicy")
}

fn asks_for_tags(document: &PolicyDocument) -> bool {
    let mut conditions = document.statements.iter().flat_map(|statement| &statement.conditions);
    conditions.any(|condition| condition.key.to_ascii_lowercase().starts_with(EXISTING_TAG))
}

/// What a canned ACL of a bucket grants to everybody.
fn of_bucket(acl: &str, bucket: &str) -> Vec<Statement> {
    let read = ["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"];
    let write = ["s3:PutObject", "s3:DeleteObject"];
    match acl {
        "public-read" | "authenticated-read" => vec![everybody("bucket ACL", &read, bucket_arn(bucket))],
        "public-read-write" => vec![
            everybody("bucket ACL", &read, bucket_arn(bucket)),
            everybody("bucket ACL", &write, object_arn(bucket, "*")),
        ],
        _ => Vec::new(),
    }
}

/// What a canned ACL of an object grants to everybody.
fn of_object(acl: &str, bucket: &str, key: &str) -> Option<Statement> {
    let public = matches!(acl, "public-read" | "public-read-write" | "authenticated-read");
    // Wildcards in a key must stay characters.
    let key = key.replace('*', "${*}").replace('?', "${?}");
    public.then(|| everybody("object ACL", &["s3:GetObject", "s3:GetObjectVersion"], object_arn(bucket, &key)))
}

fn everybody(sid: &str, actions: &[&str], resource: String) -> Statement {
    let clause = |patterns| Some(Clause { negated: false, patterns });
    Statement {
        sid: Some(sid.into()),
        effect: Effect::Allow,
        principal: Some(PrincipalClause { anyone: true, ..PrincipalClause::default() }),
        action: clause(actions.iter().map(|action| (*action).to_owned()).collect()),
        resource: clause(vec![resource]),
        conditions: Vec::new(),
    }
}
