//! A body on its way out: only the segments that the range touches are read, and nothing leaves unverified.
//!
//! The first batch is opened before the answer starts, so that a damaged small object is an error and not a torn
//! body; the next batch is read and opened while the last one is sent.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use envelope::segment::{self, Opener, PartId};
use futures::Stream;
use futures::stream::unfold;
use tokio::task::JoinHandle;

use crate::blobs::{Pin, Shelf};
use crate::error::{Outcome, damaged, internal, store_failed};
use crate::keys::DataKeys;
use crate::layers::{self, OuterLayer};
use crate::model::object::{Object, Piece};

/// Plaintext bytes opened at a time: sixteen segments.
const BATCH_BYTES: u64 = 1 << 20;

/// Reads a range of an object, batch by batch. Holds the data keys until it is dropped.
pub(crate) struct Reader {
    shelf: Shelf,
    keys: DataKeys,
    _pin: Pin,
    inline: Option<Vec<u8>>,
    /// What is still to be read, first piece last.
    ahead: Vec<(Piece, Range<u64>)>,
    current: Option<Current>,
}

struct Current {
    piece: Piece,
    left: Range<u64>,
    opener: Opener,
    source: Source,
}

/// Where sealed bytes come from.
pub(crate) enum Source {
    /// A blob.
    File(File),
    /// A small object's row.
    Row(Vec<u8>),
    /// What the outer of two layers holds.
    Layer(OuterLayer),
}

impl Reader {
    /// Prepares to read `range` of the object's plaintext. `pin` holds the object's blobs.
    pub(crate) fn new(shelf: &Shelf, keys: DataKeys, pin: Pin, object: Object, range: Range<u64>) -> Self {
        let mut ahead = touched(&object.facts.pieces, &range);
        ahead.reverse();
        Self { shelf: shelf.clone(), keys, _pin: pin, inline: object.inline, ahead, current: None }
    }

    /// The next plaintext bytes, or `None` at the end of the range. Blocks on the disk.
    fn next_batch(&mut self) -> Outcome<Option<Bytes>> {
        loop {
            if let Some(current) = &mut self.current
                && !current.left.is_empty()
            {
                return current.read_batch(&self.shelf).map(Some);
            }
            let Some((piece, range)) = self.ahead.pop() else { return Ok(None) };
            self.current = Some(self.start(piece, range)?);
        }
    }

    fn start(&mut self, piece: Piece, left: Range<u64>) -> Outcome<Current> {
        let mut source = match self.inline.take() {
            Some(sealed) => Source::Row(sealed),
            None => Source::File(self.shelf.file(&piece.blob).map_err(store_failed)?),
        };
        let id = part_id(&piece)?;
        if let Some(outer) = &self.keys.outer {
            source = Source::Layer(OuterLayer::over(source, outer.expose(), id, piece.size)?);
        }
        let opener = layers::opener(&source, self.keys.body.expose(), id)?;
        Ok(Current { piece, left, opener, source })
    }
}

impl Current {
    fn read_batch(&mut self, shelf: &Shelf) -> Outcome<Bytes> {
        let start = self.left.start;
        let batch_end = (start / BATCH_BYTES + 1) * BATCH_BYTES;
        let range = start..batch_end.min(self.left.end);
        shelf.count_segments(self.source.segments(self.piece.size, &range));
        let plain = layers::open_range(&self.opener, &self.source, self.piece.size, &range)?;
        self.left.start = range.end;
        Ok(Bytes::from(plain))
    }
}

impl Source {
    /// Reads sealed bytes.
    pub(crate) fn read_exact_at(&self, out: &mut [u8], offset: u64) -> Outcome<()> {
        match self {
            Self::File(file) => file.read_exact_at(out, offset).map_err(|_| damaged("the length of a blob")),
            Self::Row(sealed) => {
                let start = usize::try_from(offset).map_err(|_| internal())?;
                let bytes = sealed.get(start..start + out.len()).ok_or_else(|| damaged("the length of a row"))?;
                out.copy_from_slice(bytes);
                Ok(())
            }
            Self::Layer(outer) => outer.read_exact_at(out, offset),
        }
    }

    /// How many segments are read for a range of a body of `len` bytes.
    fn segments(&self, len: u64, range: &Range<u64>) -> u64 {
        match self {
            Self::File(_) | Self::Row(_) => {
                segment::segments_for(len, range).map_or(0, |segments| segments.end - segments.start)
            }
            Self::Layer(outer) => segment::sealed_span(len, range).map_or(0, |span| outer.segments(&span)),
        }
    }
}

/// The pieces that `range` touches, each with its own range.
fn touched(pieces: &[Piece], range: &Range<u64>) -> Vec<(Piece, Range<u64>)> {
    let mut start = 0;
    let mut touched = Vec::new();
    for piece in pieces {
        let end = start + piece.size;
        let own = range.start.clamp(start, end) - start..range.end.clamp(start, end) - start;
        if !own.is_empty() {
            touched.push((piece.clone(), own));
        }
        start = end;
    }
    touched
}

fn part_id(piece: &Piece) -> Outcome<PartId> {
    let blob = hex::decode(&piece.blob).ok().and_then(|bytes| bytes.try_into().ok());
    Ok(PartId { blob: blob.ok_or_else(|| damaged("a piece table"))?, part_number: piece.part })
}

// ---------------------------------------------------------------- streaming

/// One batch, and the reader if there is more.
struct Step {
    bytes: Option<Bytes>,
    rest: Option<Box<Reader>>,
}

enum Phase {
    Have(Step),
    Waiting(JoinHandle<Outcome<Step>>),
    Done,
}

/// Plaintext as a stream, one batch ahead of whoever takes it. Fails before it starts when the first batch is bad.
pub(crate) async fn stream(reader: Reader) -> Outcome<impl Stream<Item = Outcome<Bytes>> + Send + Sync + 'static> {
    let reader = Box::new(reader);
    let first = if reader.inline.is_some() { reader.step() } else { joined(read_ahead(reader)).await };
    Ok(unfold(Phase::Have(first?), |phase| async move {
        let step = match phase {
            Phase::Have(step) => step,
            Phase::Waiting(handle) => match joined(handle).await {
                Ok(step) => step,
                Err(fault) => return Some((Err(fault), Phase::Done)),
            },
            Phase::Done => return None,
        };
        let next = step.rest.map_or(Phase::Done, |reader| Phase::Waiting(read_ahead(reader)));
        Some((Ok(step.bytes?), next))
    }))
}

impl Reader {
    /// Reads one batch; the key is wiped as soon as nothing is left to read.
    fn step(mut self: Box<Self>) -> Outcome<Step> {
        let bytes = self.next_batch()?;
        let exhausted = self.ahead.is_empty() && self.current.as_ref().is_none_or(|current| current.left.is_empty());
        Ok(Step { bytes, rest: (!exhausted).then_some(self) })
    }
}

fn read_ahead(reader: Box<Reader>) -> JoinHandle<Outcome<Step>> {
    tokio::task::spawn_blocking(move || reader.step())
}

async fn joined(handle: JoinHandle<Outcome<Step>>) -> Outcome<Step> {
    handle.await.unwrap_or_else(|error| {
        tracing::error!(%error, "reading was cut short");
        Err(internal())
    })
}
