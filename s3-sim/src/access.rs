//! Who may do what: judged on the headers as sent, before any byte of the body is read.
//!
//! ```text
//! s3s resolves the operation ──▶ check: open the notebook, weigh IAM ──▶ decode ──▶ operation
//! ```
//! Operations on several things (CopyObject's source, DeleteObjects' keys) ask again for each through [`Gate::ask`].
//! The bucket's own voice, policy and ACLs, is heard in [`Gate::ask`] and nowhere else: `bucket_voice`. What a request
//! says of itself is in `conditions`; whether a policy is public, in `public`.

mod bucket_voice;
mod conditions;
pub(crate) mod public;

use std::sync::Arc;

use async_trait::async_trait;
use aws_core::audit::Audit;
use aws_core::event::CallError;
use aws_core::policy::condition::Facts;
use aws_core::policy::evaluate::{Question, ResourceRule, ResourceVoice, Voices, evaluate};
use aws_core::policy::explain::Explanation;
use http::HeaderMap;
use kms_api::world::World;
use s3s::access::{S3Access, S3AccessContext};
use s3s::path::S3Path;
use s3s::{S3Error, S3Result};

use crate::actions::{self, Trait};
use crate::call::Call;
use crate::customer;
use crate::edge::told;
use crate::error::{Outcome, access_denied, wrong_region};
use crate::model::bucket::{Bucket, bucket_arn, object_arn};
use crate::sse;
use crate::store::Rows;

/// Weighs policies.
#[derive(Clone)]
pub(crate) struct Gate {
    rows: Rows,
    world: World,
    parsed: bucket_voice::Parsed,
}

/// The place an operation is aimed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aim<'a> {
    /// The account.
    Account,
    /// A bucket.
    Bucket(&'a str),
    /// An object, existing or not.
    Object(&'a str, &'a str),
}

impl<'a> Aim<'a> {
    /// From the path that s3s parsed.
    pub(crate) fn of(path: &'a S3Path) -> Self {
        match path {
            S3Path::Root => Self::Account,
            S3Path::Bucket { bucket } => Self::Bucket(bucket),
            S3Path::Object { bucket, key } => Self::Object(bucket, key),
        }
    }

    /// ARN, or `*`.
    pub(crate) fn arn(&self) -> String {
        match self {
            Self::Account => "*".into(),
            Self::Bucket(bucket) => bucket_arn(bucket),
            Self::Object(bucket, key) => object_arn(bucket, key),
        }
    }

    /// Name of the bucket.
    pub(crate) fn bucket(&self) -> Option<&'a str> {
        match self {
            Self::Account => None,
            Self::Bucket(bucket) | Self::Object(bucket, _) => Some(bucket),
        }
    }
}

impl Gate {
    /// Asks the identities of `world`; owners of buckets are in `rows`.
    pub(crate) fn new(rows: Rows, world: World) -> Self {
        Self { rows, world, parsed: bucket_voice::Parsed::default() }
    }

    /// Whether the caller may do `action` to `aim`; 403 with AWS's sentence if not.
    pub(crate) fn ask(&self, call: &Call, action: &str, aim: Aim<'_>, facts: &Facts) -> Outcome<()> {
        let explanation = Arc::new(self.weigh(call, action, aim, facts)?);
        let refusal = (!explanation.allowed()).then(|| explanation.denial(&format!("on resource: \"{}\"", aim.arn())));
        call.note(|audit| {
            audit.decision(explanation);
        });
        refusal.map_or(Ok(()), |sentence| Err(access_denied(sentence)))
    }

    fn weigh(&self, call: &Call, action: &str, aim: Aim<'_>, facts: &Facts) -> Outcome<Explanation> {
        let bucket = self.standing(action, aim)?;
        let identity = self.world.identities.policies(&call.ctx.caller);
        let policy = match &bucket {
            Some(bucket) => self.voice(call, action, aim, bucket)?,
            None => None,
        };
        let owner = bucket.map_or_else(|| call.ctx.account().clone(), |bucket| bucket.owner);
        let mut facts = facts.clone();
        facts.set("s3:ResourceAccount", owner.as_str());
        let all: Vec<_> =
            identity.identity.iter().chain(&identity.boundary).chain(&identity.session).chain(&policy).collect();
        self.add_existing_tags(&mut facts, aim, &all)?;
        let voice = ResourceVoice { owner: &owner, policy: policy.as_ref(), rule: ResourceRule::Either };
        let question = Question { call: &call.ctx, action, resource: &aim.arn(), facts: &facts };
        Ok(evaluate(&question, &Voices { identity: &identity, resource: Some(voice), grants: &[] }))
    }

    /// Whose resource it is. Of a bucket that does not exist the caller learns just that, if its own policies let it
    /// ask; and a name that is taken says so itself, whoever took it.
    fn standing(&self, action: &str, aim: Aim<'_>) -> Outcome<Option<Bucket>> {
        let name = aim.bucket().filter(|_| action != "s3:CreateBucket");
        Ok(name.map(|name| self.rows.find_bucket(name)).transpose()?.flatten())
    }

    /// Opens the notebook and weighs the request as a whole.
    pub(crate) fn enter(&self, call: &Call, operation: &str, aim: Aim<'_>, request: Request<'_>) -> Outcome<()> {
        let character = actions::of(operation, aim);
        call.open_audit(self.open_audit(call, operation, aim, character, request));
        self.check_expected_owner(aim, request.headers)?;
        self.check_region(call, operation, aim)?;
        let facts = conditions::facts(request);
        for action in actions::asked(operation, request) {
            self.ask(call, &action, aim, &facts)?;
        }
        Ok(())
    }

    fn open_audit(&self, call: &Call, operation: &str, aim: Aim<'_>, is: Trait, request: Request<'_>) -> Audit {
        let opening = aws_core::audit::Opening {
            source: "s3.amazonaws.com",
            name: actions::trail_name(operation),
            read_only: is.read_only,
            management: is.management,
        };
        let mut audit = self.world.audit(&call.ctx, opening);
        note_parameters(call, aim, request);
        let owner = aim.bucket().and_then(|name| self.rows.find_bucket(name).ok().flatten()).map(|b| b.owner);
        let owner = owner.unwrap_or_else(|| call.ctx.account().clone());
        if let Aim::Object(bucket, key) = aim {
            audit.resource(&owner, "AWS::S3::Object", object_arn(bucket, key));
        }
        if let Some(bucket) = aim.bucket() {
            audit.resource(&owner, "AWS::S3::Bucket", bucket_arn(bucket));
        }
        audit
    }

    /// A bucket is found at its own region's endpoint only. Asking where it stands, or making it, is free of that; and
    /// a request without credentials names no region.
    fn check_region(&self, call: &Call, operation: &str, aim: Aim<'_>) -> Outcome<()> {
        let exempt =
            matches!(operation, "CreateBucket" | "GetBucketLocation") || call.ctx.caller.access_key_id.is_empty();
        let Some(name) = aim.bucket().filter(|_| !exempt) else { return Ok(()) };
        match self.rows.find_bucket(name)? {
            Some(bucket) if bucket.region != call.ctx.region => {
                call.answer_header("x-amz-bucket-region", bucket.region.as_str());
                Err(wrong_region(&bucket))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// `x-amz-expected-bucket-owner`: a bucket of somebody else's is not to be touched.
    fn check_expected_owner(&self, aim: Aim<'_>, headers: &HeaderMap) -> Outcome<()> {
        let expected = headers.get("x-amz-expected-bucket-owner").and_then(|value| value.to_str().ok());
        let (Some(expected), Some(name)) = (expected, aim.bucket()) else { return Ok(()) };
        match self.rows.find_bucket(name)? {
            Some(bucket) if bucket.owner.as_str() != expected => Err(access_denied("Access Denied")),
            Some(_) | None => Ok(()),
        }
    }
}

/// The parts of a request that policies and the trail look at.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    /// As sent.
    pub(crate) headers: &'a HeaderMap,
    /// Without the question mark.
    pub(crate) query: Option<&'a str>,
}

/// CloudTrail's `requestParameters`: where, the sub-resource, and the encryption headers. Never a customer's key.
fn note_parameters(call: &Call, aim: Aim<'_>, request: Request<'_>) {
    if let Some(bucket) = aim.bucket() {
        call.parameter("bucketName", bucket);
    }
    call.parameter("Host", call.ctx.host.clone());
    if let Aim::Object(_, key) = aim {
        call.parameter("key", key);
    }
    for name in [
        sse::SSE,
        sse::KEY_ID,
        sse::CONTEXT,
        customer::ALGORITHM,
        "x-amz-copy-source",
        "x-amz-storage-class",
        "x-amz-acl",
    ] {
        if let Some(value) = request.headers.get(name).and_then(|value| value.to_str().ok()) {
            call.parameter(name, value);
        }
    }
    for (name, value) in query_pairs(request.query) {
        if !name.to_ascii_lowercase().starts_with("x-amz-") {
            call.parameter(&name, value);
        }
    }
}

/// The query, decoded; a name without a value has an empty one.
pub(crate) fn query_pairs(query: Option<&str>) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    let pairs = query.unwrap_or("").split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(k, v)| (decode(k), decode(v))).collect()
}

#[async_trait]
impl S3Access for Gate {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let call = cx.extensions_mut().get::<Arc<Call>>().cloned().ok_or_else(no_call)?;
        let request = Request { headers: cx.headers(), query: cx.uri().query() };
        let entered = self.enter(&call, cx.s3_op().name(), Aim::of(cx.s3_path()), request);
        entered.map_err(|fault| told(&call, fault))
    }
}

/// A request that did not come through the door has no caller.
pub(crate) fn no_call() -> S3Error {
    S3Error::with_message(s3s::S3ErrorCode::AccessDenied, "Access Denied")
}

/// How the trail prints a fault.
pub(crate) fn call_error(code: &str, message: Option<&str>) -> CallError {
    CallError { code: code.to_owned(), message: message.unwrap_or("").to_owned() }
}
