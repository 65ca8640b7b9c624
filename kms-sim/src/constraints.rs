//! What the service model allows of each member, as tables; and AWS's sentences for what it does not.
//!
//! The same tables say what the audit may show of a request: everything but what is marked secret.

use aws_core::time::Timestamp;
use kms_api::error::KmsError;
use serde_json::{Map, Value, json};

use crate::model::tags::CUSTOM_MATERIAL;

/// One member of a request.
pub(crate) struct Member {
    name: &'static str,
    needed: bool,
    secret: bool,
    shape: Shape,
}

/// What a member may hold.
#[derive(Clone, Copy)]
pub(crate) enum Shape {
    /// Text of a length, and of a pattern.
    Text(usize, usize, Option<&'static Pattern>),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number between two bounds.
    Number(i64, i64),
    /// Seconds since 1970, with or without a fraction.
    Moment,
    /// True or false.
    Flag,
    /// Base64 of so many bytes.
    Blob(usize, usize),
    /// Text to text; keys and values are data, not members.
    Texts,
    /// So many items of a shape.
    List(usize, usize, &'static Shape),
    /// Members of its own.
    Group(&'static [Member]),
    /// A member of AWS's model for which there is no room yet. Refused by name, never ignored.
    Unserved,
}

/// A pattern of the model, as AWS prints it, and as a test.
pub(crate) struct Pattern {
    text: &'static str,
    accepts: fn(char) -> bool,
}

pub(crate) const fn needed(name: &'static str, shape: Shape) -> Member {
    Member { name, needed: true, secret: false, shape }
}

pub(crate) const fn optional(name: &'static str, shape: Shape) -> Member {
    Member { name, needed: false, secret: false, shape }
}

impl Member {
    /// Never shown: neither in errors nor in the audit.
    pub(crate) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

const NAME_PATTERN: Pattern = Pattern {
    text: "^[a-zA-Z0-9:/_-]+$",
    accepts: |c| c.is_ascii_alphanumeric() || matches!(c, ':' | '/' | '_' | '-'),
};
const PRINCIPAL_PATTERN: Pattern = Pattern {
    text: "^[\\w+=,.@:/-]+$",
    accepts: |c| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '=' | ',' | '.' | '@' | ':' | '/' | '-'),
};
const WORD_PATTERN: Pattern = Pattern { text: "[\\w]+", accepts: |c| c.is_ascii_alphanumeric() || c == '_' };
const POLICY_PATTERN: Pattern = Pattern {
    text: "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+",
    accepts: |c| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}'),
};
const MARKER_PATTERN: Pattern = Pattern { text: "[\\u0020-\\u00FF]*", accepts: |c| matches!(c, '\u{20}'..='\u{ff}') };

/// Whether the parts are in order is judged when the region is read.
const REGION_PATTERN: Pattern =
    Pattern { text: "^([a-z]+-){2,3}\\d+$", accepts: |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' };

/// Whether there are enough parts is judged when the service is looked up.
const SERVICE_PRINCIPAL_PATTERN: Pattern = Pattern {
    text: "^([A-Za-z0-9\\-]+)\\.([A-Za-z0-9\\-]+)(\\.[A-Za-z0-9\\-]+)+$",
    accepts: |c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'),
};
const MATERIAL_ID_PATTERN: Pattern = Pattern { text: "^[a-f0-9]+$", accepts: |c| matches!(c, 'a'..='f' | '0'..='9') };
const MATERIAL_DESCRIPTION_PATTERN: Pattern = Pattern {
    text: "^[a-zA-Z0-9:/_\\s.-]+$",
    accepts: |c| c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || matches!(c, ':' | '/' | '_' | '.' | '-'),
};

const ONE_TOKEN: Shape = Shape::Text(1, 8192, None);
const ONE_OPERATION: Shape = Shape::Word(&[
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
    "Sign",
    "Verify",
    "GetPublicKey",
    "CreateGrant",
    "RetireGrant",
    "DescribeKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateMac",
    "VerifyMac",
    "DeriveSharedSecret",
    "Encapsulate",
    "Decapsulate",
]);
const ONE_TAG: Shape = Shape::Group(&[needed("TagKey", TAG_KEY), needed("TagValue", Shape::Text(0, 256, None))]);

pub(crate) const KEY_ID: Shape = Shape::Text(1, 2048, None);
pub(crate) const ALIAS_NAME: Shape = Shape::Text(1, 256, Some(&NAME_PATTERN));
pub(crate) const GRANT_NAME: Shape = Shape::Text(1, 256, Some(&NAME_PATTERN));
pub(crate) const GRANT_ID: Shape = Shape::Text(1, 128, None);
pub(crate) const PRINCIPAL: Shape = Shape::Text(1, 256, Some(&PRINCIPAL_PATTERN));
pub(crate) const POLICY: Shape = Shape::Text(1, 131_072, Some(&POLICY_PATTERN));
pub(crate) const POLICY_NAME: Shape = Shape::Text(1, 128, Some(&WORD_PATTERN));
pub(crate) const DESCRIPTION: Shape = Shape::Text(0, 8192, None);
pub(crate) const MARKER: Shape = Shape::Text(1, 1024, Some(&MARKER_PATTERN));
pub(crate) const SERVICE_PRINCIPAL: Shape = Shape::Text(1, 128, Some(&SERVICE_PRINCIPAL_PATTERN));
pub(crate) const MATERIAL_ID: Shape = Shape::Text(64, 64, Some(&MATERIAL_ID_PATTERN));
pub(crate) const MATERIAL_DESCRIPTION: Shape = Shape::Text(0, 256, Some(&MATERIAL_DESCRIPTION_PATTERN));
pub(crate) const DRY_RUN_MODIFIERS: Shape = Shape::List(0, usize::MAX, &Shape::Word(&["IGNORE_CIPHERTEXT"]));
pub(crate) const REGION: Shape = Shape::Text(1, 32, Some(&REGION_PATTERN));
pub(crate) const TAG_KEY: Shape = Shape::Text(1, 128, None);
pub(crate) const TAGS: Shape = Shape::List(0, usize::MAX, &ONE_TAG);
pub(crate) const TAG_KEYS: Shape = Shape::List(0, usize::MAX, &TAG_KEY);
pub(crate) const TOKEN: Shape = ONE_TOKEN;
pub(crate) const TOKENS: Shape = Shape::List(0, 10, &ONE_TOKEN);
pub(crate) const OPERATIONS: Shape = Shape::List(0, usize::MAX, &ONE_OPERATION);
pub(crate) const CONSTRAINTS: Shape = Shape::Group(&[
    optional("EncryptionContextSubset", Shape::Texts),
    optional("EncryptionContextEquals", Shape::Texts),
    optional("SourceArn", Shape::Text(20, 512, None)),
]);
pub(crate) const CIPHERTEXT: Shape = Shape::Blob(1, 6144);
pub(crate) const PLAINTEXT: Shape = Shape::Blob(1, 4096);
pub(crate) const PUBLIC_KEY: Shape = Shape::Blob(1, 8192);
pub(crate) const DATA_KEY_BYTES: Shape = Shape::Number(1, 1024);
pub(crate) const DATA_KEY_SPEC: Shape = Shape::Word(&["AES_256", "AES_128"]);
pub(crate) const ALGORITHM: Shape =
    Shape::Word(&["SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"]);

/// Checks a request against the table of its operation: first that every member has its JSON type, then all
/// constraints at once.
pub(crate) fn check(members: &[Member], request: &Map<String, Value>) -> Result<(), KmsError> {
    let mut violations = Vec::new();
    check_members(members, request, "", &mut violations)?;
    match violations.len() {
        0 => Ok(()),
        1 => Err(KmsError::Validation(format!("1 validation error detected: {}", violations[0]))),
        n => Err(KmsError::Validation(format!("{n} validation errors detected: {}", violations.join("; ")))),
    }
}

fn check_members(
    members: &[Member],
    request: &Map<String, Value>,
    path: &str,
    violations: &mut Vec<String>,
) -> Result<(), KmsError> {
    for member in members {
        let mut check = Check { path, member, violations };
        match request.get(member.name).filter(|value| !value.is_null()) {
            Some(value) => check.value(&member.shape, value)?,
            None if member.needed => check.absent(),
            None => {}
        }
    }
    Ok(())
}

/// One member under examination. Its place is only spelled out when there is something to complain about.
struct Check<'a> {
    path: &'a str,
    member: &'a Member,
    violations: &'a mut Vec<String>,
}

impl Check<'_> {
    fn place(&self) -> String {
        format!("{}{}", self.path, lower_camel(self.member.name))
    }

    fn absent(&mut self) {
        let place = self.place();
        self.violations.push(format!("Value null at '{place}' failed to satisfy constraint: Member must not be null"));
    }

    fn value(&mut self, shape: &Shape, value: &Value) -> Result<(), KmsError> {
        match (shape, value) {
            (Shape::Group(members), Value::Object(map)) => {
                check_members(members, map, &format!("{}.", self.place()), self.violations)
            }
            (Shape::List(min, max, item), Value::Array(items)) => self.list((*min, *max), item, items),
            (Shape::Unserved, _) => Err(KmsError::UnsupportedOperation(Some(format!(
                "This simulator does not serve the parameter '{}' yet.",
                self.place()
            )))),
            (shape, value) => {
                for rule in broken_rules(shape, value)? {
                    self.violated(value, &rule);
                }
                Ok(())
            }
        }
    }

    fn list(&mut self, (min, max): (usize, usize), item: &Shape, items: &[Value]) -> Result<(), KmsError> {
        for rule in length_rules(items.len(), min, max) {
            self.violated(&Value::Array(items.to_vec()), &rule);
        }
        if let Shape::Group(members) = item {
            return self.groups(members, items);
        }
        let mut broken = false;
        for value in items {
            broken |= !broken_rules(item, value)?.is_empty();
        }
        if broken {
            let rule = format!("Member must satisfy constraint: [{}]", all_rules(item).join(", "));
            self.violated(&Value::Array(items.to_vec()), &rule);
        }
        Ok(())
    }

    fn groups(&mut self, members: &[Member], items: &[Value]) -> Result<(), KmsError> {
        for (index, item) in items.iter().enumerate() {
            let Value::Object(map) = item else { return Err(wrong_type(item, "map")) };
            check_members(members, map, &format!("{}.{}.member.", self.place(), index + 1), self.violations)?;
        }
        Ok(())
    }

    fn violated(&mut self, value: &Value, rule: &str) {
        let (shown, place) =
            (if self.member.secret { String::new() } else { format!(" '{}'", plain(value)) }, self.place());
        self.violations.push(format!("Value{shown} at '{place}' failed to satisfy constraint: {rule}"));
    }
}

/// The rules that a single value breaks, or AWS's complaint about its JSON type.
fn broken_rules(shape: &Shape, value: &Value) -> Result<Vec<String>, KmsError> {
    match (shape, value) {
        (Shape::Text(min, max, pattern), Value::String(text)) => {
            let mut rules = length_rules(text.chars().count(), *min, *max);
            let odd = pattern.filter(|pattern| !text.chars().all(pattern.accepts));
            rules.extend(odd.map(pattern_rule));
            Ok(rules)
        }
        (Shape::Word(words), Value::String(text)) => {
            Ok(if words.contains(&&**text) { vec![] } else { vec![words_rule(words)] })
        }
        (Shape::Number(min, max), Value::Number(number)) => number_rules(number, *min, *max),
        (Shape::Blob(min, max), Value::String(text)) => Ok(length_rules(decoded_bytes(text), *min, *max)),
        (Shape::Flag, Value::Bool(_)) => Ok(vec![]),
        (Shape::Texts, Value::Object(map)) => match map.values().find(|value| !value.is_string()) {
            Some(odd) => Err(wrong_type(odd, "String")),
            None => Ok(vec![]),
        },
        (Shape::Text(..) | Shape::Word(_), odd) => Err(wrong_type(odd, "String")),
        (Shape::Moment, Value::Number(_)) => Ok(vec![]),
        (Shape::Moment, odd) => Err(wrong_type(odd, "Timestamp")),
        (Shape::Number(..), odd) => Err(wrong_type(odd, "Integer")),
        (Shape::Blob(..), odd) => Err(wrong_type(odd, "Blob")),
        (Shape::Flag, odd) => Err(wrong_type(odd, "Boolean")),
        (Shape::Texts | Shape::Group(_), odd) => Err(wrong_type(odd, "Map")),
        (Shape::List(..) | Shape::Unserved, odd) => Err(wrong_type(odd, "List")),
    }
}

fn number_rules(number: &serde_json::Number, min: i64, max: i64) -> Result<Vec<String>, KmsError> {
    let Some(value) = number.as_i64() else { return Err(KmsError::Serialization("Expected an integer".into())) };
    let high = (value > max).then(|| format!("Member must have value less than or equal to {max}"));
    let low = (value < min).then(|| format!("Member must have value greater than or equal to {min}"));
    Ok(high.into_iter().chain(low).collect())
}

fn length_rules(len: usize, min: usize, max: usize) -> Vec<String> {
    let high = (len > max).then(|| at_most(max));
    let low = (len < min).then(|| at_least(min));
    high.into_iter().chain(low).collect()
}

fn at_most(max: usize) -> String {
    format!("Member must have length less than or equal to {max}")
}

fn at_least(min: usize) -> String {
    format!("Member must have length greater than or equal to {min}")
}

fn pattern_rule(pattern: &Pattern) -> String {
    format!("Member must satisfy regular expression pattern: {}", pattern.text)
}

fn words_rule(words: &[&str]) -> String {
    format!("Member must satisfy enum value set: [{}]", words.join(", "))
}

/// All rules of an item of a list: AWS repeats them all when one item breaks one.
fn all_rules(shape: &Shape) -> Vec<String> {
    match shape {
        Shape::Text(min, max, pattern) => {
            [Some(at_most(*max)), Some(at_least(*min)), pattern.map(pattern_rule)].into_iter().flatten().collect()
        }
        Shape::Word(words) => vec![words_rule(words)],
        Shape::Number(..)
        | Shape::Moment
        | Shape::Flag
        | Shape::Blob(..)
        | Shape::Texts
        | Shape::List(..)
        | Shape::Group(_) => vec![],
        Shape::Unserved => vec![],
    }
}

/// Bytes that base64 text stands for; whether it is base64 at all is seen when it is decoded.
fn decoded_bytes(text: &str) -> usize {
    let padding = text.bytes().rev().take_while(|b| *b == b'=').count();
    (text.len() * 3 / 4).saturating_sub(padding)
}

fn wrong_type(value: &Value, wanted: &str) -> KmsError {
    let token = match value {
        Value::Null => "NULL_VALUE",
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "START_ARRAY",
        Value::Object(_) => "START_OBJECT",
    };
    KmsError::Serialization(format!("{token} can not be converted to a {wanted}"))
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(plain).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// What the audit shows of a request: members in lower camel case, without those that are secret.
pub(crate) fn shown(members: &[Member], request: &Map<String, Value>) -> Map<String, Value> {
    let visible = members.iter().filter(|member| !member.secret);
    let pairs = visible.filter_map(|member| {
        let value = request.get(member.name).filter(|value| !value.is_null())?;
        Some((lower_camel(member.name), shown_value(&member.shape, value)))
    });
    pairs.collect()
}

fn shown_value(shape: &Shape, value: &Value) -> Value {
    match (shape, value) {
        (_, Value::Object(tag)) if tag.get("TagKey").is_some_and(|key| key == CUSTOM_MATERIAL) => {
            json!({"tagKey": CUSTOM_MATERIAL, "tagValue": "HIDDEN_DUE_TO_SECURITY_REASONS"})
        }
        (Shape::Group(members), Value::Object(map)) => Value::Object(shown(members, map)),
        (Shape::List(_, _, item), Value::Array(items)) => items.iter().map(|value| shown_value(item, value)).collect(),
        (Shape::Moment, Value::Number(seconds)) => shown_moment(seconds).unwrap_or_else(|| value.clone()),
        (_, value) => value.clone(),
    }
}

/// As CloudTrail prints a date of a request: `May 21, 2025, 5:47:45 AM`.
fn shown_moment(seconds: &serde_json::Number) -> Option<Value> {
    let at = Timestamp::from_second(seconds.as_f64()? as i64).ok()?;
    Some(at.strftime("%b %-d, %Y, %-I:%M:%S %p").to_string().into())
}

fn lower_camel(name: &str) -> String {
    let mut text = name.to_owned();
    text[..1].make_ascii_lowercase();
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    const MEMBERS: &[Member] = &[
        needed("KeyId", KEY_ID),
        optional("KeySpec", DATA_KEY_SPEC),
        optional("NumberOfBytes", DATA_KEY_BYTES),
        optional("Plaintext", PLAINTEXT).secret(),
        optional("Operations", OPERATIONS),
        optional("GrantTokens", TOKENS).secret(),
        optional("EncryptionContext", Shape::Texts),
        optional("Tags", TAGS),
        optional("Recipient", Shape::Unserved),
    ];

    fn complains(request: Value, wanted: Expect) {
        let outcome = check(MEMBERS, request.as_object().unwrap());
        wanted.assert_eq(&outcome.map_or_else(|e| format!("{}: {e}", e.code()), |()| "fine".into()));
    }

    #[test]
    fn violations_are_counted_and_joined_in_aws_words() {
        complains(json!({"KeyId": "k", "NumberOfBytes": 1024, "EncryptionContext": {"a": "b"}}), expect!["fine"]);
        complains(
            json!({"KeySpec": "AES_512"}),
            expect![
                "ValidationException: 2 validation errors detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null; Value 'AES_512' at 'keySpec' failed to satisfy constraint: Member must satisfy enum value set: [AES_256, AES_128]"
            ],
        );
        complains(
            json!({"KeyId": "k", "NumberOfBytes": 0}),
            expect![
                "ValidationException: 1 validation error detected: Value '0' at 'numberOfBytes' failed to satisfy constraint: Member must have value greater than or equal to 1"
            ],
        );
    }

    #[test]
    fn a_secret_is_not_repeated_in_the_complaint() {
        complains(
            json!({"KeyId": "k", "Plaintext": "A".repeat(5464)}),
            expect![
                "ValidationException: 1 validation error detected: Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096"
            ],
        );
        complains(
            json!({"KeyId": "k", "GrantTokens": [""]}),
            expect![
                "ValidationException: 1 validation error detected: Value at 'grantTokens' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 8192, Member must have length greater than or equal to 1]"
            ],
        );
    }

    #[test]
    fn nested_members_are_named_by_their_path() {
        complains(
            json!({"KeyId": "k", "Tags": [{"TagKey": "a", "TagValue": ""}, {"TagKey": ""}]}),
            expect![
                "ValidationException: 2 validation errors detected: Value '' at 'tags.2.member.tagKey' failed to satisfy constraint: Member must have length greater than or equal to 1; Value null at 'tags.2.member.tagValue' failed to satisfy constraint: Member must not be null"
            ],
        );
    }

    #[test]
    fn wrong_json_types_are_not_validation_but_serialization() {
        complains(
            json!({"KeyId": 5}),
            expect!["SerializationException: NUMBER_VALUE can not be converted to a String"],
        );
        complains(
            json!({"KeyId": "k", "EncryptionContext": {"a": 1}}),
            expect!["SerializationException: NUMBER_VALUE can not be converted to a String"],
        );
        complains(
            json!({"KeyId": "k", "Recipient": {}}),
            expect!["UnsupportedOperationException: This simulator does not serve the parameter 'recipient' yet."],
        );
    }

    #[test]
    fn the_audit_shows_everything_but_secrets() {
        let request = json!({"KeyId": "k", "Plaintext": "c2VjcmV0", "GrantTokens": ["t"], "Tags": [{"TagKey": "a", "TagValue": "b"}]});
        let shown = shown(MEMBERS, request.as_object().unwrap());
        assert_eq!(Value::Object(shown), json!({"keyId": "k", "tags": [{"tagKey": "a", "tagValue": "b"}]}));
    }
}
