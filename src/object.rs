//! `sse-sim object inspect s3://bucket/key`: the stored form of an object, told in lines.

use std::io::Write;
use std::process::ExitCode;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::commands::get;
use crate::exit::{USAGE, coded};
use crate::flags::ObjectVerb;

/// Runs the verb.
pub async fn run(verb: &ObjectVerb) -> anyhow::Result<ExitCode> {
    let ObjectVerb::Inspect { object, read } = verb;
    let named = object.strip_prefix("s3://").and_then(|rest| rest.split_once('/'));
    let Some((bucket, key)) = named.filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty()) else {
        return Err(coded(USAGE, format!("{object:?} names no object; write s3://BUCKET/KEY")));
    };
    let query = query_of(&[("bucket", bucket), ("key", key)]);
    let view = get(&read.endpoint, &format!("/_sim/object?{query}")).await?;
    let mut out = std::io::stdout().lock();
    if read.json {
        writeln!(out, "{view}")?;
    } else {
        tell(&mut out, &view)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(out: &mut impl Write, view: &Value) -> std::io::Result<()> {
    let line = |out: &mut dyn Write, name: &str, value: &Value| match value {
        Value::Null => Ok(()),
        Value::String(text) => writeln!(out, "{name:<18} {text}"),
        other => writeln!(out, "{name:<18} {other}"),
    };
    let wrapping = &view["wrapping"];
    line(out, "object", &view["arn"])?;
    line(out, "encryption", &view["encryption"])?;
    line(out, "KMS key", &wrapping["keyArn"])?;
    line(out, "context", &wrapping["encryptionContext"])?;
    line(out, "bucket key", &sized(&wrapping["bucketKey"]["wrappedKey"]))?;
    line(out, "wrapped data key", &sized(&view["wrappedKey"]))?;
    line(out, "outer wrapped key", &sized(&wrapping["outerWrappedKey"]))?;
    line(out, "who can unwrap it", &view["whoCanUnwrap"])?;
    line(out, "size", &view["size"])?;
    for piece in view["pieces"].as_array().into_iter().flatten() {
        writeln!(out)?;
        line(out, "part", &piece["part"])?;
        line(out, "sealed bytes", &piece["sealedSize"])?;
        line(out, "file", &piece["file"])?;
        for name in ["magic", "suite", "segmentLog2", "blob", "salt", "commitment"] {
            line(out, name, &piece["header"][name])?;
        }
        line(out, "ciphertext begins", &piece["firstCiphertext"])?;
    }
    Ok(())
}

/// A wrapped key, with its length before it.
fn sized(encoded: &Value) -> Value {
    let Some(text) = encoded.as_str() else { return Value::Null };
    let bytes = STANDARD.decode(text).map_or(0, |bytes| bytes.len());
    Value::String(format!("({bytes} bytes) {text}"))
}

/// Pairs as a query.
fn query_of(pairs: &[(&str, &str)]) -> String {
    let url = reqwest::Url::parse_with_params("http://localhost/", pairs).expect("a constant URL parses");
    url.query().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_an_object_does_not_have_is_not_told() {
        let view = json!({
            "arn": "arn:aws:s3:::b/k", "encryption": "SSE-S3", "wrappedKey": "AAAA", "wrapping": {}, "size": 3,
            "whoCanUnwrap": "S3 alone", "pieces": [{"part": 0, "header": {"magic": "SEA1"}, "firstCiphertext": "00ff"}],
        });
        let mut out = Vec::new();
        tell(&mut out, &view).unwrap();
        let told = String::from_utf8(out).unwrap();
        assert!(told.contains("wrapped data key   (3 bytes) AAAA\n") && told.contains("ciphertext begins  00ff\n"));
        assert!(!told.contains("KMS key") && !told.contains("null"));
    }

    #[test]
    fn keys_are_quoted() {
        assert_eq!(query_of(&[("key", "a b&c=ü")]), "key=a+b%26c%3D%C3%BC");
    }
}
