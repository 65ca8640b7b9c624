//! Events and worlds for the tests of the trail.
#![allow(dead_code, reason = "each test file uses a part")]

use std::sync::Arc;

use aws_core::call::CallContext;
use aws_core::event::{ApiCall, CallError, Event, Resource, Sink};
use aws_core::id::{AccountId, Region, uuid};
use aws_core::identity::NoIdentities;
use aws_core::principal::{Caller, Principal};
use aws_core::time::{ManualClock, Timestamp};
use envelope::entropy::SeededEntropy;
use kms_api::world::World;
use trail_sim::Trail;

pub const ACCOUNT: &str = "210987654321";

pub fn account() -> AccountId {
    AccountId::parse(ACCOUNT).unwrap()
}

pub fn start() -> Timestamp {
    "2026-03-01T09:00:00Z".parse().unwrap()
}

pub fn user(name: &str) -> CallContext {
    let principal =
        Principal::User { account: account(), id: format!("AIDA{name}"), path: "/".into(), name: name.into() };
    let region = Region::parse("us-east-2").unwrap();
    let mut context = CallContext::local(principal.clone(), region, "request-1");
    context.caller = Caller::new(principal, format!("AKIA{name}"));
    context
}

pub fn root() -> CallContext {
    CallContext::local(Principal::Root { account: account() }, Region::parse("us-east-2").unwrap(), "request-2")
}

/// A call that takes its ordinal now; `n` names it.
pub fn call(sink: &dyn Sink, n: u64, time: Timestamp) -> ApiCall {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&n.to_be_bytes());
    ApiCall {
        ordinal: sink.next_ordinal(),
        event_id: uuid(id),
        time,
        source: "kms.amazonaws.com".into(),
        name: format!("Call{n}"),
        context: user("mira"),
        read_only: true,
        management: true,
        request_parameters: None,
        response_elements: None,
        additional_event_data: None,
        resources: Vec::new(),
        error: None,
        shared_event_id: None,
        decision: None,
    }
}

pub fn emit(trail: &Trail, n: u64) -> String {
    emit_with(trail, n, |_| {})
}

pub fn emit_with(trail: &Trail, n: u64, change: impl FnOnce(&mut ApiCall)) -> String {
    let mut call = call(trail, n, start());
    change(&mut call);
    let id = call.event_id.clone();
    trail.emit(Event::Api(Box::new(call)));
    id
}

pub fn key_resource(arn: &str) -> Resource {
    Resource { account: account(), kind: "AWS::KMS::Key".into(), arn: arn.into() }
}

pub fn refused(message: &str) -> CallError {
    CallError { code: "AccessDenied".into(), message: message.into() }
}

pub fn world(trail: &Arc<Trail>) -> (World, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(start()));
    let world = World {
        identities: Arc::new(NoIdentities),
        sink: trail.clone(),
        clock: clock.clone(),
        entropy: Arc::new(SeededEntropy::new(1)),
    };
    (world, clock)
}
