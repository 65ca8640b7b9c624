//! One call at work: whose it is, and the notebook that becomes its event.

use std::sync::Arc;

use aws_core::audit::Audit;
use aws_core::call::CallContext;
use aws_core::event::CallError;
use aws_core::policy::explain::Explanation;
use aws_core::time::Timestamp;
use kms_api::error::KmsError;
use kms_api::world::World;
use serde_json::{Value, json};

use crate::model::backing_key::MaterialId;
use crate::model::key::Key;
use crate::model::last_usage::LastUse;

/// What an operation is given besides its request.
pub(crate) struct Call<'c> {
    pub(crate) ctx: &'c CallContext,
    pub(crate) audit: Audit,
    /// The keys that the caller was allowed to use.
    pub(crate) keys: Vec<Arc<Key>>,
}

impl Call<'_> {
    /// Notes a key that the call is about. Calls from other accounts, and calls that a service forwards, leave a
    /// record on both sides, tied by a shared id.
    pub(crate) fn touches(&mut self, key: &Key) {
        self.audit.resource(&key.address.account, "AWS::KMS::Key", key.arn.clone());
    }

    /// Ties the records that one call leaves in two accounts, or with the service that forwarded it.
    pub(crate) fn tie(&mut self, world: &World, key: &Key) {
        let crosses = *self.ctx.account() != key.address.account;
        let forwarded = self.ctx.via.as_ref().is_some_and(|via| via.invoked_by != "AWS Internal");
        if crosses || forwarded {
            self.audit.shared_event_id(world.uuid());
        }
    }

    /// Notes which generation of material did the work.
    pub(crate) fn used(&mut self, material: MaterialId) {
        self.audit.additional(json!({"keyMaterialId": material.to_string()}));
    }

    /// Notes that a key's current material did the work, where the key has generations.
    pub(crate) fn used_by(&mut self, key: &Key) {
        if let Some(current) = key.current_generation() {
            self.used(current);
        }
    }

    /// Notes the answer of an operation that changes something. All such answers name the key by its ARN.
    pub(crate) fn changed(&mut self, key: &Key) {
        self.answered(json!({"keyId": key.arn}));
    }

    /// Notes any other answer.
    pub(crate) fn answered(&mut self, elements: Value) {
        self.audit.response(elements);
    }

    /// Notes a decision; turns a refusal into AWS's sentence.
    pub(crate) fn decided(&mut self, explanation: &Arc<Explanation>, on: &str) -> Result<(), KmsError> {
        self.audit.decision(explanation.clone());
        match explanation.allowed() {
            true => Ok(()),
            false => Err(KmsError::AccessDenied(explanation.denial(on))),
        }
    }

    /// Notes on the keys that they have done their work, now that the call has succeeded.
    pub(crate) fn worked(&self, operation: &'static str, at: Timestamp) {
        for key in &self.keys {
            let (event_id, request_id) = (self.audit.event_id().to_owned(), self.ctx.request_id.clone());
            key.last_usage.note(LastUse { operation, at, event_id, request_id });
        }
    }

    /// Ends the call: its event goes out.
    pub(crate) fn close(self, world: &World, failure: Option<&KmsError>) {
        let error = failure.map(|error| CallError { code: trail_code(error).into(), message: error.to_string() });
        self.audit.close(&*world.sink, error);
    }
}

/// CloudTrail prints denials without `Exception`.
fn trail_code(error: &KmsError) -> &str {
    match error {
        KmsError::AccessDenied(_) => "AccessDenied",
        other => other.code(),
    }
}
