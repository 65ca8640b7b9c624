//! An event as CloudTrail prints it: event version 1.11, members in AWS's order.
//!
//! Sources: the record contents page of the CloudTrail user guide, and records of KMS, EC2 and S3 taken on AWS in 2026.
//! A call that succeeds on another account's resource is recorded in both accounts; a refused one only in the caller's.

use aws_core::call::CallContext;
use aws_core::event::{ApiCall, CallError, Resource, ServiceEvent};
use aws_core::id::AccountId;
use aws_core::time::iso_seconds;
use serde::Serialize;
use serde_json::Value;

mod identity;
mod twin;

pub use identity::UserIdentity;

/// EC2's front end makes its KMS calls from inside AWS's network, and the records say so.
const EC2_FRONTEND: &str = "ec2-frontend-api.amazonaws.com";
const AWS_INTERNAL: &str = "AWS Internal";

/// One CloudTrail record.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record<'a> {
    event_version: &'static str,
    user_identity: UserIdentity,
    event_time: String,
    event_source: &'a str,
    event_name: &'a str,
    aws_region: &'a str,
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: &'a str,
    user_agent: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<&'a str>,
    request_parameters: Option<&'a Value>,
    response_elements: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_event_data: Option<&'a Value>,
    #[serde(rename = "requestID", skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(rename = "eventID")]
    event_id: String,
    read_only: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<Touched<'a>>,
    event_type: &'static str,
    management_event: bool,
    recipient_account_id: &'a AccountId,
    #[serde(rename = "sharedEventID", skip_serializing_if = "Option::is_none")]
    shared_event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_event_details: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc_endpoint_id: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc_endpoint_account_id: Option<&'static str>,
    event_category: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_details: Option<TlsDetails<'a>>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Touched<'a> {
    account_id: &'a AccountId,
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(rename = "ARN")]
    arn: &'a str,
}

/// Only what is known: version and cipher suite stay with the TLS layer.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TlsDetails<'a> {
    client_provided_host_header: &'a str,
}

impl<'a> Record<'a> {
    /// The records of a call: the caller's own first, then one for each other account whose resource it used.
    pub fn of_call(call: &'a ApiCall) -> Vec<Self> {
        let others = twin::other_accounts(call);
        let forwarded_by_ec2 = call.context.via.as_ref().is_some_and(|via| via.invoked_by == EC2_FRONTEND);
        let shared = !others.is_empty() || (forwarded_by_ec2 && call.error.is_none());
        let shared_event_id = call.shared_event_id.clone().or_else(|| shared.then(|| twin::shared_id(&call.event_id)));
        let own = Self { shared_event_id, ..Self::base(call, forwarded_by_ec2) };
        let twins = others.into_iter().map(|account| Self {
            event_id: twin::event_id(&call.event_id, account),
            recipient_account_id: account,
            ..own.clone()
        });
        std::iter::once(own.clone()).chain(twins).collect()
    }

    fn base(call: &'a ApiCall, forwarded_by_ec2: bool) -> Self {
        let ApiCall { context, error, .. } = call;
        Self {
            event_version: "1.11",
            user_identity: UserIdentity::of(context),
            event_time: iso_seconds(call.time),
            event_source: &call.source,
            event_name: &call.name,
            aws_region: context.region.as_str(),
            source_ip_address: &context.source_ip,
            user_agent: &context.user_agent,
            error_code: error.as_ref().map(|e: &CallError| e.code.as_str()),
            error_message: error.as_ref().map(|e| e.message.as_str()).filter(|message| !message.is_empty()),
            request_parameters: call.request_parameters.as_ref(),
            response_elements: call.response_elements.as_ref(),
            additional_event_data: call.additional_event_data.as_ref(),
            request_id: Some(&context.request_id),
            event_id: call.event_id.clone(),
            read_only: call.read_only,
            resources: printed(&call.source, &call.resources),
            event_type: "AwsApiCall",
            management_event: call.management,
            recipient_account_id: context.account(),
            shared_event_id: None,
            service_event_details: None,
            vpc_endpoint_id: forwarded_by_ec2.then_some(AWS_INTERNAL),
            vpc_endpoint_account_id: forwarded_by_ec2.then_some(AWS_INTERNAL),
            event_category: if call.management { "Management" } else { "Data" },
            tls_details: tls_details(context),
        }
    }

    /// The record of what a service did by itself.
    pub fn of_service_event(event: &'a ServiceEvent) -> Self {
        Self {
            event_version: "1.11",
            user_identity: UserIdentity::internal(&event.account),
            event_time: iso_seconds(event.time),
            event_source: &event.source,
            event_name: &event.name,
            aws_region: event.region.as_str(),
            source_ip_address: AWS_INTERNAL,
            user_agent: AWS_INTERNAL,
            error_code: None,
            error_message: None,
            request_parameters: None,
            response_elements: None,
            additional_event_data: None,
            request_id: None,
            event_id: event.event_id.clone(),
            read_only: false,
            resources: touched(&event.resources),
            event_type: "AwsServiceEvent",
            management_event: true,
            recipient_account_id: &event.account,
            shared_event_id: None,
            service_event_details: Some(&event.details),
            vpc_endpoint_id: None,
            vpc_endpoint_account_id: None,
            event_category: "Management",
            tls_details: None,
        }
    }

    /// Names the record; differs between the records of one call in two accounts.
    pub fn event_id(&self) -> &str {
        &self.event_id
    }

    /// The account in whose trail the record stands.
    pub fn recipient(&self) -> &AccountId {
        self.recipient_account_id
    }

    /// The record as JSON text on one line.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

/// EC2 and IAM do not print what they touched; LookupEvents knows it all the same.
fn printed<'a>(source: &str, resources: &'a [Resource]) -> Vec<Touched<'a>> {
    match source {
        "ec2.amazonaws.com" | "iam.amazonaws.com" => Vec::new(),
        _ => touched(resources),
    }
}

fn touched(resources: &[Resource]) -> Vec<Touched<'_>> {
    resources.iter().map(|r| Touched { account_id: &r.account, kind: &r.kind, arn: &r.arn }).collect()
}

fn tls_details(context: &CallContext) -> Option<TlsDetails<'_>> {
    let direct = context.secure && context.via.is_none();
    direct.then_some(TlsDetails { client_provided_host_header: &context.host })
}

#[cfg(test)]
mod tests;
