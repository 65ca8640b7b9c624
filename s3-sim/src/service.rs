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
                let answered = $operation(&self.0, &call, request).await.map_err(|fault| told(&call, fault));
                // s3s lets an answer name its status, and forgets it.
                if let Some(status) = answered.as_ref().ok().and_then(|answer| answer.status) {
                    call.answer_status(status);
                }
                answered
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

    get_bucket_versioning: GetBucketVersioningInput => GetBucketVersioningOutput, ops::versioning::get;
    put_bucket_versioning: PutBucketVersioningInput => PutBucketVersioningOutput, ops::versioning::put;
    list_object_versions: ListObjectVersionsInput => ListObjectVersionsOutput, ops::list_object_versions::run;

    get_bucket_policy: GetBucketPolicyInput => GetBucketPolicyOutput, ops::bucket_policy::get;
    put_bucket_policy: PutBucketPolicyInput => PutBucketPolicyOutput, ops::bucket_policy::put;
    delete_bucket_policy: DeleteBucketPolicyInput => DeleteBucketPolicyOutput, ops::bucket_policy::delete;
    get_bucket_policy_status: GetBucketPolicyStatusInput => GetBucketPolicyStatusOutput, ops::bucket_policy::status;
    get_public_access_block: GetPublicAccessBlockInput => GetPublicAccessBlockOutput, ops::public_access::get;
    put_public_access_block: PutPublicAccessBlockInput => PutPublicAccessBlockOutput, ops::public_access::put;
    delete_public_access_block: DeletePublicAccessBlockInput => DeletePublicAccessBlockOutput, ops::public_access::delete;
    get_bucket_ownership_controls: GetBucketOwnershipControlsInput => GetBucketOwnershipControlsOutput, ops::public_access::get_ownership;
    put_bucket_ownership_controls: PutBucketOwnershipControlsInput => PutBucketOwnershipControlsOutput, ops::public_access::put_ownership;
    delete_bucket_ownership_controls: DeleteBucketOwnershipControlsInput => DeleteBucketOwnershipControlsOutput, ops::public_access::delete_ownership;
    get_bucket_acl: GetBucketAclInput => GetBucketAclOutput, ops::acl::get_bucket;
    put_bucket_acl: PutBucketAclInput => PutBucketAclOutput, ops::acl::put_bucket;
    get_object_acl: GetObjectAclInput => GetObjectAclOutput, ops::acl::get_object;
    put_object_acl: PutObjectAclInput => PutObjectAclOutput, ops::acl::put_object;

    get_bucket_tagging: GetBucketTaggingInput => GetBucketTaggingOutput, ops::tagging::get_bucket;
    put_bucket_tagging: PutBucketTaggingInput => PutBucketTaggingOutput, ops::tagging::put_bucket;
    delete_bucket_tagging: DeleteBucketTaggingInput => DeleteBucketTaggingOutput, ops::tagging::delete_bucket;
    get_object_tagging: GetObjectTaggingInput => GetObjectTaggingOutput, ops::tagging::get_object;
    put_object_tagging: PutObjectTaggingInput => PutObjectTaggingOutput, ops::tagging::put_object;
    delete_object_tagging: DeleteObjectTaggingInput => DeleteObjectTaggingOutput, ops::tagging::delete_object;
    get_object_lock_configuration: GetObjectLockConfigurationInput => GetObjectLockConfigurationOutput, ops::object_lock::get_configuration;
    put_object_lock_configuration: PutObjectLockConfigurationInput => PutObjectLockConfigurationOutput, ops::object_lock::put_configuration;
    get_object_retention: GetObjectRetentionInput => GetObjectRetentionOutput, ops::object_lock::get_retention;
    put_object_retention: PutObjectRetentionInput => PutObjectRetentionOutput, ops::object_lock::put_retention;
    get_object_legal_hold: GetObjectLegalHoldInput => GetObjectLegalHoldOutput, ops::object_lock::get_hold;
    put_object_legal_hold: PutObjectLegalHoldInput => PutObjectLegalHoldOutput, ops::object_lock::put_hold;

    get_bucket_cors: GetBucketCorsInput => GetBucketCorsOutput, ops::configurations::get_cors;
    put_bucket_cors: PutBucketCorsInput => PutBucketCorsOutput, ops::configurations::put_cors;
    delete_bucket_cors: DeleteBucketCorsInput => DeleteBucketCorsOutput, ops::configurations::delete_cors;
    get_bucket_lifecycle_configuration: GetBucketLifecycleConfigurationInput => GetBucketLifecycleConfigurationOutput, ops::configurations::get_lifecycle;
    put_bucket_lifecycle_configuration: PutBucketLifecycleConfigurationInput => PutBucketLifecycleConfigurationOutput, ops::configurations::put_lifecycle;
    delete_bucket_lifecycle: DeleteBucketLifecycleInput => DeleteBucketLifecycleOutput, ops::configurations::delete_lifecycle;
    get_bucket_logging: GetBucketLoggingInput => GetBucketLoggingOutput, ops::configurations::get_logging;
    put_bucket_logging: PutBucketLoggingInput => PutBucketLoggingOutput, ops::configurations::put_logging;
    get_bucket_notification_configuration: GetBucketNotificationConfigurationInput => GetBucketNotificationConfigurationOutput, ops::configurations::get_notification;
    put_bucket_notification_configuration: PutBucketNotificationConfigurationInput => PutBucketNotificationConfigurationOutput, ops::configurations::put_notification;
    get_bucket_accelerate_configuration: GetBucketAccelerateConfigurationInput => GetBucketAccelerateConfigurationOutput, ops::configurations::get_accelerate;
    put_bucket_accelerate_configuration: PutBucketAccelerateConfigurationInput => PutBucketAccelerateConfigurationOutput, ops::configurations::put_accelerate;
    get_bucket_request_payment: GetBucketRequestPaymentInput => GetBucketRequestPaymentOutput, ops::configurations::get_request_payment;
    put_bucket_request_payment: PutBucketRequestPaymentInput => PutBucketRequestPaymentOutput, ops::configurations::put_request_payment;
    get_bucket_replication: GetBucketReplicationInput => GetBucketReplicationOutput, ops::absent::replication;
    get_bucket_website: GetBucketWebsiteInput => GetBucketWebsiteOutput, ops::absent::website;
}
