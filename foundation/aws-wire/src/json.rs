//! AWS JSON 1.1: `POST /` with `X-Amz-Target: Prefix.Operation` and one JSON object as the body.
//!
//! ```text
//! request   {"KeyId":"alias/demo","Plaintext":"c2VjcmV0"}        blobs are base64, times epoch seconds, absent is absent
//! answer    {"CiphertextBlob":"…","KeyId":"arn:…"}               200, application/x-amz-json-1.1
//! fault     {"__type":"NotFoundException","message":"…"}         400, or 500 for the service's own failures
//! ```
//!
//! Deliberately absent: the shapes. A service parses its own with [`parse`].

use aws_core::fault::ApiFault;
use serde::de::DeserializeOwned;

/// Reads the body of a JSON operation; an empty body is the empty object. What does not fit is AWS's `SerializationException`.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiFault> {
    let text = if body.is_empty() { b"{}" } else { body };
    if text.iter().find(|b| !b.is_ascii_whitespace()) != Some(&b'{') {
        return Err(unreadable(text));
    }
    serde_json::from_slice(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => misfit(&error),
        _ => unreadable(text),
    })
}

/// Splits `X-Amz-Target` into prefix and operation.
pub fn target(header: &str) -> Option<(&str, &str)> {
    header.rsplit_once('.').filter(|(prefix, operation)| !prefix.is_empty() && !operation.is_empty())
}

/// The fault for a target that names no service or operation: AWS sends no message with it.
pub fn unknown_operation() -> ApiFault {
    ApiFault::bare("UnknownOperationException")
}

/// AWS answers broken JSON without saying where it is broken.
fn unreadable(_text: &[u8]) -> ApiFault {
    ApiFault::bare("SerializationException")
}

/// The JSON is sound but a member has the wrong type. The position is serde's; AWS words this differently per type.
fn misfit(error: &serde_json::Error) -> ApiFault {
    let full = error.to_string();
    let sentence = full.rsplit_once(" at line ").map_or(full.as_str(), |(sentence, _)| sentence);
    ApiFault::client("SerializationException", sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize, Debug, PartialEq)]
    #[serde(rename_all = "PascalCase")]
    struct Shape {
        #[serde(default)]
        key_id: String,
    }

    #[test]
    fn an_empty_body_is_an_empty_object() {
        assert_eq!(parse::<Shape>(b"").unwrap(), Shape { key_id: String::new() });
        assert_eq!(parse::<Shape>(b" {\"KeyId\":\"a\",\"Later\":[1]}").unwrap().key_id, "a");
    }

    #[test]
    fn broken_json_is_a_serialization_exception() {
        for broken in ["{", "[]", "\"KeyId\"", "{\"KeyId\":}", "\u{0}"] {
            let fault = parse::<Shape>(broken.as_bytes()).unwrap_err();
            assert_eq!((fault.code.as_ref(), fault.message), ("SerializationException", None), "{broken}");
        }
        let fault = parse::<Shape>(b"{\"KeyId\":7}").unwrap_err();
        assert_eq!(fault.message.unwrap(), "invalid type: integer `7`, expected a string");
    }

    #[test]
    fn a_target_is_prefix_and_operation() {
        assert_eq!(target("TrentService.Encrypt"), Some(("TrentService", "Encrypt")));
        let trail = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101";
        assert_eq!(target(&format!("{trail}.LookupEvents")), Some((trail, "LookupEvents")));
        assert_eq!([target("Encrypt"), target(".x"), target("x.")], [None, None, None]);
    }
}
