//! The gesture that all operations share: decode, run, one event.

use std::future::Future;
use std::sync::Arc;

use aws_core::audit::Opening;
use aws_core::call::CallContext;
use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::KmsSim;
use crate::call::Call;
use crate::constraints::{self, Member};
use crate::model::last_usage::TRACKED;

/// One AWS action.
pub(crate) trait Operation: Send + Sync + 'static {
    /// AWS's name.
    const NAME: &'static str;
    /// Whether it changes nothing (CloudTrail's `readOnly`). What changes something runs detached from its connection.
    const READ_ONLY: bool;
    /// What its members may hold.
    const MEMBERS: &'static [Member];
    /// Members that the audit shows with AWS's default when the caller leaves them out.
    const DEFAULTS: &'static [(&'static str, &'static str)] = &[];
    /// What else the audit shows of a request.
    fn complete(_shown: &mut Map<String, Value>) {}
    /// Its request.
    type Request: DeserializeOwned + Send;
    /// Its answer.
    type Answer: Send + 'static;

    /// Authorizes, does, answers.
    fn run(
        kms: &KmsSim,
        call: &mut Call<'_>,
        request: Self::Request,
    ) -> impl Future<Output = Result<Self::Answer, KmsError>> + Send;

    /// Prints the answer as JSON.
    fn print(kms: &KmsSim, answer: Self::Answer) -> Bytes;
}

/// A request that kept to its table, with what the audit may show of it.
pub(crate) struct Decoded<O: Operation> {
    request: O::Request,
    shown: Map<String, Value>,
}

/// Reads JSON text.
pub(crate) fn decode<O: Operation>(body: &[u8]) -> Result<Decoded<O>, KmsError> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) => accept::<O>(members),
        Ok(_) | Err(_) => Err(KmsError::Serialization("The request body is not a JSON object.".into())),
    }
}

/// Reads a request that was made in this process: the same tables apply.
pub(crate) fn adopt<O: Operation>(request: &impl Serialize) -> Result<Decoded<O>, KmsError> {
    match serde_json::to_value(request) {
        Ok(Value::Object(members)) => accept::<O>(members),
        Ok(_) | Err(_) => Err(KmsError::Serialization("The request is not a structure.".into())),
    }
}

fn accept<O: Operation>(mut members: Map<String, Value>) -> Result<Decoded<O>, KmsError> {
    members.retain(|_, value| !value.is_null());
    constraints::check(O::MEMBERS, &members)?;
    let mut shown = constraints::shown(O::MEMBERS, &members);
    for (name, value) in O::DEFAULTS {
        shown.entry(*name).or_insert_with(|| (*value).into());
    }
    O::complete(&mut shown);
    // The tables have judged every type already; what is left is base64 that is none. The text of serde's complaint
    // could repeat a secret, so it is not passed on.
    let request = serde_json::from_value(Value::Object(members))
        .map_err(|_| KmsError::Serialization("A member of the request cannot be read.".into()))?;
    Ok(Decoded { request, shown })
}

/// Runs one operation; exactly one event goes out, whatever happens.
pub(crate) async fn perform<O: Operation>(
    kms: &KmsSim,
    ctx: &CallContext,
    decoded: Result<Decoded<O>, KmsError>,
) -> Result<O::Answer, KmsError> {
    let opening = Opening { source: "kms.amazonaws.com", name: O::NAME, read_only: O::READ_ONLY, management: true };
    let began = kms.world.now();
    let mut call = Call { ctx, audit: kms.world.audit(ctx, opening), keys: Vec::new() };
    let outcome = match decoded {
        Ok(Decoded { request, shown }) => {
            call.audit.request(Value::Object(shown));
            O::run(kms, &mut call, request).await
        }
        Err(error) => Err(error),
    };
    if outcome.is_ok() && TRACKED.contains(&O::NAME) {
        call.worked(O::NAME, began);
    }
    call.close(&kms.world, outcome.as_ref().err());
    outcome
}

/// Runs an operation that changes something in a task of its own: a client that hangs up must not stop it between
/// what is stored, what is shown and what is told.
pub(crate) async fn perform_detached<O: Operation>(
    kms: Arc<KmsSim>,
    ctx: CallContext,
    decoded: Result<Decoded<O>, KmsError>,
) -> Result<O::Answer, KmsError> {
    let task = tokio::spawn(async move { perform::<O>(&kms, &ctx, decoded).await });
    task.await.unwrap_or_else(|_| Err(KmsError::KmsInternal("The operation was interrupted.".into())))
}

/// Prints any answer that holds no secret.
pub(crate) fn json(answer: &impl Serialize) -> Bytes {
    serde_json::to_vec(answer).expect("answers are plain structures with text keys").into()
}
