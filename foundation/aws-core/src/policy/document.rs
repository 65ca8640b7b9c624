//! A policy document as written: statements with principals, actions, resources and conditions.
//!
//! AWS lets one element stand for a list everywhere; parsing folds that away. Parsing is strict about what
//! would change a decision (unknown effects, both Action and NotAction) and lenient about what AWS stores
//! without effect (a statement that lacks an Action).

use serde_json::Value;

/// A parsed policy.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyDocument {
    /// `2012-10-17` or `2008-10-17`.
    pub version: String,
    /// `Id`, if given.
    pub id: Option<String>,
    /// In the order written.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// `Sid`, if given.
    pub sid: Option<String>,
    /// Allow or Deny.
    pub effect: Effect,
    /// Whom it is about; `None` in identity policies.
    pub principal: Option<PrincipalClause>,
    /// Which actions; `None` where the statement lacks them (stored, ineffective).
    pub action: Option<Clause>,
    /// Which resources; `None` where the statement lacks them.
    pub resource: Option<Clause>,
    /// All must hold.
    pub conditions: Vec<Condition>,
}

/// Allow or Deny.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// `"Effect": "Allow"`
    Allow,
    /// `"Effect": "Deny"`
    Deny,
}

/// A list of patterns, positive (`Action`) or negated (`NotAction`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// Whether it is the Not-form.
    pub negated: bool,
    /// Patterns with `*`, `?` and policy variables.
    pub patterns: Vec<String>,
}

/// `Principal` or `NotPrincipal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalClause {
    /// Whether it is `NotPrincipal`.
    pub negated: bool,
    /// Everyone (`"*"` or `{"AWS": "*"}`).
    pub anyone: bool,
    /// ARNs, account ids and unique ids under `AWS`.
    pub aws: Vec<String>,
    /// Service principals under `Service`.
    pub service: Vec<String>,
    /// Federated providers.
    pub federated: Vec<String>,
}

/// One operator applied to one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// As written, e.g. `ForAllValues:StringLikeIfExists`.
    pub operator: String,
    /// Condition key in lower case except a trailing `/tag` part, as written after the first slash.
    pub key: String,
    /// Values, as text.
    pub values: Vec<String>,
}

/// Why a text is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAPolicy {
    /// Not JSON.
    #[error("the policy is not valid JSON")]
    Json,
    /// JSON, but an element has the wrong shape or value.
    #[error("{0}")]
    Shape(String),
}

impl PolicyDocument {
    /// Parses JSON text.
    pub fn parse(text: &str) -> Result<Self, NotAPolicy> {
        let value: Value = serde_json::from_str(text).map_err(|_| NotAPolicy::Json)?;
        Self::from_value(&value)
    }

    /// Reads a JSON value.
    pub fn from_value(value: &Value) -> Result<Self, NotAPolicy> {
        let _ = value;
        Err(NotAPolicy::Shape("the policy parser is being laid".into()))
    }
}
