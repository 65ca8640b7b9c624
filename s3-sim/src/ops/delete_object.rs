//! `DeleteObject`: idempotent. Without versions the wrapped data key goes with the row, and with it every way to read
//! the blob; with versions a marker hides the object, and only naming a version deletes it.

use s3s::dto::{DeleteObjectInput, DeleteObjectOutput};
use s3s::{S3Request, S3Response};

use crate::S3Sim;
use crate::call::Call;
use crate::error::{Outcome, not_implemented};
use crate::model::bucket::Bucket;
use crate::model::version::VersionId;
use crate::store::Guard;

pub(crate) async fn run(
    sim: &S3Sim,
    call: &Call,
    request: S3Request<DeleteObjectInput>,
) -> Outcome<S3Response<DeleteObjectOutput>> {
    let input = request.input;
    if input.if_match_last_modified_time.is_some() || input.if_match_size.is_some() {
        return Err(not_implemented("x-amz-if-match-size"));
    }
    let bucket = sim.rows.bucket(&input.bucket)?;
    let bypass = sim.may_bypass(call, &input.bucket, &input.key, input.bypass_governance_retention)?;
    let what = What {
        key: &input.key,
        version: input.version_id.as_deref(),
        guard: Guard::read(input.if_match.as_ref(), None)?,
        bypass,
    };
    let told = sim.delete(&bucket, what).await?;
    Ok(S3Response::new(DeleteObjectOutput {
        delete_marker: told.marker.then_some(true),
        version_id: told.version,
        ..DeleteObjectOutput::default()
    }))
}

/// What is to be deleted.
pub(crate) struct What<'a> {
    /// Of which key.
    pub(crate) key: &'a str,
    /// Which version; none is to hide the newest.
    pub(crate) version: Option<&'a str>,
    /// What must hold of the newest.
    pub(crate) guard: Guard,
    /// Whether GOVERNANCE does not bind.
    pub(crate) bypass: bool,
}

/// What the client is told of a deletion.
pub(crate) struct Told {
    /// Whether a marker was made, or deleted.
    pub(crate) marker: bool,
    /// The version made, or deleted.
    pub(crate) version: Option<String>,
}

impl S3Sim {
    /// Deletes or hides.
    pub(crate) async fn delete(&self, bucket: &Bucket, what: What<'_>) -> Outcome<Told> {
        let What { key, version, guard, bypass } = what;
        let now = self.world.now();
        let Some(version) = version else {
            let stamp = self.stamps.next(bucket, now, &*self.world.entropy);
            let modified = crate::headers::whole_seconds(now);
            let deleted = self.rows.delete_object(&bucket.name, key, guard, stamp, modified).await?;
            self.forget(&bucket.name, key, deleted.gone).await;
            let version = deleted.marker.as_ref().map(|marker| marker.version.clone().unwrap_or_else(|| "null".into()));
            return Ok(Told { marker: deleted.marker.is_some(), version });
        };
        let id = VersionId::parse(version)?;
        let permit = move |label: &crate::model::object::Label| label.check_deletable(now, bypass);
        let deleted = self.rows.delete_version(&bucket.name, key, id, permit).await?;
        self.forget(&bucket.name, key, deleted.gone).await;
        Ok(Told { marker: deleted.was_marker, version: Some(version.to_owned()) })
    }
}
