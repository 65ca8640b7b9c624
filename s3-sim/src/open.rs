//! A body on its way out: only the segments that the range touches are read, and nothing leaves unverified.
//!
//! The first batch is opened before the answer starts, so that a damaged small object is an error and not a torn
//! body; the next batch is read and opened while the last one is sent.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use envelope::data_key::PlaintextDataKey;
use envelope::segment::{self, HEADER_BYTES, Opener, PartId, SEGMENT_BYTES, SegmentIndex};
use futures::Stream;
use futures::stream::unfold;
use tokio::task::JoinHandle;

use crate::blobs::{Pin, Shelf};
use crate::error::{Outcome, damaged, internal, store_failed};
use crate::model::object::{Object, Piece};

/// Plaintext bytes opened at a time: sixteen segments.
const BATCH_BYTES: u64 = 1 << 20;

/// Reads a range of an object, batch by batch. Holds the data key until it is dropped.
pub(crate) struct Reader {
    shelf: Shelf,
    key: PlaintextDataKey,
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

enum Source {
    File(File),
    Row(Vec<u8>),
}

impl Reader {
    /// Prepares to read `range` of the object's plaintext. `pin` holds the object's blobs.
    pub(crate) fn new(shelf: &Shelf, key: PlaintextDataKey, pin: Pin, object: Object, range: Range<u64>) -> Self {
        let mut ahead = touched(&object.facts.pieces, &range);
        ahead.reverse();
        Self { shelf: shelf.clone(), key, _pin: pin, inline: object.inline, ahead, current: None }
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
        let source = match self.inline.take() {
            Some(sealed) => Source::Row(sealed),
            None => Source::File(self.shelf.file(&piece.blob).map_err(store_failed)?),
        };
        let mut header = [0; HEADER_BYTES];
        source.read_exact_at(&mut header, 0)?;
        let opener = Opener::new(&header, self.key.expose(), part_id(&piece)?).map_err(|_| damaged("a body"))?;
        Ok(Current { piece, left, opener, source })
    }
}

impl Current {
    fn read_batch(&mut self, shelf: &Shelf) -> Outcome<Bytes> {
        let start = self.left.start;
        let batch_end = (start / BATCH_BYTES + 1) * BATCH_BYTES;
        let range = start..batch_end.min(self.left.end);
        let beyond = || damaged("a piece table");
        let segments = segment::segments_for(self.piece.size, &range).ok_or_else(beyond)?;
        let span = segment::sealed_span(self.piece.size, &range).ok_or_else(beyond)?;
        let mut sealed = vec![0; usize::try_from(span.end - span.start).map_err(|_| internal())?];
        self.source.read_exact_at(&mut sealed, span.start)?;
        shelf.count_segments(segments.end - segments.start);
        let first = SegmentIndex(u32::try_from(segments.start).map_err(|_| beyond())?);
        let mut plain = Vec::with_capacity(sealed.len());
        self.opener.open_run(self.piece.size, first, &mut sealed, &mut plain).map_err(|_| damaged("a body"))?;
        let skip = (start - segments.start * SEGMENT_BYTES as u64) as usize;
        self.left.start = range.end;
        Ok(Bytes::from(plain).slice(skip..skip + (range.end - range.start) as usize))
    }
}

impl Source {
    fn read_exact_at(&self, out: &mut [u8], offset: u64) -> Outcome<()> {
        match self {
            Self::File(file) => file.read_exact_at(out, offset).map_err(|_| damaged("the length of a blob")),
            Self::Row(sealed) => {
                let start = usize::try_from(offset).map_err(|_| internal())?;
                let bytes = sealed.get(start..start + out.len()).ok_or_else(|| damaged("the length of a row"))?;
                out.copy_from_slice(bytes);
                Ok(())
            }
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
