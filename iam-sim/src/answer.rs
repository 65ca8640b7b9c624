//! One answer, two dresses: the XML that the caller reads and the JSON that the trail keeps.
//!
//! ```text
//! {"User": {"UserName": "ada", "Tags": [{"Key": "a"}]}}     what an operation answers: AWS's names, in AWS's order
//! <User><UserName>ada</UserName><Tags><member>…             on the wire
//! {"user": {"userName": "ada", "tags": [{"key": "a"}]}}     in the trail, without secrets, with dates in words
//! ```

use aws_core::time::{Timestamp, iso_seconds};
use aws_wire::query::Params;
use aws_wire::xml::Element;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::fault::camel;

/// RFC 3986: what IAM leaves unescaped in a policy document.
const DOCUMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Never shown to the trail.
const SECRETS: &[&str] = &["SecretAccessKey", "SessionToken", "TokenCode"];

/// A policy document as IAM sends it: percent-encoded.
pub(crate) fn encoded(document: &str) -> String {
    utf8_percent_encode(document, DOCUMENT).to_string()
}

/// A time as IAM sends it.
pub(crate) fn time(at: Timestamp) -> String {
    iso_seconds(at)
}

/// The XML inside the result element. Null members are absent.
pub(crate) fn xml(answer: &Value) -> String {
    element("answer", answer).inner()
}

fn element(name: &str, value: &Value) -> Element {
    let element = Element::new(name.to_owned());
    match value {
        Value::Null => element,
        Value::Bool(_) | Value::Number(_) => element.text(value),
        Value::String(text) => element.text(text),
        Value::Array(items) => element.children(items.iter().map(|item| self::element("member", item))),
        Value::Object(map) => {
            let present = map.iter().filter(|(_, value)| !value.is_null());
            element.children(present.map(|(name, value)| self::element(name, value)))
        }
    }
}

/// An answer as the trail keeps it; `None` when there is nothing in it.
pub(crate) fn for_trail(answer: &Value) -> Option<Value> {
    answer.as_object().filter(|map| !map.is_empty()).map(|map| Value::Object(trail_object(map)))
}

fn trail_object(map: &Map<String, Value>) -> Map<String, Value> {
    let shown = map.iter().filter(|(name, value)| !value.is_null() && !SECRETS.contains(&name.as_str()));
    shown.map(|(name, value)| (camel(name), trail_value(name, value))).collect()
}

fn trail_value(name: &str, value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(trail_object(map)),
        Value::Array(items) => items.iter().map(|item| trail_value(name, item)).collect(),
        Value::String(text) if name.ends_with("Date") || name == "Expiration" => in_words(text).into(),
        other => other.clone(),
    }
}

/// `Jan 15, 2026 9:00:00 AM`: how CloudTrail writes IAM's dates.
fn in_words(text: &str) -> String {
    let at: Result<Timestamp, _> = text.parse();
    at.map_or_else(|_| text.into(), |at| at.strftime("%b %-d, %Y %-I:%M:%S %p").to_string())
}

/// The form of a call as the trail keeps it; `None` when it has no parameters.
pub(crate) fn request_for_trail(params: &Params) -> Option<Value> {
    let mut map = Map::new();
    for (name, value) in params.iter() {
        let list = name.split_once(".member.").map(|(list, _)| list);
        let name = list.unwrap_or(name);
        if matches!(name, "Action" | "Version") || SECRETS.contains(&name) {
            continue;
        }
        let told = || list.map_or_else(|| value.into(), |list| trail_list(params, list));
        map.entry(camel(name)).or_insert_with(told);
    }
    (!map.is_empty()).then_some(Value::Object(map))
}

fn trail_list(params: &Params, name: &str) -> Value {
    let object =
        |member: Params| member.iter().map(|(key, value)| (camel(key), Value::from(value))).collect::<Map<_, _>>();
    let members = params.members(name);
    if members.is_empty() {
        return params.list(name).into_iter().map(Value::from).collect();
    }
    members.into_iter().map(|member| Value::Object(object(member))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_answer_is_dressed_for_the_wire_and_for_the_trail() {
        let key = json!({ "AccessKeyId": "AKIA", "SecretAccessKey": "hush", "CreateDate": "2026-01-15T09:00:00Z" });
        let answer = json!({ "AccessKey": key, "Tags": [{ "Key": "a<b" }], "Marker": null, "IsTruncated": false });
        assert_eq!(
            xml(&answer),
            "<AccessKey><AccessKeyId>AKIA</AccessKeyId><SecretAccessKey>hush</SecretAccessKey>\
             <CreateDate>2026-01-15T09:00:00Z</CreateDate></AccessKey>\
             <Tags><member><Key>a&lt;b</Key></member></Tags><IsTruncated>false</IsTruncated>"
        );
        let kept = json!({
            "accessKey": { "accessKeyId": "AKIA", "createDate": "Jan 15, 2026 9:00:00 AM" },
            "tags": [{ "key": "a<b" }],
            "isTruncated": false,
        });
        assert_eq!(for_trail(&answer), Some(kept));
        assert_eq!(for_trail(&json!({})), None);
    }

    #[test]
    fn a_request_is_kept_without_its_secrets() {
        let form = b"Action=AssumeRole&Version=1&RoleArn=r&TokenCode=123456&Tags.member.1.Key=a&Tags.member.1.Value=b\
            &TagKeys.member.1=x&TagKeys.member.2=y";
        let kept = json!({ "roleArn": "r", "tags": [{ "key": "a", "value": "b" }], "tagKeys": ["x", "y"] });
        assert_eq!(request_for_trail(&Params::parse(form)), Some(kept));
        assert_eq!(request_for_trail(&Params::parse(b"Action=ListUsers&Version=1")), None);
    }

    #[test]
    fn a_document_travels_percent_encoded() {
        assert_eq!(encoded("{\"a-b.c_d~\": 1}"), "%7B%22a-b.c_d~%22%3A%201%7D");
    }
}
