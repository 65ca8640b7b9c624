//! The verifier for keys that IAM issued: dates, scope, token, signed headers, then the signature itself.
//!
//! Dates come first, as at AWS: an expired URL is expired whoever signed it. Signatures are judged by the wall clock,
//! sessions end by the simulated one.

use std::time::Duration;

use aws_core::identity::Credential;
use aws_core::time::{SignedDuration, Timestamp};
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use http::request::Parts;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::canonical::{self, PathForm};
use super::claim::{Claim, Style};
use super::refusal::{Evidence, LONGEST_PRESIGN_SECONDS, Refusal, SKEW_SECONDS, basic};
use super::{Knock, Payload, legacy};
use crate::fault::Protocol;
use crate::host;

/// The payload hash of a body that the client chose not to sign.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
/// Headers that clients and proxies add behind the signer's back. aws-sigv4 leaves the same ones unsigned.
const MAY_BE_UNSIGNED: &[&str] = &["x-amz-user-agent", "x-amz-checksum-mode"];

/// What a verified signature leaves behind: enough to verify the chunks of a body that follow it.
#[derive(Clone)]
pub struct Proof {
    /// Good for one day, region and service. Empty for [`Style::Legacy`].
    pub signing_key: Vec<u8>,
    /// `20260115T090000Z`
    pub date: String,
    /// `20260115/us-east-1/s3/aws4_request`
    pub scope: String,
    /// The signature of the head: the seed of the chunks'.
    pub signature: String,
    /// What the head says of the body: a SHA-256 in hex, `UNSIGNED-PAYLOAD` or `STREAMING-…`.
    pub payload_hash: String,
}

/// The two clocks.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Judges signatures.
    pub wall: Timestamp,
    /// Ends sessions.
    pub sim: Timestamp,
}

/// Whether `claim` was made with `credential`'s secret, over this request, in time.
pub fn verify(knock: &Knock<'_>, claim: &Claim, credential: &Credential, times: Times) -> Result<Proof, Refusal> {
    if !credential.active {
        return Err(Refusal::UnknownKey { access_key: claim.access_key.clone() });
    }
    token(claim, credential)?;
    let proof = match claim.style {
        Style::Legacy { .. } => legacy::verify(knock, claim, credential, times.wall)?,
        Style::Header | Style::Presigned { .. } => version_4(knock, claim, credential, times.wall)?,
    };
    match credential.expires_at {
        Some(end) if end <= times.sim => Err(Refusal::TokenExpired),
        _ => Ok(proof),
    }
}

fn version_4(knock: &Knock<'_>, claim: &Claim, credential: &Credential, wall: Timestamp) -> Result<Proof, Refusal> {
    let (Some(signed_headers), Some(signature)) = (&claim.signed_headers, &claim.signature) else {
        return Err(incomplete(claim));
    };
    fits(knock, claim)?;
    let (date, signed_at) = moment(knock.parts, claim)?;
    in_time(claim, signed_at, wall)?;
    if claim.scope.date != date[..8] {
        return Err(Refusal::WrongDay { scope: claim.scope.date.clone(), date: date[..8].into() });
    }
    all_signed(knock, signed_headers)?;
    let day = std::time::UNIX_EPOCH + Duration::from_secs(signed_at.as_second().unsigned_abs());
    let key = generate_signing_key(&credential.secret, day, &claim.scope.region, &claim.scope.service);
    let attempt = Attempt { knock, claim, date: &date, signed_headers, signature, key: key.as_ref() };
    let payload_hash = attempt.any_of(&payload_hashes(knock, claim)?)?;
    let (scope, signature) = (claim.scope.text(), signature.clone());
    Ok(Proof { signing_key: key.as_ref().to_vec(), date, scope, signature, payload_hash })
}

fn incomplete(claim: &Claim) -> Refusal {
    match claim.style {
        Style::Presigned { .. } => Refusal::PresignIncomplete,
        Style::Header | Style::Legacy { .. } => {
            let lacking = if claim.signature.is_none() { "Signature" } else { "SignedHeaders" };
            let what = format!("Authorization header requires '{lacking}' parameter.");
            Refusal::Malformed { what, header: String::new() }
        }
    }
}

/// Temporary credentials are nothing without their token, and long-lived ones have none.
fn token(claim: &Claim, credential: &Credential) -> Result<(), Refusal> {
    let (sent, kept) =
        (claim.token.as_deref().unwrap_or_default(), credential.session_token.as_deref().unwrap_or_default());
    match bool::from(sent.as_bytes().ct_eq(kept.as_bytes())) {
        true => Ok(()),
        false => Err(Refusal::WrongToken),
    }
}

fn fits(knock: &Knock<'_>, claim: &Claim) -> Result<(), Refusal> {
    if let Some(expected) = knock.service.filter(|service| *service != claim.scope.service) {
        return Err(Refusal::WrongService { expected, found: claim.scope.service.clone() });
    }
    match host::region(canonical::host(knock.parts)) {
        Some(region) if region.as_str() != claim.scope.region => {
            Err(Refusal::WrongRegion { expected: region.to_string(), found: claim.scope.region.clone() })
        }
        _ => Ok(()),
    }
}

/// When the client says it signed: the text that entered the string to sign, and the instant.
fn moment(parts: &Parts, claim: &Claim) -> Result<(String, Timestamp), Refusal> {
    if let Some(text) = &claim.date {
        return Ok((text.clone(), instant(text).ok_or(Refusal::NoDate)?));
    }
    let date = parts.headers.get(http::header::DATE).filter(|_| claim.style == Style::Header);
    let date = date.and_then(|date| date.to_str().ok()).ok_or(Refusal::NoDate)?;
    let at = jiff::fmt::rfc2822::parse(date).map_err(|_| Refusal::NoDate)?.timestamp();
    Ok((basic(at), at))
}

/// `20260115T090000Z`, exactly.
fn instant(text: &str) -> Option<Timestamp> {
    let digits =
        text.bytes().enumerate().all(|(at, b)| matches!((at, b), (8, b'T') | (15, b'Z')) || b.is_ascii_digit());
    let civil = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok().filter(|_| digits && text.len() == 16)?;
    jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()
}

fn in_time(claim: &Claim, signed: Timestamp, wall: Timestamp) -> Result<(), Refusal> {
    let ahead = signed.as_second() - wall.as_second();
    let Style::Presigned { expires } = &claim.style else {
        return if ahead.abs() > SKEW_SECONDS { Err(Refusal::Skewed { signed, now: wall }) } else { Ok(()) };
    };
    let seconds = presign_seconds(expires.as_deref())?;
    let ended = signed.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
    match () {
        () if ahead > SKEW_SECONDS => Err(Refusal::PresignEarly),
        () if ended <= wall => Err(Refusal::PresignExpired { seconds: Some(seconds), ended, now: wall }),
        () => Ok(()),
    }
}

fn presign_seconds(text: Option<&str>) -> Result<i64, Refusal> {
    match text.ok_or(Refusal::PresignIncomplete)?.parse::<i64>() {
        Err(_) => Err(Refusal::BadExpires("X-Amz-Expires should be a number")),
        Ok(seconds) if seconds < 0 => Err(Refusal::BadExpires("X-Amz-Expires must be non-negative")),
        Ok(seconds) if seconds > LONGEST_PRESIGN_SECONDS => Err(Refusal::BadExpires(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 \
             seconds",
        )),
        Ok(seconds) => Ok(seconds),
    }
}

/// `host` must be signed everywhere, and on S3 every `x-amz-*` header: an unsigned one could be slipped in on the way.
fn all_signed(knock: &Knock<'_>, signed_headers: &str) -> Result<(), Refusal> {
    let signed: Vec<&str> = signed_headers.split(';').collect();
    let amz =
        |name: &&str| knock.protocol == Protocol::S3 && name.starts_with("x-amz-") && !MAY_BE_UNSIGNED.contains(name);
    let present = knock.parts.headers.keys().map(http::HeaderName::as_str).filter(amz);
    let lacking: Vec<String> =
        std::iter::once("host").chain(present).filter(|name| !signed.contains(name)).map(Into::into).collect();
    if lacking.is_empty() { Ok(()) } else { Err(Refusal::NotSigned { headers: lacking }) }
}

/// The payload hashes under which the signature may stand; the first one that fits counts.
fn payload_hashes(knock: &Knock<'_>, claim: &Claim) -> Result<Vec<String>, Refusal> {
    let sent = knock.parts.headers.get("x-amz-content-sha256").map(|value| String::from_utf8_lossy(value.as_bytes()));
    let Payload::Whole(body) = knock.payload else {
        return match sent {
            Some(value) if is_payload_hash(&value) => Ok(vec![value.into_owned()]),
            None if claim.style != Style::Header => Ok(vec![UNSIGNED_PAYLOAD.into()]),
            other => Err(Refusal::BadPayloadHash(other.map(Into::into))),
        };
    };
    let computed = hex::encode(Sha256::digest(body));
    let may_be_unsigned = knock.protocol == Protocol::Rest;
    match sent {
        Some(value) if value == UNSIGNED_PAYLOAD && may_be_unsigned => Ok(vec![value.into_owned()]),
        Some(value) if value != computed => Err(Refusal::WrongPayload { claimed: value.into_owned(), computed }),
        // EBS's PutSnapshotBlock leaves its body unsigned over TLS, and says so nowhere.
        None if may_be_unsigned => Ok(vec![computed, UNSIGNED_PAYLOAD.into()]),
        _ => Ok(vec![computed]),
    }
}

/// Whether S3 knows the value of `x-amz-content-sha256`.
pub fn is_payload_hash(value: &str) -> bool {
    let hex = value.len() == 64 && value.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    hex || value == UNSIGNED_PAYLOAD || crate::chunked::Framing::named(value).is_some()
}

/// One signature, tried over the forms that the canonical request may legitimately take.
struct Attempt<'a> {
    knock: &'a Knock<'a>,
    claim: &'a Claim,
    date: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
    key: &'a [u8],
}

impl Attempt<'_> {
    fn any_of(&self, payload_hashes: &[String]) -> Result<String, Refusal> {
        let forms: &[PathForm] =
            if self.knock.protocol == Protocol::S3 { &[PathForm::S3, PathForm::Verbatim] } else { &[PathForm::Twice] };
        let mut evidence = None;
        for hash in payload_hashes {
            for form in forms {
                match self.stands(*form, hash) {
                    Ok(()) => return Ok(hash.clone()),
                    Err(found) => evidence = evidence.or(Some(found)),
                }
            }
        }
        Err(Refusal::WrongSignature(evidence.expect("there is at least one hash and one form")))
    }

    fn stands(&self, form: PathForm, payload_hash: &str) -> Result<(), Box<Evidence>> {
        let canonical = canonical::request(self.knock.parts, form, self.signed_headers, payload_hash);
        let string_to_sign = canonical::string_to_sign(self.date, &self.claim.scope.text(), &canonical);
        let expected = calculate_signature(self.key, string_to_sign.as_bytes());
        if expected.as_bytes().ct_eq(self.signature.as_bytes()).into() {
            return Ok(());
        }
        Err(Box::new(Evidence {
            access_key: self.claim.access_key.clone(),
            signature: self.signature.into(),
            string_to_sign,
            canonical_request: String::from_utf8_lossy(&canonical).into_owned(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_basic_format_is_an_instant() {
        assert_eq!(instant("20130524T000000Z").unwrap().as_second(), 1_369_353_600);
        for wrong in ["", "20130524", "20130524T000000", "2013-05-24T00:00:00Z", "-0130524T000000Z", "20131324T000000Z"]
        {
            assert!(instant(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_url_is_good_for_a_week_at_most() {
        assert_eq!(presign_seconds(Some("604800")).unwrap(), LONGEST_PRESIGN_SECONDS);
        for wrong in ["604801", "-1", "", "1e3", "99999999999999999999"] {
            assert!(matches!(presign_seconds(Some(wrong)), Err(Refusal::BadExpires(_))), "{wrong}");
        }
        assert!(matches!(presign_seconds(None), Err(Refusal::PresignIncomplete)));
    }
}
