//! Who can act: account root, IAM user, role session, AWS service.

use serde::{Deserialize, Serialize};

use crate::id::AccountId;
use crate::time::Timestamp;

/// An identity that has been proven. Ids such as `AIDA…` never change; names may be reused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Principal {
    /// The account root user: everything its account may do, it may do.
    Root {
        /// The account.
        account: AccountId,
    },
    /// An IAM user.
    User {
        /// The account.
        account: AccountId,
        /// `AIDA…`
        id: String,
        /// Path with both slashes, `/` by default.
        path: String,
        /// User name.
        name: String,
    },
    /// A session of a role.
    AssumedRole {
        /// The account.
        account: AccountId,
        /// `AROA…` (or `ACCT:aws:ec2-infrastructure` for the EC2 host role).
        role_id: String,
        /// Path of the role, `/` by default.
        path: String,
        /// Role name.
        role: String,
        /// Session name.
        session: String,
    },
    /// An AWS service acting for itself, e.g. `ec2.us-east-1.amazonaws.com`.
    Service {
        /// The account on whose resources it acts.
        account: AccountId,
        /// The service principal.
        name: String,
    },
}

impl Principal {
    /// The account in which the principal lives (for a service: whose resource it touches).
    pub fn account(&self) -> &AccountId {
        match self {
            Self::Root { account }
            | Self::User { account, .. }
            | Self::AssumedRole { account, .. }
            | Self::Service { account, .. } => account,
        }
    }

    /// The ARN as `GetCallerIdentity` and denial texts show it; a service's is its name.
    pub fn arn(&self) -> String {
        match self {
            Self::Root { account } => format!("arn:aws:iam::{account}:root"),
            Self::User { account, path, name, .. } => format!("arn:aws:iam::{account}:user{path}{name}"),
            Self::AssumedRole { account, role, session, .. } => {
                format!("arn:aws:sts::{account}:assumed-role/{role}/{session}")
            }
            Self::Service { name, .. } => name.clone(),
        }
    }

    /// The ARN of the role behind a session.
    pub fn role_arn(&self) -> Option<String> {
        match self {
            Self::AssumedRole { account, path, role, .. } => Some(format!("arn:aws:iam::{account}:role{path}{role}")),
            Self::Root { .. } | Self::User { .. } | Self::Service { .. } => None,
        }
    }

    /// `aws:userid` and CloudTrail's `principalId`.
    pub fn principal_id(&self) -> String {
        match self {
            Self::Root { account } => account.to_string(),
            Self::User { id, .. } => id.clone(),
            Self::AssumedRole { role_id, session, .. } => format!("{role_id}:{session}"),
            Self::Service { name, .. } => name.clone(),
        }
    }

    /// Whether this is the account root user.
    pub fn is_root(&self) -> bool {
        matches!(self, Self::Root { .. })
    }
}

/// A principal together with the credential that proved it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// `AKIA…`, `ASIA…`, or whatever an unknown key spelled.
    pub access_key_id: String,
    /// Present for temporary credentials.
    pub session: Option<Session>,
}

/// What a temporary credential remembers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// When it was issued, on the simulated clock.
    pub issued_at: Timestamp,
    /// Whether the credential was obtained with MFA.
    pub mfa: bool,
}

impl Caller {
    /// A caller without session, as for long-lived keys.
    pub fn new(principal: Principal, access_key_id: impl Into<String>) -> Self {
        Self { principal, access_key_id: access_key_id.into(), session: None }
    }
}
