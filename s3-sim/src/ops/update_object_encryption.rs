//! `UpdateObjectEncryption`: the data key is wrapped anew, and not a byte of the body moves.
//!
//! ```text
//! <ObjectEncryption><SSE-KMS><KMSKeyArn/><BucketKeyEnabled/></SSE-KMS></ObjectEncryption>
//! ```
//! Five gigabytes change their key in the time of one row. ETag, dates and checksums stay; so does the proof of the
//! row, which knows the data key and not its wrapping. From SSE-KMS to SSE-KMS the data key does not even leave KMS.

use aws_core::arn::Arn;
use aws_core::event::Place;
use quick_xml::Reader;
use quick_xml::events::Event;
use s3s::{Body, S3Request, S3Response};

use crate::S3Sim;
use crate::access::query_pairs;
use crate::call::Call;
use crate::error::{Outcome, access_denied, invalid_request, malformed_xml};
use crate::keys::Owner;
use crate::model::bucket::Bucket;
use crate::model::object::{Wrapping, version_subject};
use crate::model::version::VersionId;
use crate::ops::bucket_encryption::small_body;
use crate::reading::Found;

/// The operation's name.
pub(crate) const OPERATION: &str = "UpdateObjectEncryption";

pub(crate) async fn run(
    sim: &S3Sim,
    call: &Call,
    bucket: &str,
    key: &str,
    request: S3Request<Body>,
) -> Outcome<S3Response<Body>> {
    if call.legacy {
        return Err(invalid_request(
            "Requests that modify an object encryption configuration require Amazon Web Services Signature Version 4. \
             Modify the request to use Amazon Web Services Signature Version 4, and then try again.",
        ));
    }
    let version = query_pairs(request.uri.query()).into_iter().find(|(name, _)| name == "versionId").map(|(_, id)| id);
    let id = version.as_deref().map(VersionId::parse).transpose()?;
    let wanted = parse(&small_body(request).await?)?;
    // Somebody may write the object in between: then it is another one's turn to be re-wrapped.
    loop {
        let Found { bucket, object, .. } = sim.find_version(call, bucket, key, version.as_deref())?;
        check_key(&bucket, &wanted.key)?;
        check_source(&object.wrapped.wrapping)?;
        let owner = Owner { bucket: &bucket, key };
        let wrapped = sim.keys.rewrap(call, owner, &object.wrapped, &wanted.key, wanted.bucket_key).await?;
        let by = wrapped.wrapping.by(&bucket.name);
        call.additional("SSEApplied", wrapped.wrapping.applied());
        if sim.rows.rewrap(&bucket.name, key, id.clone(), &object.facts.generation, wrapped).await? {
            let subject = version_subject(&bucket.name, key, object.facts.version.as_deref());
            sim.world.custodian().wrapped(&subject, Place::S3Metadata, by);
            return Ok(S3Response::new(Body::empty()));
        }
    }
}

/// What the object is to be encrypted with from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Wanted {
    key: String,
    bucket_key: bool,
}

fn check_source(wrapping: &Wrapping) -> Outcome<()> {
    match wrapping {
        Wrapping::S3Owned | Wrapping::Kms { .. } | Wrapping::BucketKey { .. } => Ok(()),
        Wrapping::Dsse { .. } | Wrapping::Customer { .. } => Err(invalid_request(
            "The UpdateObjectEncryption operation doesn't support source objects with the encryption type DSSE-KMS or \
             SSE-C. Only source objects encrypted with SSE-S3 or SSE-KMS are supported.",
        )),
    }
}

/// The key is named by its ARN, and is of the bucket's account.
fn check_key(bucket: &Bucket, key: &str) -> Outcome<()> {
    let arn = key.parse::<Arn>().ok().filter(|arn| arn.service == "kms" && arn.resource.starts_with("key/"));
    let Some(arn) = arn else {
        return Err(invalid_request(
            "Requests that modify an object's encryption type to SSE-KMS require a valid Amazon Web Services KMS key \
             Amazon Resource Name (ARN). Confirm that you have a correctly formatted KMS key ARN in your request, and \
             then try again.",
        ));
    };
    if arn.account != bucket.owner.as_str() {
        return Err(access_denied(
            "The Amazon Web Services KMS key in the request must be owned by the same account as the bucket. Modify \
             the request to specify a KMS key from the same account, and then try again.",
        ));
    }
    Ok(())
}

// ---------------------------------------------------------------- reading the XML

fn parse(body: &[u8]) -> Outcome<Wanted> {
    let mut reader = Reader::from_str(std::str::from_utf8(body).map_err(|_| malformed_xml())?);
    reader.config_mut().trim_text(true);
    let (mut wanted, mut path, mut text) = (None::<Wanted>, Vec::<String>::new(), String::new());
    loop {
        match reader.read_event().map_err(|_| malformed_xml())? {
            Event::Start(start) => {
                path.push(start.local_name().as_ref().to_owned());
                text.clear();
                enter(&path, &mut wanted)?;
            }
            Event::Empty(empty) => {
                path.push(empty.local_name().as_ref().to_owned());
                enter(&path, &mut wanted)?;
                path.pop();
            }
            Event::Text(chunk) => text.push_str(&chunk),
            Event::End(_) => {
                leave(&path, &mut wanted, std::mem::take(&mut text))?;
                path.pop();
            }
            Event::Eof => break,
            Event::GeneralRef(_) | Event::DocType(_) => return Err(malformed_xml()),
            Event::CData(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
        }
    }
    let wanted = wanted.ok_or_else(no_new_type)?;
    if wanted.key.is_empty() { Err(no_arn()) } else { Ok(wanted) }
}

/// An element has begun: only known ones may.
fn enter(path: &[String], wanted: &mut Option<Wanted>) -> Outcome<()> {
    match path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["ObjectEncryption"] => Ok(()),
        ["ObjectEncryption", "SSE-KMS"] => {
            wanted.get_or_insert_default();
            Ok(())
        }
        ["ObjectEncryption", "SSE-KMS", "KMSKeyArn" | "BucketKeyEnabled"] => Ok(()),
        ["ObjectEncryption", "DSSE-KMS" | "SSE-C"] => Err(invalid_request(
            "The UpdateObjectEncryption operation doesn't support updating the encryption type to DSSE-KMS or SSE-C. \
             Modify the request to specify SSE-KMS for the updated encryption type, and then try again.",
        )),
        ["ObjectEncryption", _] => Err(no_new_type()),
        _ => Err(malformed_xml()),
    }
}

/// An element has ended: what did it say?
fn leave(path: &[String], wanted: &mut Option<Wanted>, text: String) -> Outcome<()> {
    let (Some(wanted), Some(name)) = (wanted, path.last()) else { return Ok(()) };
    match (name.as_str(), text.as_str()) {
        ("KMSKeyArn", _) => wanted.key = text,
        ("BucketKeyEnabled", "true") => wanted.bucket_key = true,
        ("BucketKeyEnabled", "false") => wanted.bucket_key = false,
        ("BucketKeyEnabled", _) => {
            return Err(invalid_request(
                "The BucketKeyEnabled value isn't valid. Valid values are true or false. Modify the request to \
                 specify a valid value, and then try again.",
            ));
        }
        _ => {}
    }
    Ok(())
}

fn no_new_type() -> aws_core::fault::ApiFault {
    invalid_request(
        "Requests that modify an object encryption configuration require a valid new encryption type. Valid values are \
         SSEKMS. Modify the request to specify SSE-KMS for the updated encryption type, and then try again.",
    )
}

fn no_arn() -> aws_core::fault::ApiFault {
    invalid_request(
        "Requests that modify an object's encryption type to SSE-KMS require an Amazon Web Services KMS key Amazon \
         Resource Name (ARN). Modify the request to specify a KMS key ARN, and then try again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(inside: &str) -> String {
        match parse(format!("<ObjectEncryption xmlns=\"x\">{inside}</ObjectEncryption>").as_bytes()) {
            Ok(wanted) => format!("{} {}", wanted.key, wanted.bucket_key),
            Err(fault) => fault.message.unwrap().chars().take(52).collect(),
        }
    }

    #[test]
    fn the_new_encryption_is_read_and_anything_else_refused() {
        let arn = "<KMSKeyArn>arn:k</KMSKeyArn>";
        assert_eq!(told(&format!("<SSE-KMS>{arn}</SSE-KMS>")), "arn:k false");
        assert_eq!(told(&format!("<SSE-KMS>{arn}<BucketKeyEnabled>true</BucketKeyEnabled></SSE-KMS>")), "arn:k true");
        for (inside, start) in [
            ("", "Requests that modify an object encryption configurat"),
            ("<SSE-S3/>", "Requests that modify an object encryption configurat"),
            ("<SSE-KMS/>", "Requests that modify an object's encryption type to "),
            ("<DSSE-KMS/>", "The UpdateObjectEncryption operation doesn't support"),
            (
                "<SSE-KMS><BucketKeyEnabled>yes</BucketKeyEnabled></SSE-KMS>",
                "The BucketKeyEnabled value isn't valid. Valid values",
            ),
            ("<SSE-KMS><Surprise/></SSE-KMS>", "The XML you provided was not well-formed or did not "),
        ] {
            assert_eq!(told(inside), start, "{inside}");
        }
    }
}
