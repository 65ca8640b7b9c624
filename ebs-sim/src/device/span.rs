//! A request cut at sector borders.
//!
//! ```text
//!   sector  |  0        |  1        |  2        |  3        |
//!   request |      ▒▒▒▒▒|███████████|███████████|▒▒▒        |
//!                  head   body                   tail
//! ```
//!
//! The body can be encrypted as it comes. Head and tail touch only a part of their sector, so that a write must read
//! the rest of it first. A request inside one sector is all head.

use std::ops::Range;

use super::block_device::{ByteOffset, SECTOR_BYTES};

/// A part of one sector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Number of the sector.
    pub sector: u64,
    /// Which bytes of the sector.
    pub within: Range<usize>,
    /// Which bytes of the request.
    pub of_request: Range<usize>,
}

/// Whole sectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Number of the first sector.
    pub first: u64,
    /// Which bytes of the request; a multiple of a sector long.
    pub of_request: Range<usize>,
}

/// A request in up to three pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// A part of the first sector, when the request does not start at its border, or ends before its next.
    pub head: Option<Edge>,
    /// The whole sectors.
    pub body: Option<Body>,
    /// A part of the last sector.
    pub tail: Option<Edge>,
}

impl Span {
    /// Cuts `len` bytes from `at` on.
    pub fn of(at: ByteOffset, len: usize) -> Self {
        let sector = SECTOR_BYTES as u64;
        let skew = (at.0 % sector) as usize;
        let ragged_start = skew != 0 || len < SECTOR_BYTES;
        let head_len = if ragged_start { len.min(SECTOR_BYTES - skew) } else { 0 };
        let body_len = (len - head_len) / SECTOR_BYTES * SECTOR_BYTES;
        let tail_start = head_len + body_len;
        let first = at.0.div_ceil(sector);
        Self {
            head: edge(at.0 / sector, skew, 0..head_len),
            body: (body_len > 0).then_some(Body { first, of_request: head_len..tail_start }),
            tail: edge((at.0 + tail_start as u64) / sector, 0, tail_start..len),
        }
    }

    /// Head and tail, where there are any.
    pub fn edges(&self) -> impl Iterator<Item = &Edge> {
        self.head.iter().chain(&self.tail)
    }
}

fn edge(sector: u64, skew: usize, of_request: Range<usize>) -> Option<Edge> {
    let within = skew..skew + of_request.len();
    (!of_request.is_empty()).then_some(Edge { sector, within, of_request })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drawn(at: u64, len: usize) -> String {
        let span = Span::of(ByteOffset(at), len);
        let edge = |e: &Edge| format!("{}[{}..{}]", e.sector, e.within.start, e.within.end);
        let body = |b: &Body| format!("{}+{}", b.first, b.of_request.len() / SECTOR_BYTES);
        [span.head.as_ref().map(edge), span.body.as_ref().map(body), span.tail.as_ref().map(edge)]
            .map(|piece| piece.unwrap_or_else(|| "-".into()))
            .join(" ")
    }

    #[test]
    fn a_request_is_cut_at_sector_borders_only() {
        assert_eq!(drawn(0, 0), "- - -");
        assert_eq!(drawn(512, 1024), "- 1+2 -");
        assert_eq!(drawn(500, 12), "0[500..512] - -");
        assert_eq!(drawn(600, 10), "1[88..98] - -");
        assert_eq!(drawn(0, 100), "0[0..100] - -");
        assert_eq!(drawn(500, 600), "0[500..512] 1+1 2[0..76]");
        assert_eq!(drawn(511, 2), "0[511..512] - 1[0..1]");
        assert_eq!(drawn(1024, 513), "- 2+1 3[0..1]");
    }

    proptest! {
        /// Every byte of the request is in exactly one piece, and each piece knows where on the device it lies.
        #[test]
        fn the_pieces_tile_the_request(at in 0u64..4096, len in 0usize..4096) {
            let span = Span::of(ByteOffset(at), len);
            let mut covered = Vec::new();
            for e in span.edges() {
                prop_assert!(e.within.end <= SECTOR_BYTES);
                prop_assert_eq!(e.sector * 512 + e.within.start as u64, at + e.of_request.start as u64);
                prop_assert_eq!(e.within.len(), e.of_request.len());
                covered.extend(e.of_request.clone());
            }
            if let Some(b) = &span.body {
                prop_assert_eq!(b.first * 512, at + b.of_request.start as u64);
                covered.extend(b.of_request.clone());
            }
            covered.sort_unstable();
            prop_assert_eq!(covered, (0..len).collect::<Vec<_>>());
        }
    }
}
