//! The notebook of one API call: opened when the call starts, filled by the operation, closed once.
//!
//! Every service wraps its operations in the same gesture: `Audit::open` → the operation notes what it touched →
//! `close`. A call therefore emits exactly one `Event::Api`, whatever happens inside it.

use std::sync::Arc;

use serde_json::Value;

use crate::call::CallContext;
use crate::event::{ApiCall, CallError, Event, Resource, Sink};
use crate::id::AccountId;
use crate::policy::explain::Explanation;
use crate::time::Timestamp;

/// What one operation wants the trail to know.
#[derive(Debug)]
pub struct Audit {
    call: ApiCall,
}

/// What is known of a call before it runs.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// `kms.amazonaws.com`, …
    pub source: &'a str,
    /// AWS's name of the operation.
    pub name: &'a str,
    /// Whether it changes nothing.
    pub read_only: bool,
    /// Whether LookupEvents shows it.
    pub management: bool,
}

impl Audit {
    /// Opens the notebook and takes the call's place in the stream. `event_id` is 16 random bytes.
    pub fn open(sink: &dyn Sink, ctx: &CallContext, opening: Opening<'_>, now: Timestamp, event_id: [u8; 16]) -> Self {
        Self {
            call: ApiCall {
                ordinal: sink.next_ordinal(),
                event_id: crate::id::uuid(event_id),
                time: now,
                source: opening.source.into(),
                name: opening.name.into(),
                context: ctx.clone(),
                read_only: opening.read_only,
                management: opening.management,
                request_parameters: None,
                response_elements: None,
                additional_event_data: None,
                resources: Vec::new(),
                error: None,
                shared_event_id: None,
                decision: None,
            },
        }
    }

    /// What was asked, without secrets.
    pub fn request(&mut self, parameters: Value) -> &mut Self {
        self.call.request_parameters = Some(parameters);
        self
    }

    /// What was answered.
    pub fn response(&mut self, elements: Value) -> &mut Self {
        self.call.response_elements = Some(elements);
        self
    }

    /// CloudTrail's `additionalEventData`.
    pub fn additional(&mut self, data: Value) -> &mut Self {
        self.call.additional_event_data = Some(data);
        self
    }

    /// One more resource.
    pub fn resource(&mut self, account: &AccountId, kind: &str, arn: impl Into<String>) -> &mut Self {
        self.call.resources.push(Resource { account: account.clone(), kind: kind.into(), arn: arn.into() });
        self
    }

    /// Why the call was allowed or refused.
    pub fn decision(&mut self, explanation: Arc<Explanation>) -> &mut Self {
        self.call.decision = Some(explanation);
        self
    }

    /// Ties the records of one call together.
    pub fn shared_event_id(&mut self, id: String) -> &mut Self {
        self.call.shared_event_id = Some(id);
        self
    }

    /// The name under which `/_sim/why` will find this call.
    pub fn event_id(&self) -> &str {
        &self.call.event_id
    }

    /// Closes the notebook: one event goes out. A refused call (`error` is an AccessDenied of any spelling)
    /// shows neither parameters nor resources when it was forwarded, as in CloudTrail.
    pub fn close(mut self, sink: &dyn Sink, error: Option<CallError>) {
        if let Some(error) = error {
            self.call.response_elements = None;
            if error.code == "AccessDenied" && self.call.context.via.is_some() {
                self.call.request_parameters = None;
                self.call.resources.clear();
            }
            self.call.error = Some(error);
        }
        sink.emit(Event::Api(Box::new(self.call)));
    }
}
