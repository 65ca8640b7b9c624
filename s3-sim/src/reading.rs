//! Reading one object: find it, hold its blobs, weigh the conditions, open its key, verify its row.

use std::ops::Range;

use aws_core::fault::ApiFault;
use aws_core::policy::condition::Facts as Conditions;
use aws_core::time::Timestamp;
use s3s::dto::{self, ETagCondition};

use crate::S3Sim;
use crate::access::Aim;
use crate::blobs::Pin;
use crate::call::Call;
use crate::customer::CustomerKey;
use crate::error::{
    Outcome, access_denied, damaged, fault, is_a_marker, no_such_key, no_such_version, precondition_failed,
};
use crate::headers::our_time;
use crate::keys::{DataKeys, Owner};
use crate::model::bucket::{Bucket, Versioning};
use crate::model::object::{Facts, Object, Sealed};
use crate::model::version::{Marker, Version, VersionId};
use crate::proof::{self, Row};

/// An object that was found, its blobs held for as long as this lives.
pub(crate) struct Found {
    /// Its bucket.
    pub(crate) bucket: Bucket,
    /// Its row.
    pub(crate) object: Object,
    /// Keeps its blobs from being deleted.
    pub(crate) pin: Pin,
}

impl S3Sim {
    /// Finds a version of an object, the newest one when none is named, and holds it.
    pub(crate) fn find_version(&self, call: &Call, bucket: &str, key: &str, version: Option<&str>) -> Outcome<Found> {
        let bucket = self.rows.bucket(bucket)?;
        let id = version.map(VersionId::parse).transpose()?;
        // The row is looked at again once its blobs are held: a replacement in between has doomed them already.
        loop {
            let object = match &id {
                None => self.newest(call, &bucket, key)?,
                Some(id) => self.named(call, &bucket, key, id)?,
            };
            let pin = self.shelf.pin(object.blobs());
            let still = match &id {
                None => self.rows.find_object(&bucket.name, key)?.map(Box::new),
                Some(id) => self.rows.find_version(&bucket.name, key, id)?.and_then(Version::into_object),
            };
            if still.is_some_and(|still| still.facts.generation == object.facts.generation) {
                return Ok(Found { bucket, object, pin });
            }
        }
    }

    /// Whoever may not list the bucket does not learn that a key is absent. Of a key that a marker hides, the answer
    /// says so in its headers.
    fn newest(&self, call: &Call, bucket: &Bucket, key: &str) -> Outcome<Object> {
        if let Some(object) = self.rows.find_object(&bucket.name, key)? {
            return Ok(object);
        }
        self.gate.ask(call, "s3:ListBucket", Aim::Bucket(&bucket.name), &Conditions::default())?;
        if bucket.settings.versioning != Versioning::Never
            && let Some(marker) = self.rows.marker(&bucket.name, key)?
        {
            tell_marker(call, &marker);
        }
        Err(no_such_key(key))
    }

    fn named(&self, call: &Call, bucket: &Bucket, key: &str, id: &VersionId) -> Outcome<Object> {
        match self.rows.find_version(&bucket.name, key, id)? {
            Some(Version::Object(object)) => Ok(*object),
            Some(Version::Marker(marker)) => {
                tell_marker(call, &marker);
                call.answer_header("allow", "DELETE");
                Err(is_a_marker())
            }
            None => {
                self.gate.ask(call, "s3:ListBucket", Aim::Bucket(&bucket.name), &Conditions::default())?;
                Err(no_such_version(key, id.as_str()))
            }
        }
    }

    /// Opens the data keys and the proof of an object. SSE-C needs the key that came with the request.
    pub(crate) async fn unlock(
        &self,
        call: &Call,
        owner: Owner<'_>,
        object: &Object,
        customer: Option<&CustomerKey>,
    ) -> Outcome<(DataKeys, Sealed)> {
        let keys = self.keys.open(call, owner, &object.wrapped, customer).await?;
        let sealed = proof::open(keys.row(), Row::Object(&owner.arn()), &object.facts, &object.proof)?;
        let pieces: u64 = object.facts.pieces.iter().map(|piece| piece.size).sum();
        if pieces == object.facts.size { Ok((keys, sealed)) } else { Err(damaged("a piece table")) }
    }
}

fn tell_marker(call: &Call, marker: &Marker) {
    call.answer_header("x-amz-delete-marker", "true");
    call.answer_header("x-amz-version-id", marker.version.as_deref().unwrap_or("null"));
    call.answer_header("last-modified", marker.modified.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string());
}

impl Found {
    /// `x-amz-source-expected-bucket-owner`: a source of somebody else's is not to be copied.
    pub(crate) fn owned_by(self, expected: Option<&str>) -> Outcome<Self> {
        match expected {
            Some(owner) if owner != self.bucket.owner.as_str() => Err(access_denied("Access Denied")),
            Some(_) | None => Ok(self),
        }
    }
}

// ---------------------------------------------------------------- conditions

/// `If-Match`, `If-None-Match`, `If-Modified-Since`, `If-Unmodified-Since`.
#[derive(Default)]
pub(crate) struct If {
    /// The ETag must be this.
    pub(crate) matches: Option<ETagCondition>,
    /// The ETag must not be this.
    pub(crate) none_match: Option<ETagCondition>,
    /// It must be younger.
    pub(crate) modified_since: Option<dto::Timestamp>,
    /// It must not be younger.
    pub(crate) unmodified_since: Option<dto::Timestamp>,
}

impl If {
    /// 412 or 304. A matching `If-Match` overrules `If-Unmodified-Since`, `If-None-Match` overrules
    /// `If-Modified-Since`, as RFC 9110 and S3 have it.
    pub(crate) fn check(&self, facts: &Facts) -> Outcome<()> {
        match &self.matches {
            Some(condition) if !matches(condition, facts) => return Err(precondition_failed("If-Match")),
            Some(_) => {}
            None if is_after(facts.modified, self.unmodified_since.as_ref()) => {
                return Err(precondition_failed("If-Unmodified-Since"));
            }
            None => {}
        }
        match &self.none_match {
            Some(condition) if matches(condition, facts) => Err(not_modified(facts)),
            Some(_) => Ok(()),
            None if self.modified_since.is_some() && !is_after(facts.modified, self.modified_since.as_ref()) => {
                Err(not_modified(facts))
            }
            None => Ok(()),
        }
    }

    /// For copies every failed condition is 412.
    pub(crate) fn check_copy_source(&self, facts: &Facts) -> Outcome<()> {
        self.check(facts).map_err(|fault| {
            if fault.status == 304 { precondition_failed("x-amz-copy-source-If-None-Match") } else { fault }
        })
    }
}

fn matches(condition: &ETagCondition, facts: &Facts) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(etag) => etag.value() == facts.etag,
    }
}

fn is_after(modified: Timestamp, bound: Option<&dto::Timestamp>) -> bool {
    bound.and_then(our_time).is_some_and(|bound| modified > bound)
}

/// 304, with the ETag that the client already has.
fn not_modified(facts: &Facts) -> ApiFault {
    fault("NotModified", 304, "Not Modified").with("ETag", format!("\"{}\"", facts.etag))
}

// ---------------------------------------------------------------- ranges

/// Which bytes an answer carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// Of the plaintext.
    pub(crate) range: Range<u64>,
    /// `Content-Range`, for partial answers.
    pub(crate) content_range: Option<String>,
    /// `x-amz-mp-parts-count`, when a part was asked for.
    pub(crate) parts_count: Option<i32>,
}

impl Extent {
    /// From `Range` or `partNumber`; 416 when nothing of it exists.
    pub(crate) fn of(facts: &Facts, range: Option<dto::Range>, part: Option<i32>) -> Outcome<Self> {
        match (range, part) {
            (Some(_), Some(_)) => {
                Err(crate::error::invalid_request("Cannot specify both Range header and partNumber query parameter"))
            }
            (Some(range), None) => {
                let bytes = range.check(facts.size).map_err(|_| unsatisfiable(facts, &range))?;
                Ok(Self::partial(facts, bytes))
            }
            (None, Some(part)) => Self::part(facts, part),
            (None, None) => Ok(Self { range: 0..facts.size, content_range: None, parts_count: None }),
        }
    }

    /// Bytes in the answer.
    pub(crate) fn len(&self) -> u64 {
        self.range.end - self.range.start
    }

    fn partial(facts: &Facts, range: Range<u64>) -> Self {
        let content_range = format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), facts.size);
        Self { range, content_range: Some(content_range), parts_count: None }
    }

    fn part(facts: &Facts, number: i32) -> Outcome<Self> {
        let mut start = 0;
        for (position, piece) in (1i32..).zip(&facts.pieces) {
            if position == number {
                let range = start..start + piece.size;
                let parts_count = facts.upload.is_some().then_some(facts.pieces.len() as i32);
                let whole = Self { range: range.clone(), content_range: None, parts_count };
                return Ok(if range.is_empty() { whole } else { Self { parts_count, ..Self::partial(facts, range) } });
            }
            start += piece.size;
        }
        Err(fault("InvalidPartNumber", 416, "The requested partnumber is not satisfiable"))
    }
}

fn unsatisfiable(facts: &Facts, range: &dto::Range) -> ApiFault {
    fault("InvalidRange", 416, "The requested range is not satisfiable")
        .with("RangeRequested", range.to_header_string())
        .with("ActualObjectSize", facts.size.to_string())
}
