//! `PutBucketEncryption`, `GetBucketEncryption`, `DeleteBucketEncryption`, XML included.
//!
//! ```text
//! <ServerSideEncryptionConfiguration><Rule>
//!   <ApplyServerSideEncryptionByDefault><SSEAlgorithm/><KMSMasterKeyID/></ApplyServerSideEncryptionByDefault>
//!   <BucketKeyEnabled/>
//!   <BlockedEncryptionTypes><EncryptionType/>…</BlockedEncryptionTypes>
//! </Rule></ServerSideEncryptionConfiguration>
//! ```
//! The key is kept as it was written and not looked at: AWS finds out at the first PutObject, and so do we.

use aws_core::fault::ApiFault;
use aws_wire::body::BodyFault;
use aws_wire::xml::Element;
use http::{HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, Limited};
use quick_xml::Reader;
use quick_xml::events::Event;
use s3s::{Body, S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::digest::{Digests, Promise};
use crate::error::{Outcome, invalid_argument, malformed_xml};
use crate::model::bucket::{Algorithm, DefaultEncryption};
use crate::writing::trailers_of;

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
const LARGEST_BODY_BYTES: usize = 64 << 10;

/// AWS's name of the operation; `None` for a method that `?encryption` does not have.
pub(crate) fn operation(method: &Method) -> Option<&'static str> {
    match *method {
        Method::GET => Some("GetBucketEncryption"),
        Method::PUT => Some("PutBucketEncryption"),
        Method::DELETE => Some("DeleteBucketEncryption"),
        _ => None,
    }
}

/// Answers `/bucket?encryption`.
pub(crate) async fn run(sim: &S3Sim, call: &Call, bucket: &str, request: S3Request<Body>) -> Outcome<S3Response<Body>> {
    // A missing bucket is told before the XML is looked at.
    let standing = sim.rows.bucket(bucket)?.encryption;
    match request.method {
        Method::PUT => put(sim, call, bucket, request).await,
        Method::DELETE => delete(sim, bucket).await,
        _ => Ok(xml(render(&standing))),
    }
}

async fn put(sim: &S3Sim, call: &Call, bucket: &str, request: S3Request<Body>) -> Outcome<S3Response<Body>> {
    let rule = parse(&small_body(request).await?)?;
    rule.check()?;
    call.parameter("ServerSideEncryptionConfiguration", rule.told());
    sim.rows.change_bucket(bucket, move |bucket| rule.apply(&mut bucket.encryption)).await?;
    Ok(S3Response::new(Body::empty()))
}

/// A body that is a configuration, held against its digests.
pub(crate) async fn small_body(request: S3Request<Body>) -> Outcome<bytes::Bytes> {
    let S3Request { input, headers, extensions, .. } = request;
    let body = Limited::new(input, LARGEST_BODY_BYTES).collect().await.map_err(|error| unreadable(&*error))?.to_bytes();
    let promise = Promise::of(&headers)?;
    let mut digests = Digests::new(promise.algorithm, promise.wants_md5());
    digests.update(&body);
    promise.check(&digests.finish(), trailers_of(&extensions)().as_ref())?;
    Ok(body)
}

/// A body that the wire found wrong, or that is too long to be a configuration.
fn unreadable(error: &(dyn std::error::Error + 'static)) -> ApiFault {
    BodyFault::find(error).cloned().unwrap_or_else(malformed_xml)
}

async fn delete(sim: &S3Sim, bucket: &str) -> Outcome<S3Response<Body>> {
    let reset = |encryption: &mut DefaultEncryption| {
        let blocked = std::mem::take(&mut encryption.blocked);
        *encryption = DefaultEncryption { blocked, ..DefaultEncryption::default() };
    };
    sim.rows.change_bucket(bucket, move |bucket| reset(&mut bucket.encryption)).await?;
    Ok(S3Response::with_status(Body::empty(), StatusCode::NO_CONTENT))
}

fn xml(text: String) -> S3Response<Body> {
    let mut response = S3Response::new(Body::from(text));
    response.headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}

fn render(encryption: &DefaultEncryption) -> String {
    let default = Element::new("ApplyServerSideEncryptionByDefault")
        .leaf("SSEAlgorithm", encryption.algorithm.as_str())
        .maybe("KMSMasterKeyID", encryption.key.as_ref());
    let mut rule = Element::new("Rule").child(default).leaf("BucketKeyEnabled", encryption.bucket_key);
    if !encryption.blocked.is_empty() {
        let types = encryption.blocked.iter().map(|kind| Element::new("EncryptionType").text(kind));
        rule = rule.child(Element::new("BlockedEncryptionTypes").children(types));
    }
    let root = Element::new("ServerSideEncryptionConfiguration").attribute("xmlns", NAMESPACE).child(rule);
    format!("{}{}", aws_wire::answer::XML_DECLARATION, root.render())
}

/// The one rule of a configuration, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rule {
    algorithm: Option<String>,
    key: Option<String>,
    bucket_key: Option<bool>,
    blocked: Option<Vec<String>>,
}

impl Rule {
    fn check(&self) -> Outcome<()> {
        match self.algorithm.as_deref() {
            Some("aws:kms" | "aws:kms:dsse") => {}
            Some("AES256") if self.key.is_some() => return Err(key_not_applicable()),
            Some("AES256") => {}
            Some(_) => return Err(malformed_xml()),
            None if self.blocked.is_some() && self.key.is_none() => {}
            None => return Err(malformed_xml()),
        }
        match self.blocked.as_deref().unwrap_or_default() {
            kinds if kinds.iter().all(|kind| matches!(kind.as_str(), "SSE-C" | "NONE")) => Ok(()),
            _ => Err(malformed_xml()),
        }
    }

    /// As the trail shows it.
    fn told(&self) -> serde_json::Value {
        let mut default = serde_json::Map::new();
        default.extend(self.algorithm.as_ref().map(|algorithm| ("SSEAlgorithm".into(), algorithm.as_str().into())));
        default.extend(self.key.as_ref().map(|key| ("KMSMasterKeyID".into(), key.as_str().into())));
        serde_json::json!({"xmlns": NAMESPACE, "Rule": {"ApplyServerSideEncryptionByDefault": default}})
    }

    /// Only what is written changes; `NONE` lifts the block.
    fn apply(self, encryption: &mut DefaultEncryption) {
        if let Some(algorithm) = self.algorithm {
            encryption.algorithm = match algorithm.as_str() {
                "aws:kms" => Algorithm::Kms,
                "aws:kms:dsse" => Algorithm::Dsse,
                _ => Algorithm::Aes256,
            };
            encryption.key = self.key;
            encryption.bucket_key = self.bucket_key.unwrap_or(false);
            encryption.explicit = true;
        }
        if let Some(blocked) = self.blocked {
            encryption.blocked = blocked.into_iter().filter(|kind| kind != "NONE").collect();
        }
    }
}

fn key_not_applicable() -> ApiFault {
    let message = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse";
    let mut fault = invalid_argument("ApplyServerSideEncryptionByDefault", "", message);
    fault.detail.truncate(1);
    fault
}

// ---------------------------------------------------------------- reading the XML

fn parse(body: &[u8]) -> Outcome<Rule> {
    let mut reader = Reader::from_str(std::str::from_utf8(body).map_err(|_| malformed_xml())?);
    reader.config_mut().trim_text(true);
    let (mut rule, mut rules) = (Rule::default(), 0);
    let mut path: Vec<String> = Vec::new();
    let mut text = String::new();
    loop {
        match reader.read_event().map_err(|_| malformed_xml())? {
            Event::Start(start) => {
                path.push(start.local_name().as_ref().to_owned());
                rules += usize::from(at(&path) == "Rule");
                if at(&path) == "Rule/BlockedEncryptionTypes" {
                    rule.blocked.get_or_insert_default();
                }
                text.clear();
            }
            Event::Empty(empty) => {
                path.push(empty.local_name().as_ref().to_owned());
                rules += usize::from(at(&path) == "Rule");
                rule.take(at(&path).as_str(), "")?;
                path.pop();
            }
            Event::Text(chunk) => text.push_str(&chunk),
            Event::GeneralRef(entity) => text.push_str(&entity_text(&entity)?),
            Event::End(_) => {
                rule.take(at(&path).as_str(), &std::mem::take(&mut text))?;
                path.pop();
            }
            Event::Eof => break,
            Event::CData(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    if rules == 1 && path.is_empty() { Ok(rule) } else { Err(malformed_xml()) }
}

impl Rule {
    /// An element has ended: where, and what it said.
    fn take(&mut self, at: &str, text: &str) -> Outcome<()> {
        match at {
            "Rule/ApplyServerSideEncryptionByDefault/SSEAlgorithm" => self.algorithm = Some(text.to_owned()),
            "Rule/ApplyServerSideEncryptionByDefault/KMSMasterKeyID" => {
                self.key = (!text.is_empty()).then(|| text.to_owned());
            }
            "Rule/BucketKeyEnabled" => self.bucket_key = Some(parse_bool(text)?),
            "Rule/BlockedEncryptionTypes/EncryptionType" => {
                self.blocked.get_or_insert_default().push(text.to_owned());
            }
            "Rule/BlockedEncryptionTypes" => {
                self.blocked.get_or_insert_default();
            }
            "" | "Rule" | "Rule/ApplyServerSideEncryptionByDefault" => {}
            _ => return Err(malformed_xml()),
        }
        Ok(())
    }
}

/// The place below the root element; empty for the root.
fn at(path: &[String]) -> String {
    path.get(1..).unwrap_or_default().join("/")
}

fn parse_bool(text: &str) -> Outcome<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(malformed_xml()),
    }
}

/// `&amp;` and its kin; anything that would need a DTD is refused.
fn entity_text(entity: &quick_xml::events::BytesRef<'_>) -> Outcome<String> {
    let written = format!("&{};", &**entity);
    quick_xml::escape::unescape(&written).map(std::borrow::Cow::into_owned).map_err(|_| malformed_xml())
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    /// What a configuration makes of a fresh bucket, as GET prints it.
    fn check(rules: &str, expected: Expect) {
        let text = format!(
            "<ServerSideEncryptionConfiguration xmlns=\"{NAMESPACE}\">{rules}</ServerSideEncryptionConfiguration>"
        );
        let answer = parse(text.as_bytes()).and_then(|rule| rule.check().map(|()| rule)).map(|rule| {
            let mut encryption = DefaultEncryption::default();
            rule.apply(&mut encryption);
            let rendered = render(&encryption);
            rendered[rendered.find("<Rule>").unwrap()..].replace("</ServerSideEncryptionConfiguration>", "")
        });
        expected.assert_eq(&answer.unwrap_or_else(|fault| format!("{} {:?}", fault.code, fault.detail)));
    }

    const KMS: &str = "<ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>\
                       <KMSMasterKeyID>alias/a&amp;b</KMSMasterKeyID></ApplyServerSideEncryptionByDefault>";

    #[test]
    fn a_rule_is_stored_as_written_and_keeps_the_block() {
        check(
            &format!("<Rule>{KMS}</Rule>"),
            expect![
                "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>alias/a&amp;b</KMSMasterKeyID></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled><BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes></Rule>"
            ],
        );
        check(
            &format!(
                "<Rule>{KMS}<BlockedEncryptionTypes><EncryptionType>NONE</EncryptionType></BlockedEncryptionTypes></Rule>"
            ),
            expect![
                "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>alias/a&amp;b</KMSMasterKeyID></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule>"
            ],
        );
        check(
            "<Rule><BlockedEncryptionTypes><EncryptionType>NONE</EncryptionType></BlockedEncryptionTypes></Rule>",
            expect![
                "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule>"
            ],
        );
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        check("", expect!["MalformedXML []"]);
        check("<Rule/>", expect!["MalformedXML []"]);
        check(&format!("<Rule>{KMS}</Rule><Rule>{KMS}</Rule>"), expect!["MalformedXML []"]);
        check(&format!("<Rule>{KMS}<Surprise/></Rule>"), expect!["MalformedXML []"]);
        check(
            "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm><KMSMasterKeyID>k</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule>",
            expect![[r#"InvalidArgument [("ArgumentName", "ApplyServerSideEncryptionByDefault")]"#]],
        );
        assert!(parse(b"<a><Rule>").is_err());
        assert!(parse(b"\xff\xfe").is_err());
    }
}
