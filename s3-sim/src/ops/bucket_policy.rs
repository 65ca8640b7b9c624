//! `PutBucketPolicy`, `GetBucketPolicy`, `DeleteBucketPolicy`, `GetBucketPolicyStatus`.
//!
//! A policy is kept as it was written. What is checked here is what AWS checks: that it parses, that every statement
//! names somebody and something of this bucket, and that the public is not let in where it is locked out.

use aws_core::fault::ApiFault;
use aws_core::policy::document::{NotAPolicy, PolicyDocument, Statement};
use s3s::dto::*;
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::access::public::is_public;
use crate::call::Call;
use crate::error::{Outcome, access_denied, fault};
use crate::model::bucket::bucket_arn;
use crate::store::documents::Kind;

const LARGEST_POLICY_BYTES: usize = 20 << 10;

pub(crate) async fn put(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<PutBucketPolicyInput>,
) -> Outcome<S3Response<PutBucketPolicyOutput>> {
    let PutBucketPolicyInput { bucket, policy, .. } = request.input;
    let standing = sim.rows.bucket(&bucket)?;
    let document = parse(&policy)?;
    document.statements.iter().try_for_each(|statement| check(statement, &bucket))?;
    if standing.settings.public_access().block_policy && is_public(&document) {
        return Err(blocked(call, &bucket));
    }
    if let Ok(told) = serde_json::from_str::<serde_json::Value>(&policy) {
        call.parameter("bucketPolicy", told);
    }
    sim.rows.put_document(&bucket, Kind::Policy, &policy).await?;
    Ok(S3Response::with_status(PutBucketPolicyOutput::default(), http::StatusCode::NO_CONTENT))
}

pub(crate) async fn get(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<GetBucketPolicyInput>,
) -> Outcome<S3Response<GetBucketPolicyOutput>> {
    let bucket = sim.rows.bucket(&request.input.bucket)?;
    let policy: Option<String> = sim.rows.document(&bucket.name, Kind::Policy)?;
    let policy = Some(policy.ok_or_else(|| no_policy(&bucket.name))?);
    let mut response = S3Response::new(GetBucketPolicyOutput { policy });
    response.headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    Ok(response)
}

pub(crate) async fn delete(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<DeleteBucketPolicyInput>,
) -> Outcome<S3Response<DeleteBucketPolicyOutput>> {
    sim.rows.drop_document(&request.input.bucket, Kind::Policy).await?;
    Ok(S3Response::with_status(DeleteBucketPolicyOutput::default(), http::StatusCode::NO_CONTENT))
}

pub(crate) async fn status(
    sim: &S3Sim,
    _call: &Call,
    request: S3Request<GetBucketPolicyStatusInput>,
) -> Outcome<S3Response<GetBucketPolicyStatusOutput>> {
    let bucket = sim.rows.bucket(&request.input.bucket)?;
    let policy = sim.gate.policy_of(&bucket.name)?.ok_or_else(|| no_policy(&bucket.name))?;
    let policy_status = Some(PolicyStatus { is_public: Some(is_public(&policy)) });
    Ok(S3Response::new(GetBucketPolicyStatusOutput { policy_status }))
}

fn no_policy(bucket: &str) -> ApiFault {
    fault("NoSuchBucketPolicy", 404, "The bucket policy does not exist").with("BucketName", bucket)
}

fn blocked(call: &Call, bucket: &str) -> ApiFault {
    access_denied(format!(
        "User: {} is not authorized to perform: s3:PutBucketPolicy on resource: \"{}\" because public policies are \
         blocked by the BlockPublicPolicy block public access setting.",
        call.ctx.principal_arn(),
        bucket_arn(bucket)
    ))
}

fn malformed(message: impl Into<String>) -> ApiFault {
    ApiFault::client("MalformedPolicy", message)
}

fn parse(text: &str) -> Outcome<PolicyDocument> {
    if text.len() > LARGEST_POLICY_BYTES {
        let message =
            format!("Normalized policy document exceeds the maximum allowed size of {LARGEST_POLICY_BYTES} bytes.");
        return Err(ApiFault::client("PolicyTooLarge", message));
    }
    if !text.trim_start().starts_with('{') {
        return Err(malformed("Policies must be valid JSON and the first byte must be '{'"));
    }
    let document = PolicyDocument::parse(text).map_err(|error| match error {
        NotAPolicy::Json => malformed("This policy contains invalid Json"),
        NotAPolicy::Shape(what) => malformed(what),
    })?;
    if document.statements.is_empty() {
        return Err(malformed("Missing required field Statement cannot be empty!"));
    }
    Ok(document)
}

/// Each statement must name a principal, S3's actions, and this bucket or what is in it.
fn check(statement: &Statement, bucket: &str) -> Outcome<()> {
    let principal = statement.principal.as_ref().ok_or_else(|| malformed("Missing required field Principal"))?;
    let known =
        |name: &&String| name.starts_with("arn:aws:") || name.len() == 12 && name.bytes().all(|b| b.is_ascii_digit());
    let id = |name: &&String| name.starts_with("AIDA") || name.starts_with("AROA") || name.len() == 64;
    if let Some(wrong) = principal.aws.iter().find(|name| !known(name) && !id(name)) {
        return Err(malformed("Invalid principal in policy").with("Detail", format!("\"AWS\" : \"{wrong}\"")));
    }
    let actions = statement.action.as_ref().ok_or_else(|| malformed("Missing required field Action"))?;
    if !actions.patterns.iter().all(|action| action == "*" || action.to_ascii_lowercase().starts_with("s3:")) {
        return Err(malformed("Policy has invalid action"));
    }
    let resources = statement.resource.as_ref().ok_or_else(|| malformed("Missing required field Resource"))?;
    let arn = bucket_arn(bucket);
    let of_bucket = |pattern: &String| {
        let name = pattern.split('/').next().unwrap_or_default();
        name == arn || pattern == "*" || may_mean(name, &arn)
    };
    if resources.patterns.iter().all(of_bucket) { Ok(()) } else { Err(malformed("Policy has invalid resource")) }
}

/// Whether a pattern with wildcards can stand for this bucket.
fn may_mean(pattern: &str, arn: &str) -> bool {
    let fixed = pattern.split(['*', '?', '$']).next().unwrap_or_default();
    fixed != pattern && fixed.starts_with("arn:aws:s3:::") && arn.starts_with(fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_must_speak_of_its_own_bucket() {
        let verdict = |inside: &str| {
            let text = format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",{inside}}}]}}"#);
            let checked = parse(&text).and_then(|policy| policy.statements.iter().try_for_each(|s| check(s, "bkt")));
            checked.map_or_else(|fault| fault.message.unwrap_or_default(), |()| "ok".into())
        };
        let who = r#""Principal":{"AWS":"111122223333"}"#;
        for (inside, expected) in [
            (format!(r#"{who},"Action":"s3:GetObject","Resource":"arn:aws:s3:::bkt/*""#), "ok"),
            (format!(r#"{who},"Action":"s3:*","Resource":["arn:aws:s3:::bkt","arn:aws:s3:::b*"]"#), "ok"),
            (format!(r#"{who},"Action":"s3:*","Resource":"arn:aws:s3:::other/*""#), "Policy has invalid resource"),
            (format!(r#"{who},"Action":"s3:*","Resource":"arn:aws:s3:::bkt2""#), "Policy has invalid resource"),
            (format!(r#"{who},"Action":"kms:*","Resource":"arn:aws:s3:::bkt""#), "Policy has invalid action"),
            (r#""Action":"s3:*","Resource":"arn:aws:s3:::bkt""#.into(), "Missing required field Principal"),
            (
                r#""Principal":{"AWS":"nobody"},"Action":"s3:*","Resource":"arn:aws:s3:::bkt""#.into(),
                "Invalid principal in policy",
            ),
        ] {
            assert_eq!(verdict(&inside), expected, "{inside}");
        }
        assert!(parse("[]").is_err());
        assert!(parse(&format!("{{{}", " ".repeat(LARGEST_POLICY_BYTES))).is_err());
    }
}
