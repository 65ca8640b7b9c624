//! The `aws:…` condition keys that follow from the call itself. The clock's (`aws:CurrentTime`, `aws:EpochTime`) and
//! the resource's (`aws:ResourceTag/…`) come with the question: the evaluator knows neither.

use crate::call::CallContext;
use crate::identity::IdentityPolicies;
use crate::policy::condition::Facts;
use crate::policy::whom::global_service;
use crate::principal::Principal;
use crate::time::iso_seconds;

/// The question's facts and the global ones. A global key wins over one that the question carries.
pub(super) fn with_globals(facts: &Facts, call: &CallContext, identity: &IdentityPolicies) -> Facts {
    let mut all = facts.clone();
    principal(&mut all, &call.caller.principal);
    session(&mut all, call);
    network(&mut all, call);
    for (key, value) in &identity.tags {
        all.set(&format!("aws:PrincipalTag/{key}"), value);
    }
    all
}

fn principal(facts: &mut Facts, principal: &Principal) {
    let is_service = matches!(principal, Principal::Service { .. });
    facts.set("aws:PrincipalIsAWSService", is_service.to_string());
    let kind = match principal {
        Principal::Root { .. } => "Account",
        Principal::User { name, .. } => {
            facts.set("aws:username", name);
            "User"
        }
        Principal::AssumedRole { .. } => "AssumedRole",
        Principal::Service { name, .. } => {
            facts.set("aws:PrincipalServiceName", name);
            return;
        }
    };
    facts
        .set("aws:PrincipalType", kind)
        // For a session AWS gives the role's ARN here, never the session's.
        .set("aws:PrincipalArn", principal.role_arn().unwrap_or_else(|| principal.arn()))
        .set("aws:PrincipalAccount", principal.account().as_str())
        .set("aws:userid", principal.principal_id());
}

fn session(facts: &mut Facts, call: &CallContext) {
    // Long-lived keys have neither key: that is why policies say BoolIfExists.
    if let Some(session) = &call.caller.session {
        facts
            .set("aws:TokenIssueTime", iso_seconds(session.issued_at))
            .set("aws:MultiFactorAuthPresent", session.mfa.to_string());
    }
}

fn network(facts: &mut Facts, call: &CallContext) {
    facts
        .set("aws:RequestedRegion", call.region.as_str())
        .set("aws:SecureTransport", call.secure.to_string())
        .set("aws:UserAgent", &call.user_agent)
        .set("aws:ViaAWSService", call.via.is_some().to_string());
    match &call.via {
        Some(via) => {
            let name = via.via_service.as_deref().unwrap_or(&via.invoked_by);
            let service = global_service(name).unwrap_or_else(|| name.into());
            facts.set("aws:CalledViaFirst", &service).set("aws:CalledViaLast", &service);
            facts.set_all("aws:CalledVia", [service]);
        }
        // A service calls from addresses of its own, so AWS leaves the key out.
        None if matches!(call.caller.principal, Principal::Service { .. }) => {}
        None => _ = facts.set("aws:SourceIp", &call.source_ip),
    }
}
