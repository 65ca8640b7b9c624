//! `CreateMultipartUpload`: here the data key of all parts is born, and wiped again until the first part comes.

use aws_core::event::Place;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::dto::{self, CreateMultipartUploadInput, CreateMultipartUploadOutput};
use s3s::{S3Request, S3Response};
use serde_json::json;

use crate::S3Sim;
use crate::call::Call;
use crate::digest::{ChecksumAlgorithm, ChecksumKind};
use crate::error::{Outcome, invalid_request};
use crate::keys::Owner;
use crate::model::multipart::Upload;
use crate::model::object::UserHeaders;
use crate::ops::put_object::{response_elements, sent_context};
use crate::ops::put_sse;
use crate::sse;

pub(crate) async fn run(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<CreateMultipartUploadInput>,
) -> Outcome<S3Response<CreateMultipartUploadOutput>> {
    let S3Request { input, headers, .. } = request;
    let bucket = sim.rows.bucket(&input.bucket)?;
    let owner = Owner { bucket: &bucket, key: &input.key };
    let choice = sse::choose(call, owner, &headers)?;
    let (checksum, checksum_declared) = checksum(&input)?;
    let stored = UserHeaders::read(&headers, input.metadata)?;
    call.additional("SSEApplied", choice.applied());
    let fresh = sim.keys.generate(call, owner, &choice.mode).await?;
    drop(fresh.plaintext);
    let upload = Upload {
        id: URL_SAFE_NO_PAD.encode(sim.world.entropy.array::<48>()),
        key: input.key.clone(),
        initiated: crate::headers::whole_seconds(sim.world.now()),
        initiator: call.ctx.principal_arn(),
        headers: stored,
        label: sim.label(&headers, &bucket)?,
        wrapped: fresh.wrapped,
        checksum,
        checksum_declared,
    };
    sim.rows.create_upload(&bucket.name, upload.clone()).await?;
    sim.world.custodian().wrapped(&owner.subject(), Place::S3Metadata, upload.wrapped.wrapping.by(&bucket.name));
    call.note(|audit| {
        let mut elements = response_elements(&upload.wrapped.wrapping);
        elements.insert("uploadId".into(), upload.id.clone().into());
        audit.response(json!(elements));
    });
    Ok(S3Response::new(answer(input.bucket, input.key, upload, choice.customer_md5())))
}

fn answer(bucket: String, key: String, upload: Upload, customer_md5: Option<String>) -> CreateMultipartUploadOutput {
    let (algorithm, kind) = upload.checksum;
    let declared = upload.checksum_declared;
    let mut output = CreateMultipartUploadOutput {
        bucket: Some(bucket),
        key: Some(key),
        checksum_algorithm: declared.then(|| dto::ChecksumAlgorithm::from_static(algorithm.as_str())),
        checksum_type: declared.then(|| dto::ChecksumType::from_static(kind.as_str())),
        ssekms_encryption_context: sent_context(&upload.wrapped.wrapping),
        upload_id: Some(upload.id),
        ..CreateMultipartUploadOutput::default()
    };
    put_sse!(output, &upload.wrapped.wrapping, customer_md5);
    output
}

/// The checksum of the object to be, and whether the client chose it.
fn checksum(input: &CreateMultipartUploadInput) -> Outcome<((ChecksumAlgorithm, ChecksumKind), bool)> {
    let declared = match &input.checksum_algorithm {
        Some(name) => Some(ChecksumAlgorithm::parse(name.as_str()).ok_or_else(unsupported)?),
        None => None,
    };
    let algorithm = declared.unwrap_or(ChecksumAlgorithm::Crc64Nvme);
    let kind = match input.checksum_type.as_ref().map(|kind| kind.as_str()) {
        None => algorithm.default_kind(),
        Some("FULL_OBJECT") if algorithm.combines().is_some() => ChecksumKind::FullObject,
        Some("COMPOSITE") if algorithm != ChecksumAlgorithm::Crc64Nvme => ChecksumKind::Composite,
        Some(kind) => {
            let name = algorithm.as_str();
            return Err(invalid_request(format!(
                "The {kind} checksum type cannot be used with the {} checksum algorithm.",
                name.to_ascii_lowercase()
            )));
        }
    };
    Ok(((algorithm, kind), declared.is_some()))
}

fn unsupported() -> aws_core::fault::ApiFault {
    invalid_request(
        "Checksum algorithm provided is unsupported. Please try again with any of the valid types: \
         [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]",
    )
}
