//! `DeleteObjects`: up to a thousand keys, each with its own right to be deleted and its own answer.

use aws_core::fault::ApiFault;
use aws_core::policy::condition::Facts as Conditions;
use s3s::dto::{DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, Error, ObjectIdentifier};
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::access::Aim;
use crate::call::Call;
use crate::error::{Outcome, invalid_request, malformed_xml};
use crate::model::bucket::Bucket;
use crate::ops::delete_object::{Told, What};
use crate::store::Guard;

const MOST_KEYS: usize = 1000;

pub(crate) async fn run(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<DeleteObjectsInput>,
) -> Outcome<S3Response<DeleteObjectsOutput>> {
    let S3Request { input, headers, .. } = request;
    let bucket = sim.rows.bucket(&input.bucket)?;
    check_digested(&headers)?;
    if input.delete.objects.is_empty() || input.delete.objects.len() > MOST_KEYS {
        return Err(malformed_xml());
    }
    let bypass = input.bypass_governance_retention;
    let quiet = input.delete.quiet.unwrap_or(false);
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for wanted in input.delete.objects {
        match delete_one(sim, call, &bucket, &wanted, bypass).await {
            Ok(told) => deleted.push(told_of(wanted, told)),
            Err(fault) => errors.push(refused(wanted, fault)),
        }
    }
    Ok(S3Response::new(DeleteObjectsOutput {
        deleted: (!quiet).then_some(deleted),
        errors: (!errors.is_empty()).then_some(errors),
        ..DeleteObjectsOutput::default()
    }))
}

/// So much is deleted at once that S3 insists on knowing that the list arrived whole.
fn check_digested(headers: &http::HeaderMap) -> Outcome<()> {
    let known = |name: &str| name == "content-md5" || name == "x-amz-trailer" || name.starts_with("x-amz-checksum-");
    if headers.keys().any(|name| known(name.as_str())) {
        return Ok(());
    }
    Err(invalid_request("Missing required header for this request: Content-MD5"))
}

async fn delete_one(
    sim: &S3Sim,
    call: &Call,
    bucket: &Bucket,
    wanted: &ObjectIdentifier,
    bypass: Option<bool>,
) -> Outcome<Told> {
    let version = wanted.version_id.as_deref();
    let mut facts = Conditions::default();
    if let Some(version) = version {
        facts.set("s3:VersionId", version);
    }
    let action = crate::actions::iam_action("DeleteObject", version.is_some());
    sim.gate.ask(call, &action, Aim::Object(&bucket.name, &wanted.key), &facts)?;
    let guard = wanted.e_tag.as_ref().map_or(Guard::Always, |etag| Guard::Etag(etag.value().to_owned()));
    let bypass = sim.may_bypass(call, &bucket.name, &wanted.key, bypass)?;
    sim.delete(bucket, What { key: &wanted.key, version, guard, bypass }).await
}

/// A marker that was made is told apart from a version that was deleted.
fn told_of(wanted: ObjectIdentifier, told: Told) -> DeletedObject {
    DeletedObject {
        delete_marker: told.marker.then_some(true),
        delete_marker_version_id: told.version.filter(|_| told.marker),
        key: Some(wanted.key),
        version_id: wanted.version_id,
    }
}

fn refused(wanted: ObjectIdentifier, fault: ApiFault) -> Error {
    Error {
        code: Some(fault.code.into_owned()),
        key: Some(wanted.key),
        message: fault.message,
        version_id: wanted.version_id,
    }
}
