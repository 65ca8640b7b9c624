//! One record on disk.
//!
//! ```text
//! length  u32 LE   of the payload
//! crc     u32 LE   CRC-32 (ISO-HDLC, as in gzip) of the payload
//! payload          three lines of JSON: the card, the CloudTrail record, the decision (or null)
//! ```
//! JSON on one line never holds a raw line feed, so lines separate the three, and a curious eye can read the file.

use std::io::{self, Read};

use aws_core::policy::explain::Explanation;
use crc_fast::{CrcAlgorithm, checksum};

use crate::card::Card;

const HEADER_BYTES: usize = 8;

/// No honest record comes near this: a longer length is a torn header.
const LONGEST_PAYLOAD_BYTES: u32 = 16 << 20;

/// A payload that passed its checksum.
#[derive(Clone, Debug)]
pub struct Frame(String);

impl Frame {
    /// Appends the bytes of one frame. Refuses one that [`Frame::read`] would take for torn.
    pub fn write(into: &mut Vec<u8>, card: &Card, record: &str, decision: Option<&Explanation>) -> io::Result<()> {
        let mut payload = serde_json::to_vec(card)?;
        payload.push(b'\n');
        payload.extend_from_slice(record.as_bytes());
        payload.push(b'\n');
        serde_json::to_writer(&mut payload, &decision)?;
        let length = u32::try_from(payload.len()).ok().filter(|length| *length <= LONGEST_PAYLOAD_BYTES);
        let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the record is too long"))?;
        into.extend_from_slice(&length.to_le_bytes());
        into.extend_from_slice(&crc(&payload).to_le_bytes());
        into.extend_from_slice(&payload);
        Ok(())
    }

    /// Reads the next frame. `None` at the end, which is also where the first torn or damaged frame begins.
    pub fn read(from: &mut impl Read) -> io::Result<Option<Self>> {
        let mut header = [0; HEADER_BYTES];
        if !filled(from, &mut header)? {
            return Ok(None);
        }
        let [l0, l1, l2, l3, c0, c1, c2, c3] = header;
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        if length == 0 || length > LONGEST_PAYLOAD_BYTES {
            return Ok(None);
        }
        let mut payload = vec![0; length as usize];
        let whole = filled(from, &mut payload)? && crc(&payload) == u32::from_le_bytes([c0, c1, c2, c3]);
        Ok(whole.then(|| String::from_utf8(payload).ok().map(Self)).flatten())
    }

    /// Length on disk.
    pub fn len_bytes(&self) -> u64 {
        (HEADER_BYTES + self.0.len()) as u64
    }

    /// The card; `None` if a later version wrote it in a way that this one cannot read.
    pub fn card(&self) -> Option<Card> {
        serde_json::from_str(self.line(0)).ok()
    }

    /// The CloudTrail record, as JSON text.
    pub fn record(&self) -> &str {
        self.line(1)
    }

    /// The decision, if a policy was asked.
    pub fn decision(&self) -> Option<Explanation> {
        serde_json::from_str(self.line(2)).ok().flatten()
    }

    fn line(&self, n: usize) -> &str {
        self.0.split('\n').nth(n).unwrap_or("")
    }
}

fn crc(payload: &[u8]) -> u32 {
    // The 32-bit algorithms of the crate answer in the low half of a u64.
    checksum(CrcAlgorithm::Crc32IsoHdlc, payload) as u32
}

/// Fills `out` whole, or says that the input ended first.
fn filled(from: &mut impl Read, out: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(out) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(e),
    }
}
