//! Captured values: shell variables in `run`, `$NAME` or `${NAME}` in expectations.

use std::collections::BTreeMap;

use serde_json::Value;

/// The variables known so far.
#[derive(Clone, Debug, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Remembers a value under a name.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    /// Names and values, for the environment of a command.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Replaces every `$NAME`; the error is the first name that nobody captured.
    pub fn fill(&self, text: &str) -> Result<String, String> {
        let mut filled = String::with_capacity(text.len());
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Name(name) => filled.push_str(self.0.get(name).ok_or_else(|| name.to_owned())?),
            }
        }
        Ok(filled)
    }

    /// Replaces in every string of a value, names of members included.
    pub fn fill_value(&self, value: &Value) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => Value::String(self.fill(text)?),
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.fill_value(item)).collect::<Result<_, _>>()?)
            }
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, value)| Ok((self.fill(name)?, self.fill_value(value)?)))
                    .collect::<Result<_, String>>()?,
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        })
    }
}

/// Whether a capture may have this name: upper case, not one of the shell's or the SDKs' own.
pub fn is_variable_name(name: &str) -> bool {
    let reserved = ["PATH", "HOME", "SHELL", "PWD", "IFS", "BASH", "ENV", "UID", "EUID", "PPID"];
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_uppercase())
        && bytes.all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        && !name.starts_with("AWS_")
        && !name.starts_with("BASH_")
        && !name.starts_with("LD_")
        && !reserved.contains(&name)
}

/// The names that a text mentions.
pub fn mentioned(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Name(name) => Some(name),
        Piece::Text(_) => None,
    })
}

enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, from_dollar) = rest.split_at(at);
        found.push(Piece::Text(before));
        let (piece, length) = name_at(from_dollar).unwrap_or((Piece::Text("$"), 1));
        found.push(piece);
        rest = &from_dollar[length..];
    }
    found.push(Piece::Text(rest));
    found
}

/// The name that starts at a dollar sign, and how many bytes it takes.
fn name_at(text: &str) -> Option<(Piece<'_>, usize)> {
    let braced = text.strip_prefix("${");
    let body = braced.unwrap_or(&text[1..]);
    let starts = body.bytes().next().is_some_and(|b| b.is_ascii_uppercase());
    let length = body.bytes().take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_').count();
    let closed = braced.is_none() || body.as_bytes().get(length) == Some(&b'}');
    (starts && closed).then(|| (Piece::Name(&body[..length]), length + if braced.is_some() { 3 } else { 1 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_and_everything_else_stays() {
        let mut variables = Variables::default();
        variables.set("VOL", "vol-1");
        assert_eq!(
            variables.fill("volume/$VOL and ${VOL}x, $5, $ and ${open").unwrap(),
            "volume/vol-1 and vol-1x, $5, $ and ${open"
        );
        assert_eq!(variables.fill("$KEY").unwrap_err(), "KEY");
        let filled = variables.fill_value(&serde_json::json!({"aws:$VOL": ["$VOL", 7]})).unwrap();
        assert_eq!(filled, serde_json::json!({"aws:vol-1": ["vol-1", 7]}));
    }

    #[test]
    fn a_capture_cannot_hijack_the_shell() {
        assert!(is_variable_name("KEY_ARN2"));
        for name in ["PATH", "AWS_ENDPOINT_URL", "LD_PRELOAD", "key", "2KEY", "", "BASH_ENV"] {
            assert!(!is_variable_name(name), "{name}");
        }
    }
}
