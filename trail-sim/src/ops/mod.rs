//! One action per file: decode → authorize → do → answer.

use std::sync::Arc;

use aws_core::audit::Audit;
use aws_core::call::CallContext;
use aws_core::fault::ApiFault;
use aws_core::policy::condition::Facts;
use aws_core::policy::evaluate::{Question, Voices, evaluate};
use aws_core::time::iso_seconds;
use bytes::Bytes;
use kms_api::world::World;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) mod describe_trails;
pub(crate) mod get_trail_status;
pub(crate) mod list_trails;
pub(crate) mod lookup_events;

/// Reads a body into an operation's shape.
pub(crate) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiFault> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|e| ApiFault::client("SerializationException", e.to_string()))
}

/// The request as the record prints it, member names beginning in lower case.
pub(crate) fn note_request(audit: &mut Audit, body: &[u8]) {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) if !members.is_empty() => audit.request(lower_camel(Value::Object(members))),
        _ => return,
    };
}

/// Prints an answer.
pub(crate) fn answer(shape: &impl Serialize) -> Result<Bytes, ApiFault> {
    let text = serde_json::to_vec(shape).map_err(|e| internal(&e))?;
    Ok(Bytes::from(text))
}

/// Asks IAM's policies about an action that has no resource policy.
pub(crate) fn authorize(world: &World, ctx: &CallContext, audit: &mut Audit, action: &str) -> Result<(), ApiFault> {
    let identity = world.identities.policies(&ctx.caller);
    let mut facts = Facts::default();
    let now = world.now();
    facts.set("aws:CurrentTime", iso_seconds(now)).set("aws:EpochTime", now.as_second().to_string());
    let question = Question { call: ctx, action, resource: "*", facts: &facts };
    let explanation = Arc::new(evaluate(&question, &Voices { identity: &identity, resource: None, grants: &[] }));
    audit.decision(explanation.clone());
    if explanation.allowed() {
        return Ok(());
    }
    // CloudTrail's sentence names no resource.
    Err(ApiFault::client("AccessDeniedException", explanation.denial("").replace("  ", " ")))
}

/// Something broke that the caller did not cause.
pub(crate) fn internal(error: &dyn std::error::Error) -> ApiFault {
    tracing::error!(error = %error, "a CloudTrail operation failed");
    ApiFault::client("InternalFailure", "The request processing has failed because of an unknown error.")
        .with_status(500)
}

fn lower_camel(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (lower_first(&name), lower_camel(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(lower_camel).collect()),
        plain => plain,
    }
}

fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
