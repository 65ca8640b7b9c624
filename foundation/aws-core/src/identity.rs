//! The port through which IAM is asked. `iam-sim` implements it; the wire and the authorizers hold `Arc<dyn Identities>`.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::arn::Arn;
use crate::policy::document::PolicyDocument;
use crate::principal::Caller;
use crate::time::Timestamp;

/// What IAM knows of an access key.
#[derive(Clone)]
pub struct Credential {
    /// Whom it proves.
    pub caller: Caller,
    /// The secret access key. No `Debug` shows it.
    pub secret: String,
    /// What `x-amz-security-token` must carry, for temporary credentials.
    pub session_token: Option<String>,
    /// When a temporary credential ends.
    pub expires_at: Option<Timestamp>,
    /// Inactive keys are known but refused.
    pub active: bool,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({}, secret withheld)", self.caller.access_key_id)
    }
}

/// A policy with the name under which an explanation cites it.
#[derive(Clone, Debug)]
pub struct NamedPolicy {
    /// `inline policy ebs-use of user student`, or a policy ARN.
    pub name: String,
    /// The parsed document.
    pub document: Arc<PolicyDocument>,
}

/// All policies that speak about a caller's own rights.
#[derive(Clone, Debug, Default)]
pub struct IdentityPolicies {
    /// Inline and attached policies of the user (and its groups) or role.
    pub identity: Vec<NamedPolicy>,
    /// The permissions boundary, if one is set.
    pub boundary: Option<NamedPolicy>,
    /// Session policies given at AssumeRole; empty means none was given.
    pub session: Vec<NamedPolicy>,
    /// Tags of the principal (`aws:PrincipalTag/…`).
    pub tags: Vec<(String, String)>,
}

/// IAM, as the others see it. Reads are local and quick; none waits on a disk.
pub trait Identities: Send + Sync {
    /// The credential behind an access key id; `None` when IAM never issued it.
    fn credential(&self, access_key_id: &str) -> Option<Credential>;

    /// The policies that speak about this caller. For a root user or a service: none.
    fn policies(&self, caller: &Caller) -> IdentityPolicies;

    /// Whether an account root, user, role or role session of this ARN exists.
    /// Accounts other than those IAM has seen are taken to exist.
    fn principal_exists(&self, arn: &Arn) -> bool;

    /// The unique id (`AIDA…`, `AROA…`) behind a user's or role's ARN.
    fn unique_id(&self, arn: &Arn) -> Option<String>;
}

/// Which access keys are let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuthMode {
    /// Keys unknown to IAM act as the root of an account and are not checked.
    Open,
    /// Keys unknown to IAM are refused.
    Verify,
}

/// An IAM that knows nobody: for tests, and for a KMS that stands alone.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoIdentities;

impl Identities for NoIdentities {
    fn credential(&self, _access_key_id: &str) -> Option<Credential> {
        None
    }

    fn policies(&self, _caller: &Caller) -> IdentityPolicies {
        IdentityPolicies::default()
    }

    fn principal_exists(&self, arn: &Arn) -> bool {
        arn.resource == "root"
    }

    fn unique_id(&self, _arn: &Arn) -> Option<String> {
        None
    }
}
