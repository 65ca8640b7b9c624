//! Object Lock: the bucket's default, the retention of a version, the legal hold on it.

use aws_core::policy::condition::Facts as Conditions;
use s3s::dto::*;
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::access::Aim;
use crate::call::Call;
use crate::error::{Outcome, fault, invalid_request, malformed_xml};
use crate::headers::wire_time;
use crate::label::read_retention;
use crate::model::bucket::{Bucket, Versioning};
use crate::model::version::VersionId;
use crate::store::documents::Kind;

pub(crate) async fn get_configuration(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<GetObjectLockConfigurationInput>,
) -> Outcome<S3Response<GetObjectLockConfigurationOutput>> {
    let bucket = sim.rows.bucket(&request.input.bucket)?;
    if !bucket.settings.object_lock {
        let message = "Object Lock configuration does not exist for this bucket";
        return Err(fault("ObjectLockConfigurationNotFoundError", 404, message).with("BucketName", &bucket.name));
    }
    let set: Option<ObjectLockConfiguration> = sim.rows.document(&bucket.name, Kind::ObjectLock)?;
    let enabled = Some(ObjectLockEnabled::from_static(ObjectLockEnabled::ENABLED));
    let rule = set.and_then(|set| set.rule);
    Ok(S3Response::new(GetObjectLockConfigurationOutput {
        object_lock_configuration: Some(ObjectLockConfiguration { object_lock_enabled: enabled, rule }),
    }))
}

pub(crate) async fn put_configuration(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<PutObjectLockConfigurationInput>,
) -> Outcome<S3Response<PutObjectLockConfigurationOutput>> {
    let PutObjectLockConfigurationInput { bucket, object_lock_configuration, .. } = request.input;
    let standing = sim.rows.bucket(&bucket)?;
    let asked = object_lock_configuration.ok_or_else(malformed_xml)?;
    if asked.object_lock_enabled.as_ref().map(|enabled| enabled.as_str()) != Some("Enabled") {
        return Err(malformed_xml());
    }
    if standing.settings.versioning != Versioning::Enabled {
        let message = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration";
        return Err(fault("InvalidBucketState", 409, message));
    }
    check_default(&asked)?;
    sim.rows.put_document(&bucket, Kind::ObjectLock, &asked).await?;
    sim.rows.change_bucket(&bucket, |bucket| bucket.settings.object_lock = true).await?;
    Ok(S3Response::new(PutObjectLockConfigurationOutput::default()))
}

/// Days or years, one of them, and not none.
fn check_default(asked: &ObjectLockConfiguration) -> Outcome<()> {
    let Some(default) = asked.rule.as_ref().and_then(|rule| rule.default_retention.as_ref()) else { return Ok(()) };
    let known = default.mode.as_ref().is_some_and(|mode| matches!(mode.as_str(), "GOVERNANCE" | "COMPLIANCE"));
    match (default.days, default.years) {
        (Some(1..=36_500), None) | (None, Some(1..=100)) if known => Ok(()),
        (Some(_), None) | (None, Some(_)) if known => {
            Err(fault("InvalidArgument", 400, "Default retention period must be a positive integer value."))
        }
        _ => Err(malformed_xml()),
    }
}

pub(crate) async fn get_retention(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<GetObjectRetentionInput>,
) -> Outcome<S3Response<GetObjectRetentionOutput>> {
    let GetObjectRetentionInput { bucket, key, version_id, .. } = request.input;
    let found = sim.find_version(call, &bucket, &key, version_id.as_deref())?;
    lockable(&found.bucket)?;
    let retention = found.object.label.retention.ok_or_else(no_lock)?;
    let mode = if retention.compliance { "COMPLIANCE" } else { "GOVERNANCE" };
    let retention = ObjectLockRetention {
        mode: Some(ObjectLockRetentionMode::from_static(mode)),
        retain_until_date: Some(wire_time(retention.until)),
    };
    Ok(S3Response::new(GetObjectRetentionOutput { retention: Some(retention) }))
}

pub(crate) async fn put_retention(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<PutObjectRetentionInput>,
) -> Outcome<S3Response<PutObjectRetentionOutput>> {
    let PutObjectRetentionInput { bucket, key, version_id, retention, bypass_governance_retention, .. } = request.input;
    let found = sim.find_version(call, &bucket, &key, version_id.as_deref())?;
    lockable(&found.bucket)?;
    let now = sim.world.now();
    let retention = read_retention(retention, now)?;
    let bypass = sim.may_bypass(call, &bucket, &key, bypass_governance_retention)?;
    let id = version_id.as_deref().map(VersionId::parse).transpose()?;
    sim.rows
        .relabel(&bucket, &key, id, move |label| {
            label.check_retention(retention.as_ref(), now, bypass)?;
            label.retention = retention;
            Ok(())
        })
        .await?;
    Ok(S3Response::new(PutObjectRetentionOutput::default()))
}

pub(crate) async fn get_hold(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<GetObjectLegalHoldInput>,
) -> Outcome<S3Response<GetObjectLegalHoldOutput>> {
    let GetObjectLegalHoldInput { bucket, key, version_id, .. } = request.input;
    let found = sim.find_version(call, &bucket, &key, version_id.as_deref())?;
    lockable(&found.bucket)?;
    let status = if found.object.label.legal_hold { "ON" } else { "OFF" };
    let legal_hold = ObjectLockLegalHold { status: Some(ObjectLockLegalHoldStatus::from_static(status)) };
    Ok(S3Response::new(GetObjectLegalHoldOutput { legal_hold: Some(legal_hold) }))
}

pub(crate) async fn put_hold(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<PutObjectLegalHoldInput>,
) -> Outcome<S3Response<PutObjectLegalHoldOutput>> {
    let PutObjectLegalHoldInput { bucket, key, version_id, legal_hold, .. } = request.input;
    let found = sim.find_version(call, &bucket, &key, version_id.as_deref())?;
    lockable(&found.bucket)?;
    let held = match legal_hold.and_then(|hold| hold.status).as_ref().map(|status| status.as_str()) {
        Some("ON") => true,
        Some("OFF") => false,
        Some(_) | None => return Err(malformed_xml()),
    };
    let id = version_id.as_deref().map(VersionId::parse).transpose()?;
    sim.rows
        .relabel(&bucket, &key, id, move |label| {
            label.legal_hold = held;
            Ok(())
        })
        .await?;
    Ok(S3Response::new(PutObjectLegalHoldOutput::default()))
}

impl S3Sim {
    /// Whether the caller asks to bypass GOVERNANCE; asking without the right to is refused.
    pub(crate) fn may_bypass(&self, call: &Call, bucket: &str, key: &str, asked: Option<bool>) -> Outcome<bool> {
        if asked != Some(true) {
            return Ok(false);
        }
        let aim = Aim::Object(bucket, key);
        self.gate.ask(call, "s3:BypassGovernanceRetention", aim, &Conditions::default()).map(|()| true)
    }
}

fn lockable(bucket: &Bucket) -> Outcome<()> {
    if bucket.settings.object_lock {
        return Ok(());
    }
    Err(invalid_request("Bucket is missing Object Lock Configuration"))
}

fn no_lock() -> aws_core::fault::ApiFault {
    let message = "The specified object does not have a ObjectLock configuration";
    fault("NoSuchObjectLockConfiguration", 404, message)
}
