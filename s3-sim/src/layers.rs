//! One layer of sealed segments, or two: DSSE-KMS seals what the first layer gave once more, under a key of its own.
//!
//! ```text
//! plaintext ──inner key──▶ header, segments ──outer key──▶ header, segments        (both in the form SEA1)
//! ```
//! So a range of the plaintext is a range of the inner form, which is a range of the outer form: two layers are read
//! segment by segment as one is.

use std::ops::Range;

use envelope::entropy::Entropy;
use envelope::segment::{
    self, HEADER_BYTES, Opener, PartId, SEALED_SEGMENT_BYTES, SEGMENT_BYTES, SealError, Sealer, SegmentIndex,
};

use crate::error::{Outcome, damaged};
use crate::keys::DataKeys;
use crate::open::Source;

/// Seals a body as it streams by.
pub(crate) struct LayeredSealer {
    inner: Sealer,
    outer: Option<Outer>,
}

struct Outer {
    sealer: Sealer,
    /// What the inner layer just gave: ciphertext.
    between: Vec<u8>,
}

impl LayeredSealer {
    /// Starts a body and appends its header to `out`.
    pub(crate) fn start(keys: &DataKeys, id: PartId, entropy: &dyn Entropy, out: &mut Vec<u8>) -> Self {
        let Some(key) = &keys.outer else {
            return Self { inner: Sealer::start(keys.body.expose(), id, entropy, out), outer: None };
        };
        let mut between = Vec::new();
        let inner = Sealer::start(keys.body.expose(), id, entropy, &mut between);
        Self { inner, outer: Some(Outer { sealer: Sealer::start(key.expose(), id, entropy, out), between }) }
    }

    /// Takes plaintext; sealed bytes are appended to `out`.
    pub(crate) fn push(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        let Some(outer) = &mut self.outer else { return self.inner.push(plain, out) };
        self.inner.push(plain, &mut outer.between)?;
        outer.pass_on(out)
    }

    /// Seals the last segment of each layer.
    pub(crate) fn finish(self, out: &mut Vec<u8>) -> Result<(), SealError> {
        let Some(mut outer) = self.outer else { return self.inner.finish(out) };
        self.inner.finish(&mut outer.between)?;
        outer.pass_on(out)?;
        outer.sealer.finish(out)
    }
}

impl Outer {
    fn pass_on(&mut self, out: &mut Vec<u8>) -> Result<(), SealError> {
        self.sealer.push(&self.between, out)?;
        self.between.clear();
        Ok(())
    }
}

/// The outer layer, opened as far as it is looked at.
pub(crate) struct OuterLayer {
    opener: Opener,
    source: Box<Source>,
    /// Length of the inner form: header, segments, tags.
    len: u64,
}

impl OuterLayer {
    /// Over `source`, which holds an inner form of a body of `plain_len` bytes.
    pub(crate) fn over(source: Source, key: &[u8], id: PartId, plain_len: u64) -> Outcome<Self> {
        let opener = opener(&source, key, id)?;
        let len = segment::sealed_len(plain_len).ok_or_else(|| damaged("a piece table"))?;
        Ok(Self { opener, source: Box::new(source), len })
    }

    /// Reads bytes of the inner form.
    pub(crate) fn read_exact_at(&self, out: &mut [u8], offset: u64) -> Outcome<()> {
        let opened = open_range(&self.opener, &self.source, self.len, &(offset..offset + out.len() as u64))?;
        out.copy_from_slice(&opened);
        Ok(())
    }

    /// How many segments of the outer layer a range of the inner form takes.
    pub(crate) fn segments(&self, range: &Range<u64>) -> u64 {
        segment::segments_for(self.len, range).map_or(0, |segments| segments.end - segments.start)
    }
}

/// An opener for the body in `source`, once its header is verified.
pub(crate) fn opener(source: &Source, key: &[u8], id: PartId) -> Outcome<Opener> {
    let mut header = [0; HEADER_BYTES];
    source.read_exact_at(&mut header, 0)?;
    Opener::new(&header, key, id).map_err(|_| damaged("a body"))
}

/// Plaintext of `range` out of a body of `len` bytes.
pub(crate) fn open_range(opener: &Opener, source: &Source, len: u64, range: &Range<u64>) -> Outcome<Vec<u8>> {
    let beyond = || damaged("a piece table");
    let segments = segment::segments_for(len, range).ok_or_else(beyond)?;
    let span = segment::sealed_span(len, range).ok_or_else(beyond)?;
    let mut sealed = vec![0; usize::try_from(span.end - span.start).map_err(|_| beyond())?];
    source.read_exact_at(&mut sealed, span.start)?;
    let first = SegmentIndex(u32::try_from(segments.start).map_err(|_| beyond())?);
    let mut plain = Vec::with_capacity(sealed.len() / SEALED_SEGMENT_BYTES * SEGMENT_BYTES + SEGMENT_BYTES);
    opener.open_run(len, first, &mut sealed, &mut plain).map_err(|_| damaged("a body"))?;
    let skip = (range.start - segments.start * SEGMENT_BYTES as u64) as usize;
    plain.drain(..skip);
    plain.truncate((range.end - range.start) as usize);
    Ok(plain)
}
