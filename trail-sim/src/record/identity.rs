//! `userIdentity`: who made a call, and through whom.

use aws_core::call::CallContext;
use aws_core::id::AccountId;
use aws_core::principal::{Principal, Session};
use aws_core::time::iso_seconds;
use serde::Serialize;

/// CloudTrail's `userIdentity`; members in AWS's order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserIdentity {
    /// `Root`, `IAMUser`, `AssumedRole`, `AWSService`; absent for what a service did by itself.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// `AIDA…`, `AROA…:session`, or the account id for root.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal_id: Option<String>,
    /// ARN of the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// Account of the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// The key that signed the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// IAM users only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// Temporary credentials only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_context: Option<SessionContext>,
    /// The service that forwarded the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoked_by: Option<String>,
    /// The instance for which the credential was issued.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_scope_of: Option<InScopeOf>,
}

/// Where a temporary credential came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionContext {
    /// The role, for role sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_issuer: Option<SessionIssuer>,
    /// When, and whether with MFA.
    pub attributes: SessionAttributes,
}

/// The role behind a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionIssuer {
    /// Always `Role`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `AROA…`
    pub principal_id: String,
    /// ARN of the role, path included.
    pub arn: String,
    /// Account of the role.
    pub account_id: AccountId,
    /// Name of the role.
    pub user_name: String,
}

/// `attributes` of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionAttributes {
    /// When the credential was issued.
    pub creation_date: String,
    /// `"true"` or `"false"`.
    pub mfa_authenticated: String,
}

/// `inScopeOf`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InScopeOf {
    /// Always `AWS::EC2::Instance`.
    pub issuer_type: &'static str,
    /// ARN of the instance.
    pub credentials_issued_to: String,
}

impl UserIdentity {
    /// The caller of a call.
    pub fn of(context: &CallContext) -> Self {
        let principal = &context.caller.principal;
        if let Principal::Service { name, .. } = principal {
            let invoked_by = context.via.as_ref().map_or(name, |via| &via.invoked_by);
            return Self { kind: Some("AWSService"), invoked_by: Some(invoked_by.clone()), ..Self::default() };
        }
        Self {
            kind: Some(kind(principal)),
            principal_id: Some(principal.principal_id()),
            arn: Some(principal.arn()),
            account_id: Some(principal.account().clone()),
            access_key_id: Some(context.caller.access_key_id.clone()).filter(|id| !id.is_empty()),
            user_name: user_name(principal),
            session_context: context.caller.session.as_ref().map(|session| session_context(principal, session)),
            invoked_by: context.via.as_ref().map(|via| via.invoked_by.clone()),
            in_scope_of: context.via.as_ref().and_then(|via| via.in_scope_of_instance.clone()).map(in_scope_of),
        }
    }

    /// A service acting by itself on an account's resource.
    pub fn internal(account: &AccountId) -> Self {
        Self { account_id: Some(account.clone()), invoked_by: Some("AWS Internal".into()), ..Self::default() }
    }
}

fn kind(principal: &Principal) -> &'static str {
    match principal {
        Principal::Root { .. } => "Root",
        Principal::User { .. } => "IAMUser",
        Principal::AssumedRole { .. } => "AssumedRole",
        Principal::Service { .. } => "AWSService",
    }
}

fn user_name(principal: &Principal) -> Option<String> {
    match principal {
        Principal::User { name, .. } => Some(name.clone()),
        Principal::Root { .. } | Principal::AssumedRole { .. } | Principal::Service { .. } => None,
    }
}

fn session_context(principal: &Principal, session: &Session) -> SessionContext {
    SessionContext {
        session_issuer: session_issuer(principal),
        attributes: SessionAttributes {
            creation_date: iso_seconds(session.issued_at),
            mfa_authenticated: session.mfa.to_string(),
        },
    }
}

fn session_issuer(principal: &Principal) -> Option<SessionIssuer> {
    let Principal::AssumedRole { account, role_id, role, .. } = principal else { return None };
    Some(SessionIssuer {
        kind: "Role",
        principal_id: role_id.clone(),
        arn: principal.role_arn()?,
        account_id: account.clone(),
        user_name: role.clone(),
    })
}

fn in_scope_of(instance: String) -> InScopeOf {
    InScopeOf { issuer_type: "AWS::EC2::Instance", credentials_issued_to: instance }
}
