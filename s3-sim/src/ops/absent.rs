//! Configurations that clients ask for after they have made a bucket, and that a plain bucket does not have. Each
//! answers with AWS's own word for absence; setting one is answered with NotImplemented.

use s3s::dto::*;
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::error::{Outcome, fault};

/// Answers 404 with AWS's code and sentence, once the bucket is known to exist.
macro_rules! absent {
    ($($name:ident: $input:ident => $output:ident, $code:literal, $message:literal;)*) => {
        $(pub(crate) async fn $name(
            sim: &S3Sim,
            _call: &Call,
            request: S3Request<$input>,
        ) -> Outcome<S3Response<$output>> {
            let bucket = sim.rows.bucket(&request.input.bucket)?;
            Err(fault($code, 404, $message).with("BucketName", bucket.name))
        })*
    };
}

absent! {
    replication: GetBucketReplicationInput => GetBucketReplicationOutput,
        "ReplicationConfigurationNotFoundError", "The replication configuration was not found";
    website: GetBucketWebsiteInput => GetBucketWebsiteOutput,
        "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration";
}
