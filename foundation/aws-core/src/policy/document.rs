//! A policy document as written: statements with principals, actions, resources and conditions.
//!
//! AWS lets one element stand for a list everywhere; parsing folds that away. Parsing is strict about what
//! would change a decision (unknown or repeated elements, unknown effects and operators, both Action and NotAction) and lenient about
//! what AWS stores without effect (a statement that lacks an Action).
//!
//! Deliberately absent: rules that only one service has (IAM's "must contain actions", KMS's principals that exist).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::policy::operator::Operator;
use crate::policy::strict_json::Strict;

/// A parsed policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyDocument {
    /// `2012-10-17` or `2008-10-17`.
    pub version: String,
    /// `Id`, if given.
    pub id: Option<String>,
    /// In the order written.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// `"Effect": "Allow"`
    Allow,
    /// `"Effect": "Deny"`
    Deny,
}

/// A list of patterns, positive (`Action`) or negated (`NotAction`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clause {
    /// Whether it is the Not-form.
    pub negated: bool,
    /// Patterns with `*`, `?` and policy variables.
    pub patterns: Vec<String>,
}

/// `Principal` or `NotPrincipal`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrincipalClause {
    /// Whether it is `NotPrincipal`.
    pub negated: bool,
    /// Everyone (`"*"` or `{"AWS": "*"}`).
    pub anyone: bool,
    /// ARNs, account ids and unique ids under `AWS` (and canonical user ids, which match nobody here).
    pub aws: Vec<String>,
    /// Service principals under `Service`.
    pub service: Vec<String>,
    /// Federated providers.
    pub federated: Vec<String>,
}

/// One operator applied to one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// As written, e.g. `ForAllValues:StringLikeIfExists`.
    pub operator: String,
    /// Condition key as written; compared without regard to case.
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
        let Strict(value) = serde_json::from_str(text).map_err(not_strict)?;
        Self::from_value(&value)
    }

    /// Reads a JSON value.
    pub fn from_value(value: &Value) -> Result<Self, NotAPolicy> {
        let policy = object(value, "a policy")?;
        only_known(policy, &["Version", "Id", "Statement"])?;
        let version = text_of(policy, "Version")?.unwrap_or_else(|| "2008-10-17".into());
        if !matches!(version.as_str(), "2012-10-17" | "2008-10-17") {
            return Err(shape(format!("unknown Version {version}")));
        }
        let statements = match policy.get("Statement") {
            Some(Value::Array(list)) => list.iter().map(statement).collect::<Result<_, _>>()?,
            Some(one) => vec![statement(one)?],
            None => return Err(shape("a policy has no Statement")),
        };
        Ok(Self { version, id: text_of(policy, "Id")?, statements })
    }

    /// Whether `${…}` means a variable: from version 2012-10-17 on.
    pub fn has_variables(&self) -> bool {
        self.version == "2012-10-17"
    }
}

/// A repeated element is the only complaint about well-formed JSON.
fn not_strict(error: serde_json::Error) -> NotAPolicy {
    if error.is_data() { shape(error.to_string()) } else { NotAPolicy::Json }
}

fn statement(value: &Value) -> Result<Statement, NotAPolicy> {
    let map = object(value, "a statement")?;
    const KNOWN: &[&str] =
        &["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
    only_known(map, KNOWN)?;
    let effect = match text_of(map, "Effect")?.as_deref() {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        Some(other) => return Err(shape(format!("unknown Effect {other}"))),
        None => return Err(shape("a statement has no Effect")),
    };
    Ok(Statement {
        sid: text_of(map, "Sid")?,
        effect,
        principal: principal(map)?,
        action: clause(map, "Action", "NotAction")?,
        resource: clause(map, "Resource", "NotResource")?,
        conditions: map.get("Condition").map_or(Ok(Vec::new()), conditions)?,
    })
}

/// Either of an element and its Not-form, with its value.
fn either<'a>(map: &'a Map<String, Value>, name: &str, not: &str) -> Result<Option<(bool, &'a Value)>, NotAPolicy> {
    match (map.get(name), map.get(not)) {
        (Some(_), Some(_)) => Err(shape(format!("a statement has both {name} and {not}"))),
        (Some(value), None) => Ok(Some((false, value))),
        (None, Some(value)) => Ok(Some((true, value))),
        (None, None) => Ok(None),
    }
}

fn clause(map: &Map<String, Value>, name: &str, not: &str) -> Result<Option<Clause>, NotAPolicy> {
    let Some((negated, value)) = either(map, name, not)? else { return Ok(None) };
    let patterns = texts(value, name)?;
    // An empty list names nothing, in either form: NotAction [] must not come to mean everything.
    Ok((!patterns.is_empty()).then_some(Clause { negated, patterns }))
}

fn principal(map: &Map<String, Value>) -> Result<Option<PrincipalClause>, NotAPolicy> {
    let Some((negated, value)) = either(map, "Principal", "NotPrincipal")? else { return Ok(None) };
    let mut clause = PrincipalClause { negated, ..PrincipalClause::default() };
    match value {
        Value::String(star) if star == "*" => clause.anyone = true,
        Value::Object(kinds) => kinds.iter().try_for_each(|(kind, value)| add_principals(&mut clause, kind, value))?,
        _ => return Err(shape("a Principal is neither \"*\" nor an object")),
    }
    Ok(Some(clause))
}

fn add_principals(clause: &mut PrincipalClause, kind: &str, value: &Value) -> Result<(), NotAPolicy> {
    let names = texts(value, kind)?;
    match kind {
        "AWS" => {
            clause.anyone |= names.iter().any(|name| name == "*");
            clause.aws.extend(names.into_iter().filter(|name| name != "*"));
        }
        "CanonicalUser" => clause.aws.extend(names),
        "Service" => clause.service.extend(names),
        "Federated" => clause.federated.extend(names),
        other => return Err(shape(format!("unknown kind of principal {other}"))),
    }
    Ok(())
}

fn conditions(value: &Value) -> Result<Vec<Condition>, NotAPolicy> {
    let mut all = Vec::new();
    for (operator, keys) in object(value, "a Condition")? {
        if Operator::parse(operator).is_none() {
            return Err(shape(format!("unknown condition operator {operator}")));
        }
        for (key, values) in object(keys, "a condition operator")? {
            let condition = Condition { operator: operator.clone(), key: key.clone(), values: scalars(values, key)? };
            all.push(condition);
        }
    }
    Ok(all)
}

fn object<'a>(value: &'a Value, what: &str) -> Result<&'a Map<String, Value>, NotAPolicy> {
    value.as_object().ok_or_else(|| shape(format!("{what} is not an object")))
}

fn only_known(map: &Map<String, Value>, known: &[&str]) -> Result<(), NotAPolicy> {
    let unknown = map.keys().find(|name| !known.contains(&name.as_str()));
    unknown.map_or(Ok(()), |name| Err(shape(format!("unknown element {name}"))))
}

fn text_of(map: &Map<String, Value>, name: &str) -> Result<Option<String>, NotAPolicy> {
    match map.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(shape(format!("{name} is not a string"))),
    }
}

/// One text or a list of texts.
fn texts(value: &Value, name: &str) -> Result<Vec<String>, NotAPolicy> {
    listed(value, |one| one.as_str().map(str::to_owned)).ok_or_else(|| shape(format!("{name} holds what is no string")))
}

/// One scalar or a list of them; numbers and booleans become text.
fn scalars(value: &Value, key: &str) -> Result<Vec<String>, NotAPolicy> {
    let read = |one: &Value| match one {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(one.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    listed(value, read).ok_or_else(|| shape(format!("condition key {key} has a value that is no scalar")))
}

fn listed(value: &Value, read: impl Fn(&Value) -> Option<String>) -> Option<Vec<String>> {
    match value {
        Value::Array(list) => list.iter().map(read).collect(),
        one => Some(vec![read(one)?]),
    }
}

fn shape(text: impl Into<String>) -> NotAPolicy {
    NotAPolicy::Shape(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_element_stands_for_a_list() {
        let one = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#;
        let many = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:*"],"Resource":["*"]}]}"#;
        assert_eq!(PolicyDocument::parse(one).unwrap(), PolicyDocument::parse(many).unwrap());
    }

    #[test]
    fn everyone_is_spelled_in_two_ways() {
        for principal in [r#""*""#, r#"{"AWS":"*"}"#, r#"{"AWS":["*"]}"#] {
            let text = format!(r#"{{"Statement":[{{"Effect":"Allow","Principal":{principal}}}]}}"#);
            let clause = PolicyDocument::parse(&text).unwrap().statements.remove(0).principal.unwrap();
            assert_eq!(clause, PrincipalClause { anyone: true, ..PrincipalClause::default() });
        }
    }

    #[test]
    fn what_would_change_a_decision_is_refused_by_name() {
        let refused = |text: &str| PolicyDocument::parse(text).unwrap_err().to_string();
        let with = |inside: &str| refused(&format!(r#"{{"Statement":[{{"Effect":"Allow",{inside}}}]}}"#));
        assert_eq!(refused("{"), "the policy is not valid JSON");
        assert_eq!(refused("[]"), "a policy is not an object");
        assert_eq!(refused(r#"{"Version":"2012-10-17"}"#), "a policy has no Statement");
        assert_eq!(refused(r#"{"Version":"2020-01-01","Statement":[]}"#), "unknown Version 2020-01-01");
        assert_eq!(refused(r#"{"Statement":[{"Effect":"allow"}]}"#), "unknown Effect allow");
        assert_eq!(with(r#""Action":"a:b","NotAction":"a:c""#), "a statement has both Action and NotAction");
        assert_eq!(
            refused(r#"{"Statement":[{"Effect":"Allow","Effect":"Deny"}]}"#),
            "the element Effect stands twice at line 1 column 48"
        );
        assert_eq!(with(r#""Actions":"a:b""#), "unknown element Actions");
        assert_eq!(with(r#""Action":[1]"#), "Action holds what is no string");
        assert_eq!(with(r#""Principal":"arn:aws:iam::1:root""#), "a Principal is neither \"*\" nor an object");
        assert_eq!(with(r#""Condition":{"StringEqual":{"a:b":"c"}}"#), "unknown condition operator StringEqual");
        assert_eq!(with(r#""Condition":{"Bool":{"a:b":{}}}"#), "condition key a:b has a value that is no scalar");
    }

    #[test]
    fn a_negated_empty_list_does_not_mean_everything() {
        let policy = PolicyDocument::parse(r#"{"Statement":[{"Effect":"Allow","NotAction":[],"Resource":"*"}]}"#);
        assert_eq!(policy.unwrap().statements[0].action, None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in r#"[\[\]{}:,"a-zA-Z*0-9]{0,80}"#) {
            let _ = PolicyDocument::parse(&text);
        }
    }
}
