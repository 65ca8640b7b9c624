//! The few facts by which a record is found again: small beside the record, and enough for every LookupEvents filter.

use aws_core::event::{ApiCall, Resource, ServiceEvent};
use aws_core::id::AccountId;
use aws_core::principal::Principal;
use serde::{Deserialize, Serialize};

/// Where a record stands in time: whole seconds on the simulated clock, as CloudTrail prints them; then the ordinal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Seconds since the epoch.
    pub time: i64,
    /// Place in the stream.
    pub ordinal: u64,
}

/// An index card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Card {
    /// When, and in which order.
    #[serde(flatten)]
    pub position: Position,
    /// `eventID`
    pub id: String,
    /// The account in whose trail the record stands.
    pub account: String,
    /// Region of the call.
    pub region: String,
    /// Only management events are looked up.
    pub management: bool,
    /// `eventName`
    pub name: String,
    /// `eventSource`
    pub source: String,
    /// `readOnly`
    pub read_only: bool,
    /// User name, role session name, or `root`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The key that signed the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// Type and name of each resource.
    pub resources: Vec<(String, String)>,
}

impl Card {
    /// The card of a call's record in one account's trail.
    pub fn of_call(call: &ApiCall, event_id: &str, account: &AccountId) -> Self {
        let caller = &call.context.caller;
        Self {
            position: Position { time: call.time.as_second(), ordinal: call.ordinal.0 },
            id: event_id.into(),
            account: account.to_string(),
            region: call.context.region.to_string(),
            management: call.management,
            name: call.name.clone(),
            source: call.source.clone(),
            read_only: call.read_only,
            username: username(&caller.principal),
            access_key_id: Some(caller.access_key_id.clone()).filter(|id| !id.is_empty()),
            resources: names(&call.resources, call.read_only),
        }
    }

    /// The card of a service event.
    pub fn of_service_event(event: &ServiceEvent) -> Self {
        Self {
            position: Position { time: event.time.as_second(), ordinal: event.ordinal.0 },
            id: event.event_id.clone(),
            account: event.account.to_string(),
            region: event.region.to_string(),
            management: true,
            name: event.name.clone(),
            source: event.source.clone(),
            read_only: false,
            username: None,
            access_key_id: None,
            resources: names(&event.resources, false),
        }
    }
}

fn username(principal: &Principal) -> Option<String> {
    match principal {
        Principal::Root { .. } => Some("root".into()),
        Principal::User { name, .. } => Some(name.clone()),
        Principal::AssumedRole { session, .. } => Some(session.clone()),
        Principal::Service { .. } => None,
    }
}

/// A change to a KMS key is found under the key's ARN and under its bare id.
fn names(resources: &[Resource], read_only: bool) -> Vec<(String, String)> {
    let mut names = Vec::new();
    for resource in resources {
        names.push((resource.kind.clone(), resource.arn.clone()));
        if resource.kind == "AWS::KMS::Key" && !read_only {
            names.extend(resource.arn.split_once(":key/").map(|(_, id)| (resource.kind.clone(), id.to_owned())));
        }
    }
    names
}
