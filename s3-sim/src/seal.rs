//! A body on its way in: digested, sealed and written as it streams by, in bounded memory.
//!
//! ```text
//! socket ──▶ 1 MiB of chunks ──▶ blocking pool: digest, seal, write ──▶ … ──▶ fdatasync, rename
//!                 ▲ the next MiB gathers while the last one is sealed
//! ```
//! A body that ends within [`INLINE_BYTES`] never meets the disk here: it is sealed in memory and rides in its row.

use std::sync::Arc;

use ::store::blobs::BlobWriter;
use aws_core::fault::ApiFault;
use bytes::Bytes;
use envelope::entropy::Entropy;
use envelope::segment::PartId;
use futures::{Stream, StreamExt};
use tokio::task::JoinHandle;

use crate::blobs::{Landed, Shelf};
use crate::digest::{Digested, Digests};
use crate::error::{Outcome, fault, internal, store_failed};
use crate::keys::DataKeys;
use crate::layers::LayeredSealer;
use crate::model::multipart::LARGEST_BODY_BYTES;
use crate::model::object::Piece;

/// The largest body that stands in its row.
pub(crate) const INLINE_BYTES: usize = 16 << 10;

/// How much is gathered before it is handed to the blocking pool.
const BATCH_BYTES: usize = 1 << 20;

/// Where a body goes.
pub(crate) struct Target<'a> {
    /// For bodies too large for their row.
    pub(crate) shelf: &'a Shelf,
    /// For salts and blob ids.
    pub(crate) entropy: &'a Arc<dyn Entropy>,
    /// To seal with.
    pub(crate) keys: &'a DataKeys,
    /// Part number; 0 for a whole object, which may be inline.
    pub(crate) part: u16,
}

/// A body that has arrived.
pub(crate) struct Arrived {
    /// For the row's piece table.
    pub(crate) piece: Piece,
    /// The sealed bytes of a small body.
    pub(crate) inline: Option<Vec<u8>>,
    /// MD5 if asked, checksum, size.
    pub(crate) digested: Digested,
    /// The blob of a larger body, deleted unless kept.
    pub(crate) landed: Option<Landed>,
}

/// Takes in a whole body.
pub(crate) async fn take_in<S>(target: Target<'_>, digests: Digests, body: &mut S) -> Outcome<Arrived>
where
    S: Stream<Item = Outcome<Bytes>> + Unpin,
{
    let may_be_inline = target.part == 0;
    let first = gather(body, if may_be_inline { INLINE_BYTES + 1 } else { BATCH_BYTES }).await?;
    let id = PartId { blob: target.entropy.array(), part_number: target.part };
    if may_be_inline && first.bytes <= INLINE_BYTES {
        return seal_inline(&target, id, digests, &first);
    }
    let name = hex::encode(id.blob);
    let mut sealed = Vec::with_capacity(BATCH_BYTES + BATCH_BYTES / 1024);
    let sealer = LayeredSealer::start(target.keys, id, &**target.entropy, &mut sealed);
    let writer = target.shelf.create(&name).map_err(store_failed)?;
    let work = Work { digests, sealer, writer, sealed };
    let digested = stream_through(work, first, body).await?;
    let landed = Some(target.shelf.landed(&name));
    let piece = Piece { blob: name, size: digested.size, part: target.part };
    Ok(Arrived { piece, inline: None, digested, landed })
}

fn seal_inline(target: &Target<'_>, id: PartId, mut digests: Digests, batch: &Batch) -> Outcome<Arrived> {
    let mut sealed = Vec::with_capacity(batch.bytes + 256);
    let mut sealer = LayeredSealer::start(target.keys, id, &**target.entropy, &mut sealed);
    for chunk in &batch.chunks {
        digests.update(chunk);
        sealer.push(chunk, &mut sealed).map_err(|_| too_large())?;
    }
    sealer.finish(&mut sealed).map_err(|_| too_large())?;
    let digested = digests.finish();
    let piece = Piece { blob: hex::encode(id.blob), size: digested.size, part: target.part };
    Ok(Arrived { piece, inline: Some(sealed), digested, landed: None })
}

/// The state that travels to the blocking pool and back.
struct Work {
    digests: Digests,
    sealer: LayeredSealer,
    writer: BlobWriter,
    sealed: Vec<u8>,
}

impl Work {
    fn step(mut self, batch: &Batch) -> Outcome<Self> {
        for chunk in &batch.chunks {
            self.digests.update(chunk);
            self.sealer.push(chunk, &mut self.sealed).map_err(|_| too_large())?;
        }
        self.writer.write_all(&self.sealed).map_err(store_failed)?;
        self.sealed.clear();
        Ok(self)
    }

    fn finish(mut self) -> Outcome<Digested> {
        self.sealer.finish(&mut self.sealed).map_err(|_| too_large())?;
        self.writer.write_all(&self.sealed).map_err(store_failed)?;
        self.writer.finish().map_err(store_failed)?;
        Ok(self.digests.finish())
    }
}

async fn stream_through<S>(work: Work, first: Batch, body: &mut S) -> Outcome<Digested>
where
    S: Stream<Item = Outcome<Bytes>> + Unpin,
{
    let mut total = first.bytes as u64;
    let mut ended = first.ended;
    let mut under_way = hand_over(work, first);
    while !ended {
        let next = gather(body, BATCH_BYTES).await?;
        total += next.bytes as u64;
        if total > LARGEST_BODY_BYTES {
            return Err(too_large());
        }
        ended = next.ended;
        let work = joined(under_way).await?;
        under_way = hand_over(work, next);
    }
    let work = joined(under_way).await?;
    joined(tokio::task::spawn_blocking(move || work.finish())).await
}

fn hand_over(work: Work, batch: Batch) -> JoinHandle<Outcome<Work>> {
    tokio::task::spawn_blocking(move || work.step(&batch))
}

async fn joined<T>(handle: JoinHandle<Outcome<T>>) -> Outcome<T> {
    handle.await.unwrap_or_else(|error| {
        tracing::error!(%error, "sealing was cut short");
        Err(internal())
    })
}

/// Chunks as they came from the socket, uncopied.
struct Batch {
    chunks: Vec<Bytes>,
    bytes: usize,
    ended: bool,
}

async fn gather<S>(body: &mut S, enough: usize) -> Outcome<Batch>
where
    S: Stream<Item = Outcome<Bytes>> + Unpin,
{
    let mut batch = Batch { chunks: Vec::new(), bytes: 0, ended: false };
    while batch.bytes < enough {
        let Some(chunk) = body.next().await else {
            batch.ended = true;
            break;
        };
        let chunk = chunk?;
        batch.bytes += chunk.len();
        batch.chunks.push(chunk);
    }
    Ok(batch)
}

/// 400: more than a single PUT or part may carry.
pub(crate) fn too_large() -> ApiFault {
    fault("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size")
        .with("MaxSizeAllowed", LARGEST_BODY_BYTES.to_string())
}
