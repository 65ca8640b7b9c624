//! The index of a full segment: what it spans, and a hash of every event id in it. Lost or damaged, it is made anew
//! from the segment.
//!
//! ```text
//! crc u32 | records u32 | bytes u64 | oldest i64 u64 | newest i64 u64 | last ordinal u64 | id hashes u64 × records      all LE
//! ```

use crc_fast::{CrcAlgorithm, checksum};

use super::segment::Summary;
use crate::card::Position;

/// What is known of a segment without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// What it spans.
    pub summary: Summary,
    /// One per record, in the order written.
    pub ids: Vec<u64>,
}

impl Index {
    /// The index as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Summary { records, bytes, oldest, newest, last_ordinal } = self.summary;
        let mut out = vec![0; 4];
        out.extend_from_slice(&records.to_le_bytes());
        out.extend_from_slice(&bytes.to_le_bytes());
        for position in [oldest, newest] {
            out.extend_from_slice(&position.time.to_le_bytes());
            out.extend_from_slice(&position.ordinal.to_le_bytes());
        }
        out.extend_from_slice(&last_ordinal.to_le_bytes());
        self.ids.iter().for_each(|id| out.extend_from_slice(&id.to_le_bytes()));
        let crc = crc(&out[4..]);
        out[..4].copy_from_slice(&crc);
        out
    }

    /// Reads it back; `None` if it is not whole.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (stored, rest) = bytes.split_first_chunk::<4>()?;
        if *stored != crc(rest) {
            return None;
        }
        let (records, rest) = rest.split_first_chunk::<4>()?;
        let (words, odd) = rest.as_chunks::<8>();
        let [length, oldest_time, oldest, newest_time, newest, last_ordinal, ids @ ..] = words else { return None };
        let position = |time: &[u8; 8], ordinal: &[u8; 8]| Position {
            time: i64::from_le_bytes(*time),
            ordinal: u64::from_le_bytes(*ordinal),
        };
        let summary = Summary {
            records: u32::from_le_bytes(*records),
            bytes: u64::from_le_bytes(*length),
            oldest: position(oldest_time, oldest),
            newest: position(newest_time, newest),
            last_ordinal: u64::from_le_bytes(*last_ordinal),
        };
        let whole = odd.is_empty() && ids.len() == summary.records as usize;
        whole.then(|| Self { summary, ids: ids.iter().map(|id| u64::from_le_bytes(*id)).collect() })
    }
}

/// FNV-1a of an event id. Two ids may share a hash; the record itself has the last word.
pub fn id_hash(id: &str) -> u64 {
    id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn crc(bytes: &[u8]) -> [u8; 4] {
    (checksum(CrcAlgorithm::Crc32IsoHdlc, bytes) as u32).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_survives_the_round_trip_and_no_damage_passes() {
        let (oldest, newest) = (Position { time: -5, ordinal: 1 }, Position { time: 7, ordinal: u64::MAX });
        let summary = Summary { records: 2, bytes: 999, oldest, newest, last_ordinal: u64::MAX };
        let index = Index { summary, ids: vec![id_hash("a"), id_hash("b")] };
        let bytes = index.to_bytes();
        assert_eq!(Index::from_bytes(&bytes), Some(index));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x40;
            assert_eq!(Index::from_bytes(&damaged), None, "byte {at}");
            assert_eq!(Index::from_bytes(&bytes[..at]), None, "cut at {at}");
        }
    }
}
