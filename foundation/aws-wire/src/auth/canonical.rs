//! The canonical request and the string to sign, as a verifier must build them.
//!
//! ```text
//! METHOD \n path \n query \n header:value \n … \n \n signed;headers \n payload hash
//! AWS4-HMAC-SHA256 \n 20260115T090000Z \n scope \n hex(SHA-256(canonical request))
//! ```
//!
//! Key derivation and the MAC are aws-sigv4's. The canonical request is built here because a signer and a verifier
//! differ: a signer chooses what to sign and adds headers of its own; a verifier must take the client's list as it is,
//! and must not panic on anything. The tests hold this against aws-sigv4's signer.

use std::borrow::Cow;

use http::HeaderMap;
use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, percent_encode};
use sha2::{Digest, Sha256};

/// All but AWS's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const RESERVED_BUT_SLASH: &AsciiSet = &RESERVED.remove(b'/');

/// How the path enters the canonical request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathForm {
    /// S3: decoded and encoded once.
    S3,
    /// S3, for clients that sign the path exactly as they send it.
    Verbatim,
    /// Everybody else: dot segments removed, then encoded once more.
    Twice,
}

/// The canonical request over the headers named in `signed_headers`.
pub fn request(parts: &Parts, form: PathForm, signed_headers: &str, payload_hash: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    for line in [parts.method.as_str(), &path(parts.uri.path(), form), &query(parts.uri.query().unwrap_or_default())] {
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    }
    for name in signed_headers.split(';') {
        header_line(parts, name, &mut out);
    }
    out.push(b'\n');
    out.extend_from_slice(signed_headers.as_bytes());
    out.push(b'\n');
    out.extend_from_slice(payload_hash.as_bytes());
    out
}

/// What the signature is made over. `date` and `scope` are the client's own texts.
pub fn string_to_sign(date: &str, scope: &str, canonical: &[u8]) -> String {
    format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex::encode(Sha256::digest(canonical)))
}

/// The host that the client addressed: the header, or the authority of an absolute URI.
pub fn host(parts: &Parts) -> &str {
    let header = parts.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    header.or_else(|| parts.uri.authority().map(|authority| authority.as_str())).unwrap_or_default()
}

fn path(raw: &str, form: PathForm) -> Cow<'_, str> {
    let decoded = || percent_decode(raw.as_bytes()).collect::<Vec<u8>>();
    match form {
        PathForm::Verbatim => Cow::Borrowed(raw),
        PathForm::S3 => percent_encode(&decoded(), RESERVED_BUT_SLASH).to_string().into(),
        PathForm::Twice => percent_encode(without_dots(raw).as_bytes(), RESERVED_BUT_SLASH).to_string().into(),
    }
}

/// RFC 3986, 5.2.4, and empty segments dropped, as AWS has it for all services but S3.
fn without_dots(path: &str) -> Cow<'_, str> {
    if !path.contains("/.") && !path.contains("//") {
        return Cow::Borrowed(if path.is_empty() { "/" } else { path });
    }
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    let folder = !kept.is_empty() && ["/", "/.", "/.."].iter().any(|end| path.ends_with(end));
    Cow::Owned(format!("/{}{}", kept.join("/"), if folder { "/" } else { "" }))
}

/// Decoded, encoded again in AWS's alphabet and sorted; the signature itself is left out.
fn query(raw: &str) -> String {
    let encode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_encode(&percent_decode(spaced.as_bytes()).collect::<Vec<u8>>(), RESERVED).to_string()
    };
    let pairs = raw.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let mut pairs: Vec<_> = pairs.map(|(name, value)| (encode(name), encode(value))).collect();
    pairs.retain(|(name, _)| name != "X-Amz-Signature");
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

fn header_line(parts: &Parts, name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    if name == "host" {
        out.extend_from_slice(host(parts).as_bytes());
    } else {
        values(&parts.headers, name, out);
    }
    out.push(b'\n');
}

/// Values trimmed, runs of spaces folded, repeated headers joined by commas.
fn values(headers: &HeaderMap, name: &str, out: &mut Vec<u8>) {
    for (at, value) in headers.get_all(name).iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let words = value.as_bytes().split(|b| *b == b' ').filter(|word| !word.is_empty());
        for (at, word) in words.enumerate() {
            if at > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_take_the_form_of_their_service() {
        assert_eq!(path("/a%20b/c", PathForm::Twice), "/a%2520b/c");
        assert_eq!(path("/a/../b//./c/", PathForm::Twice), "/b/c/");
        assert_eq!(path("/..", PathForm::Twice), "/");
        assert_eq!(path("/bucket//../a(1)%20.txt", PathForm::S3), "/bucket//../a%281%29%20.txt");
        assert_eq!(path("/a(1)", PathForm::Verbatim), "/a(1)");
    }

    #[test]
    fn queries_are_sorted_after_encoding_and_lose_the_signature() {
        assert_eq!(query("b=2&a=%7e&acl&X-Amz-Signature=f&a=1+1&A="), "A=&a=1%201&a=~&acl=&b=2");
        assert_eq!(query(""), "");
    }
}
