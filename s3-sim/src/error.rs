//! S3's refusals, each with AWS's code, status and sentence, and the table that turns KMS's errors into S3's.
//!
//! Everything below the protocol speaks [`ApiFault`]; `edge` prints it. Further members of the body (`BucketName`,
//! `Key`, `ArgumentName`, …) ride in `detail`, in the order in which AWS prints them.

use crate::model::bucket::Bucket;
use ::store::StoreError;
use aws_core::fault::ApiFault;
use kms_api::error::KmsError;

/// What an operation of this crate answers when it cannot do what was asked.
pub(crate) type Outcome<T> = Result<T, ApiFault>;

/// A refusal with a status of its own.
pub(crate) fn fault(code: &'static str, status: u16, message: impl Into<String>) -> ApiFault {
    ApiFault::client(code, message).with_status(status)
}

/// 400 with the argument that was wrong.
pub(crate) fn invalid_argument(name: &str, value: &str, message: impl Into<String>) -> ApiFault {
    ApiFault::client("InvalidArgument", message).with("ArgumentName", name).with("ArgumentValue", value)
}

/// 400 without further members.
pub(crate) fn invalid_request(message: impl Into<String>) -> ApiFault {
    ApiFault::client("InvalidRequest", message)
}

/// 403 with the sentence of the policy evaluation.
pub(crate) fn access_denied(message: impl Into<String>) -> ApiFault {
    fault("AccessDenied", 403, message)
}

/// 501: what was asked exists at AWS and not here. Never silently ignored.
pub(crate) fn not_implemented(what: &str) -> ApiFault {
    fault("NotImplemented", 501, "A header you provided implies functionality that is not implemented")
        .with("Header", what)
}

/// 404 for a bucket.
pub(crate) fn no_such_bucket(bucket: &str) -> ApiFault {
    fault("NoSuchBucket", 404, "The specified bucket does not exist").with("BucketName", bucket)
}

/// 301: the bucket stands elsewhere. SDKs read the region from the header and ask there.
pub(crate) fn wrong_region(bucket: &Bucket) -> ApiFault {
    let message = "The bucket you are attempting to access must be addressed using the specified endpoint. Please send \
                   all future requests to this endpoint.";
    fault("PermanentRedirect", 301, message)
        .with("Endpoint", format!("{}.s3.{}.amazonaws.com", bucket.name, bucket.region))
        .with("Bucket", &bucket.name)
}

/// 404 for a version of an object.
pub(crate) fn no_such_version(key: &str, version: &str) -> ApiFault {
    fault("NoSuchVersion", 404, "The specified version does not exist.").with("Key", key).with("VersionId", version)
}

/// 405: a delete marker has no body and no metadata.
pub(crate) fn is_a_marker() -> ApiFault {
    fault("MethodNotAllowed", 405, "The specified method is not allowed against this resource.")
        .with("Method", "GET")
        .with("ResourceType", "DeleteMarker")
}

/// 404 for an object.
pub(crate) fn no_such_key(key: &str) -> ApiFault {
    fault("NoSuchKey", 404, "The specified key does not exist.").with("Key", key)
}

/// 404 for a multipart upload.
pub(crate) fn no_such_upload(upload_id: &str) -> ApiFault {
    let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been \
                   aborted or completed.";
    fault("NoSuchUpload", 404, message).with("UploadId", upload_id)
}

/// 412: a condition of the request did not hold.
pub(crate) fn precondition_failed(condition: &str) -> ApiFault {
    fault("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold")
        .with("Condition", condition)
}

/// 400: XML that is no XML, or not of the shape the operation takes.
pub(crate) fn malformed_xml() -> ApiFault {
    let message = "The XML you provided was not well-formed or did not validate against our published schema";
    ApiFault::client("MalformedXML", message)
}

/// 500: what is stored does not verify. Never says which byte.
pub(crate) fn damaged(what: &str) -> ApiFault {
    tracing::error!(what, "stored bytes do not verify");
    internal()
}

/// 500 without detail for the client.
pub(crate) fn internal() -> ApiFault {
    fault("InternalError", 500, "We encountered an internal error. Please try again.")
}

/// 500 for a store that failed; the reason goes to the log only.
pub(crate) fn store_failed(error: StoreError) -> ApiFault {
    tracing::error!(%error, "the store failed");
    internal()
}

/// How KMS's exceptions look when they come through S3: `KMS.<Name>`, except denials, which are S3's own.
pub(crate) fn kms_fault(error: &KmsError) -> ApiFault {
    if let KmsError::AccessDenied(message) = error {
        return access_denied(message.clone());
    }
    let mut fault = error.fault();
    fault.code = format!("KMS.{}", fault.code).into();
    fault
}

/// How a store transaction ended without success.
#[derive(Debug)]
pub(crate) struct TxnFault {
    /// What the client is told.
    pub(crate) fault: ApiFault,
    /// Whether the rows may have reached the disk all the same: the store failed, and only a restart will tell.
    pub(crate) uncertain: bool,
}

impl From<StoreError> for TxnFault {
    fn from(error: StoreError) -> Self {
        Self { fault: store_failed(error), uncertain: true }
    }
}

impl From<ApiFault> for TxnFault {
    fn from(fault: ApiFault) -> Self {
        Self { fault, uncertain: false }
    }
}

impl From<TxnFault> for ApiFault {
    fn from(ended: TxnFault) -> Self {
        ended.fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kms_errors_keep_their_names_and_denials_become_s3s() {
        for (error, code, status) in [
            (KmsError::Disabled("arn:aws:kms:us-east-1:111122223333:key/k".into()), "KMS.DisabledException", 400),
            (KmsError::NotFound("Invalid keyId 'x'".into()), "KMS.NotFoundException", 400),
            (KmsError::KmsInvalidState("k is pending deletion.".into()), "KMS.KMSInvalidStateException", 400),
            (KmsError::InvalidCiphertext, "KMS.InvalidCiphertextException", 400),
            (KmsError::AccessDenied("User: u is not authorized".into()), "AccessDenied", 403),
        ] {
            let fault = kms_fault(&error);
            assert_eq!((fault.code.as_ref(), fault.status), (code, status));
        }
    }
}
