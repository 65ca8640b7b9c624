//! An API error before a protocol dresses it. `aws-wire` prints it as JSON, Query XML, EC2 XML or S3 XML.

use std::borrow::Cow;

/// What the client did wrong, or what failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {}", message.as_deref().unwrap_or(""))]
pub struct ApiFault {
    /// AWS's code, e.g. `NotFoundException`, `InvalidVolume.NotFound`.
    pub code: Cow<'static, str>,
    /// HTTP status.
    pub status: u16,
    /// AWS's sentence; `None` where AWS sends none.
    pub message: Option<String>,
    /// Further members of the body, in order (S3's `ArgumentName`, EBS direct's `Reason`, …).
    pub detail: Vec<(&'static str, String)>,
}

impl ApiFault {
    /// A fault of the client's making, status 400.
    pub fn client(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { code: code.into(), status: 400, message: Some(message.into()), detail: Vec::new() }
    }

    /// A fault whose body carries no message (several of KMS's do).
    pub fn bare(code: impl Into<Cow<'static, str>>) -> Self {
        Self { code: code.into(), status: 400, message: None, detail: Vec::new() }
    }

    /// The same fault with another HTTP status.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same fault with one more member in its body.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.detail.push((name, value.into()));
        self
    }
}
