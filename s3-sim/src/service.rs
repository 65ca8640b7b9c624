//! The face towards s3s: one line per operation, each of which is one file under `ops`.

use std::sync::Arc;

use async_trait::async_trait;
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result};

use crate::S3Sim;
use crate::access::no_call;
use crate::call::Call;
use crate::edge::told;
use crate::ops;

/// What s3s calls.
pub(crate) struct Service(pub(crate) Arc<S3Sim>);

macro_rules! operations {
    ($($method:ident: $input:ident => $output:ident, $operation:path;)*) => {
        #[async_trait]
        impl S3 for Service {
            $(async fn $method(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                let call = request.extensions.get::<Arc<Call>>().cloned().ok_or_else(no_call)?;
                $operation(&self.0, &call, request).await.map_err(|fault| told(&call, fault))
            })*
        }
    };
}

operations! {
    list_buckets: ListBucketsInput => ListBucketsOutput, ops::list_buckets::run;
    create_bucket: CreateBucketInput => CreateBucketOutput, ops::create_bucket::run;
    head_bucket: HeadBucketInput => HeadBucketOutput, ops::head_bucket::run;
    delete_bucket: DeleteBucketInput => DeleteBucketOutput, ops::delete_bucket::run;
    get_bucket_location: GetBucketLocationInput => GetBucketLocationOutput, ops::get_bucket_location::run;

    put_object: PutObjectInput => PutObjectOutput, ops::put_object::run;
    get_object: GetObjectInput => GetObjectOutput, ops::get_object::run;
    head_object: HeadObjectInput => HeadObjectOutput, ops::head_object::run;
    copy_object: CopyObjectInput => CopyObjectOutput, ops::copy_object::run;
    delete_object: DeleteObjectInput => DeleteObjectOutput, ops::delete_object::run;
    delete_objects: DeleteObjectsInput => DeleteObjectsOutput, ops::delete_objects::run;
    list_objects: ListObjectsInput => ListObjectsOutput, ops::list_objects::run;
    list_objects_v2: ListObjectsV2Input => ListObjectsV2Output, ops::list_objects_v2::run;

    create_multipart_upload: CreateMultipartUploadInput => CreateMultipartUploadOutput, ops::create_multipart_upload::run;
    upload_part: UploadPartInput => UploadPartOutput, ops::upload_part::run;
    upload_part_copy: UploadPartCopyInput => UploadPartCopyOutput, ops::upload_part_copy::run;
    complete_multipart_upload: CompleteMultipartUploadInput => CompleteMultipartUploadOutput, ops::complete_multipart_upload::run;
    abort_multipart_upload: AbortMultipartUploadInput => AbortMultipartUploadOutput, ops::abort_multipart_upload::run;
    list_parts: ListPartsInput => ListPartsOutput, ops::list_parts::run;
    list_multipart_uploads: ListMultipartUploadsInput => ListMultipartUploadsOutput, ops::list_multipart_uploads::run;

    get_bucket_versioning: GetBucketVersioningInput => GetBucketVersioningOutput, ops::absent::versioning;
    get_bucket_tagging: GetBucketTaggingInput => GetBucketTaggingOutput, ops::absent::tagging;
    get_bucket_policy: GetBucketPolicyInput => GetBucketPolicyOutput, ops::absent::policy;
    get_bucket_policy_status: GetBucketPolicyStatusInput => GetBucketPolicyStatusOutput, ops::absent::policy_status;
    get_bucket_cors: GetBucketCorsInput => GetBucketCorsOutput, ops::absent::cors;
    get_bucket_lifecycle_configuration: GetBucketLifecycleConfigurationInput => GetBucketLifecycleConfigurationOutput, ops::absent::lifecycle;
    get_bucket_replication: GetBucketReplicationInput => GetBucketReplicationOutput, ops::absent::replication;
    get_bucket_website: GetBucketWebsiteInput => GetBucketWebsiteOutput, ops::absent::website;
    get_object_lock_configuration: GetObjectLockConfigurationInput => GetObjectLockConfigurationOutput, ops::absent::object_lock;
    get_bucket_logging: GetBucketLoggingInput => GetBucketLoggingOutput, ops::absent::logging;
    get_bucket_notification_configuration: GetBucketNotificationConfigurationInput => GetBucketNotificationConfigurationOutput, ops::absent::notification;
    get_bucket_accelerate_configuration: GetBucketAccelerateConfigurationInput => GetBucketAccelerateConfigurationOutput, ops::absent::accelerate;
    get_bucket_request_payment: GetBucketRequestPaymentInput => GetBucketRequestPaymentOutput, ops::absent::request_payment;
    get_bucket_ownership_controls: GetBucketOwnershipControlsInput => GetBucketOwnershipControlsOutput, ops::absent::ownership;
    get_public_access_block: GetPublicAccessBlockInput => GetPublicAccessBlockOutput, ops::absent::public_access_block;
    get_bucket_acl: GetBucketAclInput => GetBucketAclOutput, ops::absent::bucket_acl;
    get_object_acl: GetObjectAclInput => GetObjectAclOutput, ops::absent::object_acl;
    get_object_tagging: GetObjectTaggingInput => GetObjectTaggingOutput, ops::absent::object_tagging;
}
