//! Configurations that are kept as they were sent and told again: CORS, lifecycle, logging, notification, acceleration,
//! who pays. What acts on them stands elsewhere: CORS at the edge, lifecycle in `lifecycle`.
//!
//! Deliberately absent: delivery of logs and notifications, replication, websites.

use s3s::dto::*;
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::error::{Outcome, fault, invalid_request, malformed_xml};
use crate::store::documents::Kind;

const MOST_RULES: usize = 1000;

pub(crate) async fn get_cors(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<GetBucketCorsInput>,
) -> Outcome<S3Response<GetBucketCorsOutput>> {
    let bucket = sim.rows.bucket(&request.input.bucket)?;
    let set: Option<CORSConfiguration> = sim.rows.document(&bucket.name, Kind::Cors)?;
    let set =
        set.ok_or_else(|| absent("NoSuchCORSConfiguration", "The CORS configuration does not exist", &bucket.name))?;
    Ok(S3Response::new(GetBucketCorsOutput { cors_rules: Some(set.cors_rules) }))
}

pub(crate) async fn put_cors(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<PutBucketCorsInput>,
) -> Outcome<S3Response<PutBucketCorsOutput>> {
    let PutBucketCorsInput { bucket, cors_configuration, .. } = request.input;
    sim.rows.bucket(&bucket)?;
    check_cors(&cors_configuration)?;
    sim.rows.put_document(&bucket, Kind::Cors, &cors_configuration).await?;
    Ok(S3Response::new(PutBucketCorsOutput::default()))
}

fn check_cors(set: &CORSConfiguration) -> Outcome<()> {
    if set.cors_rules.is_empty() || set.cors_rules.len() > 100 {
        return Err(malformed_xml());
    }
    for rule in &set.cors_rules {
        let known = |method: &&String| ["GET", "PUT", "POST", "DELETE", "HEAD"].contains(&method.as_str());
        if let Some(method) = rule.allowed_methods.iter().find(|method| !known(method)) {
            let message = format!("Found unsupported HTTP method in CORS config. Unsupported method is {method}");
            return Err(invalid_request(message));
        }
        if let Some(origin) = rule.allowed_origins.iter().find(|origin| origin.matches('*').count() > 1) {
            return Err(invalid_request(format!("AllowedOrigin \"{origin}\" can not have more than one wildcard.")));
        }
    }
    Ok(())
}

pub(crate) async fn delete_cors(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<DeleteBucketCorsInput>,
) -> Outcome<S3Response<DeleteBucketCorsOutput>> {
    sim.rows.drop_document(&request.input.bucket, Kind::Cors).await?;
    Ok(S3Response::with_status(DeleteBucketCorsOutput::default(), http::StatusCode::NO_CONTENT))
}

pub(crate) async fn get_lifecycle(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<GetBucketLifecycleConfigurationInput>,
) -> Outcome<S3Response<GetBucketLifecycleConfigurationOutput>> {
    let bucket = sim.rows.bucket(&request.input.bucket)?;
    let set: Option<BucketLifecycleConfiguration> = sim.rows.document(&bucket.name, Kind::Lifecycle)?;
    let message = "The lifecycle configuration does not exist";
    let set = set.ok_or_else(|| absent("NoSuchLifecycleConfiguration", message, &bucket.name))?;
    Ok(S3Response::new(GetBucketLifecycleConfigurationOutput {
        rules: Some(set.rules),
        ..GetBucketLifecycleConfigurationOutput::default()
    }))
}

pub(crate) async fn put_lifecycle(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<PutBucketLifecycleConfigurationInput>,
) -> Outcome<S3Response<PutBucketLifecycleConfigurationOutput>> {
    let PutBucketLifecycleConfigurationInput { bucket, lifecycle_configuration, .. } = request.input;
    sim.rows.bucket(&bucket)?;
    let mut set = lifecycle_configuration.ok_or_else(malformed_xml)?;
    check_lifecycle(&set)?;
    // A rule without a name gets one.
    for rule in set.rules.iter_mut().filter(|rule| rule.id.as_ref().is_none_or(String::is_empty)) {
        rule.id = Some(sim.world.uuid());
    }
    sim.rows.put_document(&bucket, Kind::Lifecycle, &set).await?;
    Ok(S3Response::new(PutBucketLifecycleConfigurationOutput::default()))
}

fn check_lifecycle(set: &BucketLifecycleConfiguration) -> Outcome<()> {
    if set.rules.is_empty() || set.rules.len() > MOST_RULES {
        return Err(malformed_xml());
    }
    let mut names: Vec<&str> = set.rules.iter().filter_map(|rule| rule.id.as_deref()).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(fault("InvalidArgument", 400, "Rule ID must be unique. Found same ID for more than one rule"));
    }
    for rule in &set.rules {
        if !matches!(rule.status.as_str(), "Enabled" | "Disabled") {
            return Err(malformed_xml());
        }
        let days = rule.expiration.as_ref().and_then(|expiration| expiration.days);
        if days.is_some_and(|days| days <= 0) {
            let message = "'Days' for Expiration action must be a positive integer";
            return Err(fault("InvalidArgument", 400, message));
        }
    }
    Ok(())
}

pub(crate) async fn delete_lifecycle(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<DeleteBucketLifecycleInput>,
) -> Outcome<S3Response<DeleteBucketLifecycleOutput>> {
    sim.rows.drop_document(&request.input.bucket, Kind::Lifecycle).await?;
    Ok(S3Response::with_status(DeleteBucketLifecycleOutput::default(), http::StatusCode::NO_CONTENT))
}

pub(crate) async fn get_logging(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<GetBucketLoggingInput>,
) -> Outcome<S3Response<GetBucketLoggingOutput>> {
    let bucket = sim.rows.bucket(&request.input.bucket)?;
    let set: Option<(String, String)> = sim.rows.document(&bucket.name, Kind::Logging)?;
    let logging_enabled = set.map(|(target_bucket, target_prefix)| LoggingEnabled {
        target_bucket,
        target_prefix,
        target_grants: None,
        target_object_key_format: None,
    });
    Ok(S3Response::new(GetBucketLoggingOutput { logging_enabled }))
}

pub(crate) async fn put_logging(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<PutBucketLoggingInput>,
) -> Outcome<S3Response<PutBucketLoggingOutput>> {
    let PutBucketLoggingInput { bucket, bucket_logging_status, .. } = request.input;
    sim.rows.bucket(&bucket)?;
    let Some(enabled) = bucket_logging_status.logging_enabled else {
        sim.rows.drop_document(&bucket, Kind::Logging).await?;
        return Ok(S3Response::new(PutBucketLoggingOutput::default()));
    };
    let target = sim.rows.find_bucket(&enabled.target_bucket)?;
    if target.is_none_or(|target| target.owner != *call.ctx.account()) {
        let message = "The target bucket for logging does not exist, is not owned by you, or does not have the \
                       appropriate grants for the log-delivery group.";
        return Err(fault("InvalidTargetBucketForLogging", 400, message).with("TargetBucket", enabled.target_bucket));
    }
    sim.rows.put_document(&bucket, Kind::Logging, &(enabled.target_bucket, enabled.target_prefix)).await?;
    Ok(S3Response::new(PutBucketLoggingOutput::default()))
}

pub(crate) async fn get_notification(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<GetBucketNotificationConfigurationInput>,
) -> Outcome<S3Response<GetBucketNotificationConfigurationOutput>> {
    let bucket = sim.rows.bucket(&request.input.bucket)?;
    let set: Option<NotificationConfiguration> = sim.rows.document(&bucket.name, Kind::Notification)?;
    let set = set.unwrap_or_default();
    Ok(S3Response::new(GetBucketNotificationConfigurationOutput {
        event_bridge_configuration: set.event_bridge_configuration,
        lambda_function_configurations: set.lambda_function_configurations,
        queue_configurations: set.queue_configurations,
        topic_configurations: set.topic_configurations,
    }))
}

pub(crate) async fn put_notification(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<PutBucketNotificationConfigurationInput>,
) -> Outcome<S3Response<PutBucketNotificationConfigurationOutput>> {
    let PutBucketNotificationConfigurationInput { bucket, notification_configuration, .. } = request.input;
    sim.rows.put_document(&bucket, Kind::Notification, &notification_configuration).await?;
    Ok(S3Response::new(PutBucketNotificationConfigurationOutput::default()))
}

pub(crate) async fn get_accelerate(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<GetBucketAccelerateConfigurationInput>,
) -> Outcome<S3Response<GetBucketAccelerateConfigurationOutput>> {
    let bucket = sim.rows.bucket(&request.input.bucket)?;
    let set: Option<AccelerateConfiguration> = sim.rows.document(&bucket.name, Kind::Accelerate)?;
    Ok(S3Response::new(GetBucketAccelerateConfigurationOutput {
        status: set.and_then(|set| set.status),
        ..GetBucketAccelerateConfigurationOutput::default()
    }))
}

pub(crate) async fn put_accelerate(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<PutBucketAccelerateConfigurationInput>,
) -> Outcome<S3Response<PutBucketAccelerateConfigurationOutput>> {
    let PutBucketAccelerateConfigurationInput { bucket, accelerate_configuration, .. } = request.input;
    let status = accelerate_configuration.status.as_ref().map(|status| status.as_str());
    if !matches!(status, Some("Enabled" | "Suspended")) {
        return Err(malformed_xml());
    }
    sim.rows.put_document(&bucket, Kind::Accelerate, &accelerate_configuration).await?;
    Ok(S3Response::new(PutBucketAccelerateConfigurationOutput::default()))
}

pub(crate) async fn get_request_payment(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<GetBucketRequestPaymentInput>,
) -> Outcome<S3Response<GetBucketRequestPaymentOutput>> {
    let bucket = sim.rows.bucket(&request.input.bucket)?;
    let set: Option<RequestPaymentConfiguration> = sim.rows.document(&bucket.name, Kind::RequestPayment)?;
    let payer = set.map_or_else(|| Payer::from_static(Payer::BUCKET_OWNER), |set| set.payer);
    Ok(S3Response::new(GetBucketRequestPaymentOutput { payer: Some(payer) }))
}

pub(crate) async fn put_request_payment(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<PutBucketRequestPaymentInput>,
) -> Outcome<S3Response<PutBucketRequestPaymentOutput>> {
    let PutBucketRequestPaymentInput { bucket, request_payment_configuration, .. } = request.input;
    if !matches!(request_payment_configuration.payer.as_str(), "BucketOwner" | "Requester") {
        return Err(malformed_xml());
    }
    sim.rows.put_document(&bucket, Kind::RequestPayment, &request_payment_configuration).await?;
    Ok(S3Response::new(PutBucketRequestPaymentOutput::default()))
}

fn absent(code: &'static str, message: &str, bucket: &str) -> aws_core::fault::ApiFault {
    fault(code, 404, message).with("BucketName", bucket)
}
