//! Taking in one part: the walk that UploadPart and UploadPartCopy share.

use bytes::Bytes;
use envelope::data_key::PlaintextDataKey;
use futures::Stream;
use http::HeaderMap;
use serde::Serialize;

use crate::S3Sim;
use crate::call::Call;
use crate::customer::CustomerKey;
use crate::digest::{Checksum, Checksums, Digests, Promise};
use crate::error::{Outcome, invalid_argument};
use crate::keys::Owner;
use crate::model::bucket::Bucket;
use crate::model::multipart::{LAST_PART, Part, Upload};
use crate::model::object::{Piece, Wrapping};
use crate::proof::{self, Row};
use crate::seal::{self, Target};
use crate::writing::{check_length, etag, kept_if_named};

/// A part about to be written.
pub(crate) struct Uploading<'a> {
    /// The service.
    pub(crate) sim: &'a S3Sim,
    /// For whom.
    pub(crate) call: &'a Call,
    /// Of the object to be.
    pub(crate) bucket: &'a Bucket,
    /// The upload it belongs to.
    pub(crate) upload: &'a Upload,
    /// 1 to 10,000.
    pub(crate) number: u16,
    /// For an SSE-C upload: the key that came with the request.
    pub(crate) customer: Option<CustomerKey>,
    /// What the client said of the body.
    pub(crate) promise: Promise,
    /// Bytes that must arrive, if the client said how many.
    pub(crate) length: Option<u64>,
}

impl Uploading<'_> {
    /// Takes the body in and commits the part.
    pub(crate) async fn run<S>(
        self,
        body: &mut S,
        trailers: impl FnOnce() -> Option<HeaderMap>,
    ) -> Outcome<(Part, Checksum)>
    where
        S: Stream<Item = Outcome<Bytes>> + Unpin,
    {
        let Self { sim, upload, .. } = self;
        let owner = Owner { bucket: self.bucket, key: &upload.key };
        let keys = sim.keys.open(self.call, owner, &upload.wrapped, self.customer.as_ref()).await?;
        let etag_is_md5 = upload.wrapped.wrapping == Wrapping::S3Owned;
        let digests = Digests::new(self.promise.algorithm, etag_is_md5 || self.promise.wants_md5());
        let target = Target { shelf: &sim.shelf, entropy: &sim.world.entropy, keys: &keys, part: self.number };
        let arrived = seal::take_in(target, digests, body).await?;
        check_length(self.length, &arrived.digested)?;
        self.promise.check(&arrived.digested, trailers().as_ref())?;

        let etag = etag(sim, etag_is_md5, &arrived.digested);
        let modified = crate::headers::whole_seconds(sim.world.now());
        let checksum = arrived.digested.checksum;
        let part = Part { piece: arrived.piece, etag, modified, proof: Vec::new() };
        let part = Part { proof: part_proof(sim, keys.row(), &upload.id, &part, &checksum), ..part };
        drop(keys);
        let committed = sim.rows.put_part(&self.bucket.name, &upload.id, part.clone()).await;
        let replaced = kept_if_named(arrived.landed, committed)?;
        sim.shelf.doom(replaced.into_iter().map(|part| part.piece.blob).collect()).await;
        Ok((part, checksum))
    }
}

/// What a part's proof is bound to.
#[derive(Serialize)]
struct Bound<'a> {
    piece: &'a Piece,
    etag: &'a str,
}

fn part_proof(sim: &S3Sim, key: &PlaintextDataKey, upload: &str, part: &Part, checksum: &Checksum) -> Vec<u8> {
    let bound = Bound { piece: &part.piece, etag: &part.etag };
    proof::seal(key, Row::Part(upload), &bound, &Some(checksum), &*sim.world.entropy)
}

/// The checksum of a part, once its row is verified.
pub(crate) fn part_checksum(key: &PlaintextDataKey, upload: &str, part: &Part) -> Outcome<Checksums> {
    let bound = Bound { piece: &part.piece, etag: &part.etag };
    proof::open(key, Row::Part(upload), &bound, &part.proof)
}

/// 1 to 10,000.
pub(crate) fn part_number(number: i32) -> Outcome<u16> {
    let fits = u16::try_from(number).ok().filter(|number| (1..=LAST_PART).contains(number));
    fits.ok_or_else(|| {
        let message = "Part number must be an integer between 1 and 10000, inclusive";
        invalid_argument("partNumber", &number.to_string(), message)
    })
}
