//! One S3 call from the door to the answer: who asks, the notebook that the trail will read, and the fault that
//! `edge` will print. Travels as `Arc<Call>` in the request's extensions, because s3s stands in the middle.

use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_core::audit::Audit;
use aws_core::call::{CallContext, Via};
use aws_core::event::{CallError, Sink};
use aws_core::fault::ApiFault;
use serde_json::Value;

/// A call under way.
pub(crate) struct Call {
    /// The proven caller.
    pub(crate) ctx: CallContext,
    /// Whether version 2 of the signature proved the caller.
    pub(crate) legacy: bool,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    audit: Option<Audit>,
    fault: Option<ApiFault>,
    parameters: serde_json::Map<String, Value>,
    additional: serde_json::Map<String, Value>,
    headers: Vec<(&'static str, String)>,
    status: Option<http::StatusCode>,
}

impl Call {
    /// A call that has just come in.
    pub(crate) fn new(ctx: CallContext) -> Self {
        Self { ctx, legacy: false, book: Mutex::default() }
    }

    /// The same call, told how its caller was proved.
    pub(crate) fn signed_by_version_2(self, legacy: bool) -> Self {
        Self { legacy, ..self }
    }

    /// The notebook, opened by `access` as soon as the operation is known.
    pub(crate) fn open_audit(&self, audit: Audit) {
        self.book().audit = Some(audit);
    }

    /// Writes into the notebook, if it is open.
    pub(crate) fn note(&self, write: impl FnOnce(&mut Audit)) {
        if let Some(audit) = self.book().audit.as_mut() {
            write(audit);
        }
    }

    /// One member of CloudTrail's `requestParameters`. Never a secret.
    pub(crate) fn parameter(&self, name: &str, value: impl Into<Value>) {
        self.book().parameters.insert(name.into(), value.into());
    }

    /// One member of CloudTrail's `additionalEventData`.
    pub(crate) fn additional(&self, name: &str, value: impl Into<Value>) {
        self.book().additional.insert(name.into(), value.into());
    }

    /// Keeps the whole fault for `edge`; s3s carries only code and message.
    pub(crate) fn fail(&self, fault: ApiFault) {
        self.book().fault = Some(fault);
    }

    /// The status of an answer that differs from what s3s gives the operation.
    pub(crate) fn answer_status(&self, status: http::StatusCode) {
        self.book().status = Some(status);
    }

    /// This status.
    pub(crate) fn take_status(&self) -> Option<http::StatusCode> {
        self.book().status.take()
    }

    /// A header that a refusal carries, and that s3s knows no place for.
    pub(crate) fn answer_header(&self, name: &'static str, value: impl Into<String>) {
        self.book().headers.push((name, value.into()));
    }

    /// These headers.
    pub(crate) fn take_headers(&self) -> Vec<(&'static str, String)> {
        std::mem::take(&mut self.book().headers)
    }

    /// The fault kept, if any.
    pub(crate) fn take_fault(&self) -> Option<ApiFault> {
        self.book().fault.take()
    }

    /// Closes the notebook: one event goes out, unless no operation was recognised.
    pub(crate) fn close(&self, sink: &dyn Sink, error: Option<CallError>) {
        let Book { audit, parameters, additional, .. } = std::mem::take(&mut *self.book());
        if let Some(mut audit) = audit {
            audit.request(Value::Object(parameters)).additional(Value::Object(additional));
            audit.close(sink, error);
        }
    }

    /// The caller, asking KMS through S3 in the bucket's region.
    pub(crate) fn to_kms(&self, region: &aws_core::id::Region, request_id: String) -> CallContext {
        let via = Via {
            via_service: Some(format!("s3.{region}.amazonaws.com")),
            invoked_by: "fas.s3.amazonaws.com".into(),
            for_aws_resource: false,
            in_scope_of_instance: None,
        };
        CallContext { region: region.clone(), ..self.ctx.forwarded(via, request_id) }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // A panic elsewhere must not cost the trail its record.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
