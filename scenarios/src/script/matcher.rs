//! One expectation about one value.
//!
//! ```text
//! 7, true, "Enabled"          equal
//! {has: Decrypt}              a list that has it
//! {in: [attaching, attached]} one of them
//! {like: "*role/x-?"}         glob: * any run, ? one character
//! {contains: t} {not_contains: t}   a text within the text
//! {any: true}                 present, whatever it is     ({any: false}: absent)
//! {gt: 7.5} {ge: …} {lt: …} {le: …}  numbers; several words together must all hold
//! {aws:ebs:id: $VOL}          an object with exactly these members, each itself an expectation
//! ```

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::variables::Variables;

/// The words that make an object an expectation rather than a literal.
pub const WORDS: [&str; 10] = ["in", "has", "like", "contains", "not_contains", "any", "gt", "ge", "lt", "le"];

/// An expectation about a value.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub struct Matcher(Value);

impl TryFrom<Value> for Matcher {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        check_shape(&value)?;
        Ok(Self(value))
    }
}

impl Matcher {
    /// The expectation as written.
    pub fn source(&self) -> &Value {
        &self.0
    }

    /// The expectation as the predicate of a sentence: `is Enabled`, `contains "x"`.
    pub fn predicate(&self, variables: &Variables) -> String {
        let expected = variables.fill_value(&self.0).unwrap_or_else(|_| self.0.clone());
        match operators(&expected) {
            None => format!("is {}", shown(&expected)),
            Some(words) => {
                words.iter().map(|(word, argument)| phrase(word, argument)).collect::<Vec<_>>().join(" and ")
            }
        }
    }

    /// Whether `seen` (absent: `None`) is as expected; the error names an unknown variable.
    pub fn accepts(&self, seen: Option<&Value>, variables: &Variables) -> Result<bool, String> {
        let expected = variables.fill_value(&self.0).map_err(|name| format!("nobody captured ${name}"))?;
        Ok(holds(&expected, seen))
    }
}

/// A value on one line: bare text, compact JSON.
pub fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn phrase(word: &str, argument: &Value) -> String {
    match (word, argument) {
        ("in", Value::Array(choices)) => {
            format!("is one of {}", choices.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        ("any", Value::Bool(true)) => "is there".into(),
        ("any", _) => "is absent".into(),
        ("has", item) => format!("has {}", shown(item)),
        ("like", pattern) => format!("is like {}", shown(pattern)),
        ("contains", text) => format!("contains {text}"),
        ("not_contains", text) => format!("does not contain {text}"),
        ("gt", bound) => format!("is above {bound}"),
        ("ge", bound) => format!("is at least {bound}"),
        ("lt", bound) => format!("is below {bound}"),
        (_, bound) => format!("is at most {bound}"),
    }
}

fn operators(value: &Value) -> Option<&Map<String, Value>> {
    let members = value.as_object()?;
    let all_words = !members.is_empty() && members.keys().all(|name| WORDS.contains(&name.as_str()));
    all_words.then_some(members)
}

fn check_shape(value: &Value) -> Result<(), String> {
    let Some(words) = operators(value) else {
        return match value {
            Value::Object(members) => members.values().try_for_each(check_shape),
            _ => Ok(()),
        };
    };
    words.iter().try_for_each(|(word, argument)| check_argument(word, argument))
}

fn check_argument(word: &str, argument: &Value) -> Result<(), String> {
    let (fits, wanted) = match word {
        "in" => (argument.is_array(), "a list"),
        "like" | "contains" | "not_contains" => (argument.is_string(), "a text"),
        "any" => (argument.is_boolean(), "true or false"),
        "gt" | "ge" | "lt" | "le" => (argument.is_number(), "a number"),
        _ => (true, ""),
    };
    if fits { Ok(()) } else { Err(format!("`{word}` wants {wanted}, not {argument}")) }
}

fn holds(expected: &Value, seen: Option<&Value>) -> bool {
    if let Some(words) = operators(expected) {
        return words.iter().all(|(word, argument)| word_holds(word, argument, seen));
    }
    match (expected, seen) {
        (Value::Object(expected), Some(Value::Object(seen))) => {
            expected.len() == seen.len() && expected.iter().all(|(name, value)| holds(value, seen.get(name)))
        }
        (Value::Null, None) => true,
        (expected, Some(seen)) => same(expected, seen),
        (_, None) => false,
    }
}

fn word_holds(word: &str, argument: &Value, seen: Option<&Value>) -> bool {
    if word == "any" {
        return argument.as_bool() == Some(seen.is_some_and(|value| !value.is_null()));
    }
    let Some(seen) = seen else { return word == "not_contains" };
    match word {
        "in" => argument.as_array().is_some_and(|choices| choices.iter().any(|choice| same(choice, seen))),
        "has" => seen.as_array().is_some_and(|items| items.iter().any(|item| holds(argument, Some(item)))),
        "like" => argument.as_str().is_some_and(|pattern| glob(pattern, &shown(seen))),
        "contains" => argument.as_str().is_some_and(|text| shown(seen).contains(text)),
        "not_contains" => argument.as_str().is_some_and(|text| !shown(seen).contains(text)),
        _ => number_holds(word, argument, seen),
    }
}

fn number_holds(word: &str, argument: &Value, seen: &Value) -> bool {
    let (Some(bound), Some(number)) = (argument.as_f64(), as_number(seen)) else { return false };
    match word {
        "gt" => number > bound,
        "ge" => number >= bound,
        "lt" => number < bound,
        "le" => number <= bound,
        _ => false,
    }
}

/// Command output is text, so a number may arrive as its digits, with the line's end.
fn as_number(seen: &Value) -> Option<f64> {
    seen.as_f64().or_else(|| seen.as_str()?.trim().parse().ok())
}

/// Equal, where the digits of a number and the last line feed of a command's output do not matter.
fn same(expected: &Value, seen: &Value) -> bool {
    match (expected, seen) {
        (Value::String(text), Value::String(seen)) => {
            text == seen || text.trim_end_matches('\n') == seen.trim_end_matches('\n')
        }
        (Value::Number(number), Value::String(seen)) => as_number(&Value::String(seen.clone())) == number.as_f64(),
        (Value::Number(number), Value::Number(seen)) => number.as_f64() == seen.as_f64(),
        _ => expected == seen,
    }
}

/// `*` stands for any run of characters, `?` for one. Only the last star is ever retried: never exponential.
pub fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                p = at + 1;
                t = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

impl JsonSchema for Matcher {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Matcher".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A literal, or an object of the words in, has, like, contains, not_contains, any, gt, ge, lt, le.",
            "anyOf": [
                {"type": ["string", "number", "boolean", "null", "array"]},
                {"type": "object", "additionalProperties": false, "minProperties": 1, "properties": {
                    "in": {"type": "array"},
                    "has": true,
                    "like": {"type": "string"},
                    "contains": {"type": "string"},
                    "not_contains": {"type": "string"},
                    "any": {"type": "boolean"},
                    "gt": {"type": "number"},
                    "ge": {"type": "number"},
                    "lt": {"type": "number"},
                    "le": {"type": "number"},
                }},
                {"type": "object", "description": "A literal object: exactly these members."},
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(expected: Value, seen: Value) -> bool {
        let matcher = Matcher::try_from(expected).unwrap();
        matcher.accepts((!seen.is_null()).then_some(&seen), &Variables::default()).unwrap()
    }

    #[test]
    fn each_word_accepts_what_it_says_and_refuses_the_rest() {
        let cases = [
            (json!("a"), json!("a"), json!("b")),
            (json!(0), json!(0), json!(1)),
            (json!(184), json!("184\n"), json!("185\n")),
            (json!({"in": ["a", "b"]}), json!("b"), json!("c")),
            (json!({"has": "Decrypt"}), json!(["Encrypt", "Decrypt"]), json!(["Encrypt"])),
            (json!({"has": {"like": "D*"}}), json!(["Decrypt"]), json!("Decrypt")),
            (json!({"like": "*role/i-?"}), json!("arn:role/i-1"), json!("arn:role/i-12")),
            (json!({"contains": "x"}), json!("axb"), json!("ab")),
            (json!({"not_contains": "x"}), json!("ab"), json!("axb")),
            (json!({"any": true}), json!("anything"), Value::Null),
            (json!({"any": false}), Value::Null, json!("anything")),
            (json!({"gt": 7.5, "le": 8}), json!(7.9), json!(8.1)),
            (json!({"k": {"like": "v*"}}), json!({"k": "vol"}), json!({"k": "vol", "more": 1})),
        ];
        for (expected, good, bad) in cases {
            assert!(check(expected.clone(), good.clone()), "{expected} should accept {good}");
            assert!(!check(expected.clone(), bad.clone()), "{expected} should refuse {bad}");
        }
    }

    #[test]
    fn an_expectation_reads_as_a_sentence() {
        let read = |value: Value| Matcher::try_from(value).unwrap().predicate(&Variables::default());
        assert_eq!(read(json!("Enabled")), "is Enabled");
        assert_eq!(read(json!({"in": ["a", "b"]})), "is one of a, b");
        assert_eq!(read(json!({"gt": 7, "le": 8})), "is above 7 and is at most 8");
        assert_eq!(read(json!({"not_contains": "x"})), "does not contain \"x\"");
    }

    #[test]
    fn a_word_with_the_wrong_kind_of_argument_is_refused_when_the_file_is_read() {
        for bad in [json!({"gt": "7"}), json!({"in": "a"}), json!({"any": 1}), json!({"deep": {"like": 3}})] {
            assert!(Matcher::try_from(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_unknown_variable_is_an_error_and_not_a_mismatch() {
        let matcher = Matcher::try_from(json!({"in": ["$NOBODY"]})).unwrap();
        assert!(matcher.accepts(Some(&json!("x")), &Variables::default()).unwrap_err().contains("$NOBODY"));
    }

    #[test]
    fn a_glob_with_many_stars_stays_quick() {
        assert!(!glob(&"*a".repeat(40), &"a".repeat(39)));
        assert!(glob("*a*b*", "xxaxxbxx"));
        assert!(glob("", ""));
        assert!(!glob("", "x"));
    }
}
