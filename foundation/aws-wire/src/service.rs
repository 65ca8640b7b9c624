//! What a service implements to be reachable. The wire decodes the protocol and proves the caller; the service
//! decides, does, and answers. Faults are printed by the wire in the body that each protocol has for them.

use async_trait::async_trait;
use aws_core::call::CallContext;
use aws_core::fault::ApiFault;
use bytes::Bytes;

use crate::query::Params;

/// AWS JSON 1.1: `X-Amz-Target: TrentService.Encrypt`.
#[async_trait]
pub trait JsonService: Send + Sync {
    /// What precedes the operation in `X-Amz-Target`, without the dot: `TrentService`,
    /// `com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101`.
    fn target_prefix(&self) -> &'static str;

    /// The name in the credential scope (`kms`, `cloudtrail`), to which a verified signature is held; `None`: to none.
    fn signing_name(&self) -> Option<&'static str> {
        match self.target_prefix() {
            "TrentService" => Some("kms"),
            prefix if prefix.contains("cloudtrail") => Some("cloudtrail"),
            _ => None,
        }
    }

    /// Runs one operation. `body` is the raw JSON text. The answer is the JSON body, empty for operations that return nothing.
    async fn call(&self, ctx: &CallContext, operation: &str, body: &[u8]) -> Result<Bytes, ApiFault>;
}

/// The Query protocols: a form body with `Action`, an XML answer.
#[async_trait]
pub trait QueryService: Send + Sync {
    /// Signing name in the credential scope: `iam`, `sts`, `ec2`.
    fn scope(&self) -> &'static str;

    /// Which of the two dialects, and its XML namespace.
    fn dialect(&self) -> Dialect;

    /// Runs one action. The answer is the XML **inside** the result element (`<Action>Result` for Query, `<Action>Response`
    /// for EC2), as [`crate::xml::Element`] writes it.
    async fn call(&self, ctx: &CallContext, action: &str, params: &Params) -> Result<String, ApiFault>;
}

/// How a Query service wraps answers and errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `<XResponse><XResult>…</XResult><ResponseMetadata><RequestId>…`, errors in `<ErrorResponse>` (IAM, STS).
    Query {
        /// XML namespace.
        xmlns: &'static str,
    },
    /// `<XResponse><requestId>…</requestId>…`, errors in `<Response><Errors>` (EC2).
    Ec2 {
        /// XML namespace.
        xmlns: &'static str,
    },
}

/// REST-JSON (EBS direct).
#[async_trait]
pub trait RestService: Send + Sync {
    /// Signing name in the credential scope: `ebs`.
    fn scope(&self) -> &'static str;

    /// Answers one request, decoded by the service itself.
    async fn call(&self, ctx: &CallContext, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, ApiFault>;
}
