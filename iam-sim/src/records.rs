//! What IAM remembers: users, groups, roles, managed policies, and keys. A record is stored as it is held, except that
//! a policy is stored as the text its author wrote and held parsed.
//!
//! Deliberately absent: secrets in the clear (see `vault`), login profiles, MFA devices, instance profiles.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_core::id::AccountId;
use aws_core::identity::NamedPolicy;
use aws_core::policy::document::{NotAPolicy, PolicyDocument};
use aws_core::principal::Principal;
use aws_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A policy's text and what it says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Document {
    pub text: String,
    pub parsed: Arc<PolicyDocument>,
}

impl Document {
    /// The document under the name by which explanations cite it.
    pub fn named(&self, name: impl Into<String>) -> NamedPolicy {
        NamedPolicy { name: name.into(), document: self.parsed.clone() }
    }
}

impl TryFrom<String> for Document {
    type Error = NotAPolicy;

    fn try_from(text: String) -> Result<Self, NotAPolicy> {
        let parsed = Arc::new(PolicyDocument::parse(&text)?);
        Ok(Self { text, parsed })
    }
}

impl From<Document> for String {
    fn from(document: Document) -> Self {
        document.text
    }
}

/// The policies of a user, group or role.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Policies {
    /// Name → document.
    pub inline: BTreeMap<String, Document>,
    /// ARNs of managed policies.
    pub attached: BTreeSet<String>,
}

/// Key and value.
pub(crate) type Tags = BTreeMap<String, String>;

/// An IAM user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct User {
    pub account: AccountId,
    /// `AIDA…`
    pub id: String,
    pub path: String,
    pub name: String,
    pub created: Timestamp,
    pub policies: Policies,
    /// ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// Names of the groups it is in.
    pub groups: BTreeSet<String>,
    pub tags: Tags,
}

/// A group of users.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    pub account: AccountId,
    /// `AGPA…`
    pub id: String,
    pub path: String,
    pub name: String,
    pub created: Timestamp,
    pub policies: Policies,
}

/// A role.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Role {
    pub account: AccountId,
    /// `AROA…`
    pub id: String,
    pub path: String,
    pub name: String,
    pub created: Timestamp,
    /// Who may assume it.
    pub trust: Document,
    pub description: Option<String>,
    pub max_session_seconds: u32,
    pub policies: Policies,
    /// ARN of the permissions boundary.
    pub boundary: Option<String>,
    pub tags: Tags,
}

/// A managed policy, of a customer or of AWS.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ManagedPolicy {
    pub arn: String,
    /// `ANPA…`
    pub id: String,
    pub path: String,
    pub name: String,
    pub description: Option<String>,
    pub created: Timestamp,
    pub updated: Timestamp,
    /// Oldest first; never empty, at most five.
    pub versions: Vec<PolicyVersion>,
    /// Number of the version in force.
    pub default_version: u32,
    /// Number of the newest version ever made; numbers are not given twice.
    pub last_number: u32,
    pub tags: Tags,
}

/// One version of a managed policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PolicyVersion {
    /// Counts up from 1; printed as `v1`.
    pub number: u32,
    pub document: Document,
    pub created: Timestamp,
}

impl User {
    /// Whether the user is a member of `group`.
    pub fn is_in(&self, group: &Group) -> bool {
        self.groups.contains(&group.name)
    }
}

impl ManagedPolicy {
    /// The version in force.
    pub fn in_force(&self) -> &PolicyVersion {
        let in_force = |version: &&PolicyVersion| version.number == self.default_version;
        self.versions.iter().find(in_force).expect("the default version is never deleted")
    }
}

/// A long-lived access key. A deleted one stays, without its secret, so that it is never taken for an unknown key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AccessKey {
    pub id: String,
    /// A user, or the root user.
    pub owner: Principal,
    pub created: Timestamp,
    #[serde(with = "serde_bytes")]
    pub wrapped_secret: Vec<u8>,
    pub status: KeyStatus,
}

/// Whether an access key opens anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum KeyStatus {
    Active,
    Inactive,
    Deleted,
}

/// A temporary credential. An expired one stays for the reason that a deleted access key does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TemporaryKey {
    pub id: String,
    pub principal: Principal,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    #[serde(with = "serde_bytes")]
    pub wrapped_secret: Vec<u8>,
    #[serde(with = "serde_bytes")]
    pub wrapped_token: Vec<u8>,
    /// Session policies by name, as they were when the session began.
    pub policies: BTreeMap<String, Document>,
    /// Session tags.
    pub tags: Tags,
}

/// `arn:aws:iam::ACCOUNT:kind/path/name`; `path` has both slashes.
pub(crate) fn arn(account: &str, kind: &str, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:{kind}{path}{name}")
}
