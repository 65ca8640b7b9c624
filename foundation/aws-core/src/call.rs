//! One call on its way: who asks, through whom, where, under which request id.

use serde::{Deserialize, Serialize};

use crate::id::{AccountId, Region};
use crate::principal::{Caller, Principal};

/// Everything an operation may know about its caller. Travels by reference; a service that calls another
/// on the caller's behalf passes on [`CallContext::forwarded`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallContext {
    /// The proven caller.
    pub caller: Caller,
    /// The region the request was signed for.
    pub region: Region,
    /// A UUID (S3: 16 upper-case base-32 characters); printed in headers, bodies and the trail.
    pub request_id: String,
    /// Address of the client, or the service's DNS name for forwarded calls.
    pub source_ip: String,
    /// The client's `User-Agent`.
    pub user_agent: String,
    /// Host and port the client addressed, for `tlsDetails` and endpoint-shaped answers.
    pub host: String,
    /// Whether the request came over TLS (`aws:SecureTransport`).
    pub secure: bool,
    /// Set when a service makes the call for the caller.
    pub via: Option<Via>,
}

/// The service through which a call is forwarded (a forward access session).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Via {
    /// Value of `kms:ViaService`, e.g. `ec2.us-east-1.amazonaws.com`; `None` where AWS sets none.
    pub via_service: Option<String>,
    /// CloudTrail's `invokedBy`, `sourceIPAddress` and `userAgent`, e.g. `ec2-frontend-api.amazonaws.com`.
    pub invoked_by: String,
    /// `kms:GrantIsForAWSResource`: the service calls CreateGrant, ListGrants or RevokeGrant on the caller's behalf.
    pub for_aws_resource: bool,
    /// The instance in whose scope the credential was issued (CloudTrail's `inScopeOf`), as an ARN.
    pub in_scope_of_instance: Option<String>,
}

impl CallContext {
    /// The caller's account.
    pub fn account(&self) -> &AccountId {
        self.caller.principal.account()
    }

    /// The principal's ARN.
    pub fn principal_arn(&self) -> String {
        self.caller.principal.arn()
    }

    /// The same caller, asking through a service, under a request id of its own.
    pub fn forwarded(&self, via: Via, request_id: String) -> Self {
        Self {
            source_ip: via.invoked_by.clone(),
            user_agent: via.invoked_by.clone(),
            request_id,
            via: Some(via),
            ..self.clone()
        }
    }

    /// Another principal (a host role, a service) acting through a service, in the same region.
    pub fn acting_as(&self, caller: Caller, via: Via, request_id: String) -> Self {
        Self { caller, ..self.forwarded(via, request_id) }
    }

    /// A plain call by `principal` from this machine: for tests and for the service's own housekeeping.
    pub fn local(principal: Principal, region: Region, request_id: impl Into<String>) -> Self {
        Self {
            caller: Caller::new(principal, ""),
            region,
            request_id: request_id.into(),
            source_ip: "127.0.0.1".into(),
            user_agent: "sse-sim".into(),
            host: "localhost".into(),
            secure: false,
            via: None,
        }
    }
}
