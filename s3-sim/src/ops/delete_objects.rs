//! `DeleteObjects`: up to a thousand keys, each with its own right to be deleted and its own answer.

use aws_core::fault::ApiFault;
use aws_core::policy::condition::Facts as Conditions;
use s3s::dto::{DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, Error, ObjectIdentifier};
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::access::Aim;
use crate::call::Call;
use crate::error::{Outcome, malformed_xml};
use crate::ops::check_version;
use crate::store::Guard;

const MOST_KEYS: usize = 1000;

pub(crate) async fn run(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<DeleteObjectsInput>,
) -> Outcome<S3Response<DeleteObjectsOutput>> {
    let input = request.input;
    sim.rows.bucket(&input.bucket)?;
    if input.delete.objects.is_empty() || input.delete.objects.len() > MOST_KEYS {
        return Err(malformed_xml());
    }
    let quiet = input.delete.quiet.unwrap_or(false);
    let (mut deleted, mut errors) = (Vec::new(), Vec::new());
    for wanted in input.delete.objects {
        match delete_one(sim, call, &input.bucket, &wanted).await {
            Ok(()) => deleted.push(DeletedObject { key: Some(wanted.key), ..DeletedObject::default() }),
            Err(fault) => errors.push(refused(wanted, fault)),
        }
    }
    Ok(S3Response::new(DeleteObjectsOutput {
        deleted: (!quiet).then_some(deleted),
        errors: (!errors.is_empty()).then_some(errors),
        ..DeleteObjectsOutput::default()
    }))
}

async fn delete_one(sim: &S3Sim, call: &Call, bucket: &str, wanted: &ObjectIdentifier) -> Outcome<()> {
    sim.gate.ask(call, "s3:DeleteObject", Aim::Object(bucket, &wanted.key), &Conditions::default())?;
    check_version(wanted.version_id.as_deref())?;
    let guard = wanted.e_tag.as_ref().map_or(Guard::Always, |etag| Guard::Etag(etag.value().to_owned()));
    sim.delete(bucket, &wanted.key, guard).await
}

fn refused(wanted: ObjectIdentifier, fault: ApiFault) -> Error {
    Error {
        code: Some(fault.code.into_owned()),
        key: Some(wanted.key),
        message: fault.message,
        version_id: wanted.version_id,
    }
}
