//! The runner as a client: the control plane, and the few AWS calls that set the stage or look behind it.
//!
//! Such a call acts as the account's root by the server's open mode: an access key that spells twelve digits is that
//! account. It is never part of what a step is judged by, since the trail is read before it is made.

use std::fmt::Write as _;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Method};
use serde_json::Value;

use super::StageError;

/// A client of one server.
pub struct Http {
    endpoint: String,
    account: String,
    region: String,
    client: Client,
}

impl Http {
    /// A client of the server at `endpoint`, acting as the root of `account` in `region`.
    pub fn new(endpoint: &str, account: &str, region: &str) -> Result<Self, StageError> {
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(60)).build();
        let client = client.map_err(|error| StageError::Unreachable(format!("cannot make an HTTP client: {error}")))?;
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        Ok(Self { endpoint, account: account.to_owned(), region: region.to_owned(), client })
    }

    /// Where the server is.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The account whose root this client is.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The region of its calls.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Reads JSON from the control plane.
    pub async fn control(&self, path: &str) -> Result<Value, StageError> {
        let text = self.send(Method::GET, path, &[], String::new()).await?;
        parse(path, &text)
    }

    /// Tells the control plane something.
    pub async fn tell(&self, path: &str, body: &Value) -> Result<(), StageError> {
        self.send(Method::POST, path, &[("content-type", "application/json".into())], body.to_string()).await.map(drop)
    }

    /// A KMS call as the account's root.
    pub async fn kms(&self, operation: &str, body: &Value) -> Result<Value, StageError> {
        let headers = [
            ("content-type", "application/x-amz-json-1.1".into()),
            ("x-amz-target", format!("TrentService.{operation}")),
            ("authorization", self.authorization("kms")),
        ];
        let text = self.send(Method::POST, "/", &headers, body.to_string()).await?;
        parse(operation, &text)
    }

    /// An IAM or EC2 call as the account's root; the answer is XML.
    pub async fn query(&self, service: &str, form: &[(&str, &str)]) -> Result<String, StageError> {
        let version = if service == "ec2" { "2016-11-15" } else { "2010-05-08" };
        let mut body = format!("Version={version}");
        for (name, value) in form {
            let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
            write!(body, "&{name}={value}").expect("a String takes everything");
        }
        let headers = [
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8".into()),
            ("authorization", self.authorization(service)),
        ];
        self.send(Method::POST, "/", &headers, body).await
    }

    fn authorization(&self, service: &str) -> String {
        let (account, region) = (&self.account, &self.region);
        format!(
            "AWS4-HMAC-SHA256 Credential={account}/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
        )
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, String)],
        body: String,
    ) -> Result<String, StageError> {
        let mut request = self.client.request(method, format!("{}{path}", self.endpoint)).body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let exchange = async {
            let answer = request.send().await?;
            Ok((answer.status(), answer.text().await?))
        };
        let (status, text) = exchange.await.map_err(|error| unreachable(&self.endpoint, &error))?;
        if status.is_success() {
            Ok(text)
        } else {
            Err(StageError::Unreachable(format!("{path} answered {status}: {}", text.trim())))
        }
    }
}

fn parse(what: &str, text: &str) -> Result<Value, StageError> {
    serde_json::from_str(text)
        .map_err(|error| StageError::Unreachable(format!("{what} did not answer with JSON: {error}")))
}

fn unreachable(endpoint: &str, error: &reqwest::Error) -> StageError {
    StageError::Unreachable(format!(
        "no sse-sim answers at {endpoint} ({error}); start one with `sse-sim up`, or leave --target out and a private one is started"
    ))
}
