//! SEA1: the sealed form of an object body. Segments of 64 KiB, each AES-256-GCM, readable from any place.
//!
//! ```text
//! ┌──────────── header, 96 bytes ────────────┐┌── segment 0 ──┐┌── segment 1 ──┐     ┌── last segment ──┐
//! │ 0 "SEA1"        magic                     ││ 65536 ct ‖ 16 ││ 65536 ct ‖ 16 │  …  │ 0…65536 ct ‖ 16  │
//! │ 4 01            suite: AES-256-GCM        │└───────────────┘└───────────────┘     └──────────────────┘
//! │ 5 10            log2 of the segment size  │
//! │ 6 u16be         part number, 0 = whole    │   key ‖ prefix ‖ commitment = HKDF-SHA256(
//! │ 8 16 bytes      uuid of the blob          │       ikm  = data key, salt = salt,
//! │24 32 bytes      salt                      │       info = "SEA1" ‖ suite ‖ uuid ‖ part number)
//! │56 32 bytes      commitment                │   nonce = prefix 7 ‖ u32be index ‖ 01 if last, else 00
//! │88 8 bytes       zero                      │   AAD   = SHA-256 of the header
//! └───────────────────────────────────────────┘
//! ```
//!
//! - Only the last segment may be short (an empty body is one empty last segment), and only it carries the last
//!   flag: cut, extended, swapped or reordered bodies do not open.
//! - A fresh salt for each write gives a fresh key and prefix: writing the same part twice reuses no nonce.
//! - The commitment is compared, in constant time, before anything is decrypted: GCM alone would let someone who
//!   chooses keys build one body that opens under two of them.
//! - Nothing binds a body to its bucket and name; the encryption context and the metadata row do that. So a copy
//!   under the same key, or a change of the key's wrapping, touches metadata only.
//!
//! Deliberately absent: files, and the length of the body. Both belong to the caller.

use std::fmt;
use std::ops::Range;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::derive::hkdf_sha256;
use crate::entropy::Entropy;
pub use crate::gcm::{OpenError, TAG_BYTES};

/// Length of the header.
pub const HEADER_BYTES: usize = 96;
/// Plaintext bytes of every segment but the last.
pub const SEGMENT_BYTES: usize = 1 << SEGMENT_LOG2;
/// Bytes of every sealed segment but the last.
pub const SEALED_SEGMENT_BYTES: usize = SEGMENT_BYTES + TAG_BYTES;
/// The longest body: 2^32 segments, 256 TiB.
pub const MAX_PLAIN_BYTES: u64 = (1 << 32) * SEGMENT_BYTES as u64;

const SEGMENT_LOG2: u8 = 16;
const MAGIC: &[u8; 4] = b"SEA1";
const SUITE_AES_256_GCM: u8 = 1;
const PREFIX_BYTES: usize = 7;
const KEY_BYTES: usize = 32;
const COMMITMENT_BYTES: usize = 32;

/// Which body of which blob; part of the key derivation, so that files cannot be exchanged for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartId {
    /// UUID of the blob.
    pub blob: [u8; 16],
    /// Part of a multipart upload, from 1; 0 is a whole object.
    pub part_number: u16,
}

/// Position of a segment in its body, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentIndex(pub u32);

/// Why a body cannot be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// More than 2^32 segments.
    #[error("a sealed body ends at 2^32 segments")]
    TooLong,
}

// ---------------------------------------------------------------- sealing

/// Seals a body as it streams by: bytes in, sealed bytes appended to the caller's buffer.
pub struct Sealer {
    part: PartKey,
    next: u64,
    /// Plaintext of a segment that is not full, or full but perhaps the last.
    pending: Zeroizing<Vec<u8>>,
}

impl Sealer {
    /// Starts a body under `data_key` and appends its header to `out`.
    pub fn start(data_key: &[u8], id: PartId, entropy: &dyn Entropy, out: &mut Vec<u8>) -> Self {
        let salt = entropy.array();
        let (derived, header) = Header::derive(data_key, id, salt);
        out.extend_from_slice(&header.encode());
        let pending = Zeroizing::new(Vec::with_capacity(SEGMENT_BYTES));
        Self { part: PartKey::new(&derived, &header), next: 0, pending }
    }

    /// Takes plaintext; whole segments come out. Holds back at most one segment, as it might be the last.
    pub fn push(&mut self, mut plain: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        while !plain.is_empty() {
            if self.pending.len() == SEGMENT_BYTES {
                self.seal_pending(out, false)?;
            }
            if self.pending.is_empty() && plain.len() > SEGMENT_BYTES {
                let (segment, rest) = plain.split_at(SEGMENT_BYTES);
                self.seal_one(segment, out, false)?;
                plain = rest;
                continue;
            }
            let room = SEGMENT_BYTES - self.pending.len();
            let (head, rest) = plain.split_at(room.min(plain.len()));
            self.pending.extend_from_slice(head);
            plain = rest;
        }
        Ok(())
    }

    /// Seals the last segment. A body without it does not open.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), SealError> {
        self.seal_pending(out, true)
    }

    fn seal_pending(&mut self, out: &mut Vec<u8>, last: bool) -> Result<(), SealError> {
        let mut pending = std::mem::take(&mut *self.pending);
        let sealed = self.seal_one(&pending, out, last);
        pending.zeroize();
        *self.pending = pending;
        sealed
    }

    fn seal_one(&mut self, plain: &[u8], out: &mut Vec<u8>, last: bool) -> Result<(), SealError> {
        let index = SegmentIndex(u32::try_from(self.next).map_err(|_| SealError::TooLong)?);
        self.next += 1;
        out.reserve(plain.len() + TAG_BYTES);
        let start = out.len();
        out.extend_from_slice(plain);
        let tag = self.part.seal(index, last, &mut out[start..]);
        out.extend_from_slice(&tag);
        Ok(())
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer(at segment {})", self.next)
    }
}

// ---------------------------------------------------------------- opening

/// Opens segments of one body, in any order.
#[derive(Debug)]
pub struct Opener {
    part: PartKey,
}

impl Opener {
    /// Checks the header against what the caller knows: the data key and which body this should be.
    pub fn new(header: &[u8; HEADER_BYTES], data_key: &[u8], id: PartId) -> Result<Self, OpenError> {
        let stored = Header::parse(header).ok_or(OpenError)?;
        let (derived, header) = Header::derive(data_key, id, stored.salt);
        let same = header.encode().ct_eq(&stored.encode());
        if bool::from(same) { Ok(Self { part: PartKey::new(&derived, &header) }) } else { Err(OpenError) }
    }

    /// Opens one sealed segment in place; returns its plaintext. After an error the buffer holds no plaintext.
    pub fn open_segment<'a>(
        &self,
        index: SegmentIndex,
        is_last: bool,
        sealed: &'a mut [u8],
    ) -> Result<&'a mut [u8], OpenError> {
        self.part.open(index, is_last, sealed)
    }

    /// Opens a run of consecutive segments, as read from [`sealed_span`], and appends its plaintext to `out`.
    /// `plain_len` is the length of the whole body: it says which segment is the last.
    pub fn open_run(
        &self,
        plain_len: u64,
        first: SegmentIndex,
        sealed: &mut [u8],
        out: &mut Vec<u8>,
    ) -> Result<(), OpenError> {
        let last = last_segment(plain_len).ok_or(OpenError)?;
        for (index, segment) in (u64::from(first.0)..).zip(sealed.chunks_mut(SEALED_SEGMENT_BYTES)) {
            let index = SegmentIndex(u32::try_from(index).map_err(|_| OpenError)?);
            let is_last = index == last;
            if !is_last && segment.len() != SEALED_SEGMENT_BYTES {
                return Err(OpenError);
            }
            out.extend_from_slice(self.open_segment(index, is_last, segment)?);
        }
        Ok(())
    }
}

// ---------------------------------------------------------------- arithmetic

/// Length of a sealed body, header included; `None` when the body is too long for the format.
pub fn sealed_len(plain_len: u64) -> Option<u64> {
    let segments = u64::from(last_segment(plain_len)?.0) + 1;
    Some(HEADER_BYTES as u64 + plain_len + segments * TAG_BYTES as u64)
}

/// The last segment of a body of `plain_len` bytes; `None` when the body is too long for the format.
pub fn last_segment(plain_len: u64) -> Option<SegmentIndex> {
    u32::try_from(plain_len.saturating_sub(1) / SEGMENT_BYTES as u64).ok().map(SegmentIndex)
}

/// The segments that hold `range` of a body's plaintext, end exclusive. Empty for an empty or inverted range;
/// `None` when the range leaves the body.
pub fn segments_for(plain_len: u64, range: &Range<u64>) -> Option<Range<u64>> {
    if range.end > plain_len || plain_len > MAX_PLAIN_BYTES {
        return None;
    }
    if range.is_empty() {
        return Some(0..0);
    }
    Some(range.start / SEGMENT_BYTES as u64..(range.end - 1) / SEGMENT_BYTES as u64 + 1)
}

/// The bytes of the sealed file, header included, to read for `range` of the plaintext: whole segments.
pub fn sealed_span(plain_len: u64, range: &Range<u64>) -> Option<Range<u64>> {
    let segments = segments_for(plain_len, range)?;
    let at = |segment: u64| HEADER_BYTES as u64 + segment * SEALED_SEGMENT_BYTES as u64;
    if segments.is_empty() {
        return Some(at(0)..at(0));
    }
    Some(at(segments.start)..at(segments.end).min(sealed_len(plain_len)?))
}

// ---------------------------------------------------------------- the parts of the format

struct Header {
    id: PartId,
    salt: [u8; 32],
    commitment: [u8; COMMITMENT_BYTES],
}

/// What comes out of the key derivation: key ‖ nonce prefix ‖ commitment.
struct Derived(Zeroizing<[u8; KEY_BYTES + PREFIX_BYTES + COMMITMENT_BYTES]>);

impl Header {
    fn derive(data_key: &[u8], id: PartId, salt: [u8; 32]) -> (Derived, Self) {
        let number = id.part_number.to_be_bytes();
        let info = [&MAGIC[..], &[SUITE_AES_256_GCM], &id.blob, &number].concat();
        let mut derived = Derived(Zeroizing::new([0; KEY_BYTES + PREFIX_BYTES + COMMITMENT_BYTES]));
        hkdf_sha256(data_key, &salt, &info, &mut derived.0[..]);
        let commitment = *derived.0.last_chunk().expect("the commitment is the tail");
        (derived, Self { id, salt, commitment })
    }

    fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[..4].copy_from_slice(MAGIC);
        (out[4], out[5]) = (SUITE_AES_256_GCM, SEGMENT_LOG2);
        out[6..8].copy_from_slice(&self.id.part_number.to_be_bytes());
        out[8..24].copy_from_slice(&self.id.blob);
        out[24..56].copy_from_slice(&self.salt);
        out[56..88].copy_from_slice(&self.commitment);
        out
    }

    /// `None` for anything that [`Header::encode`] cannot have written.
    fn parse(bytes: &[u8; HEADER_BYTES]) -> Option<Self> {
        let field = |at: usize| bytes[at..].first_chunk::<32>().copied();
        let id = PartId { blob: *bytes[8..].first_chunk()?, part_number: u16::from_be_bytes([bytes[6], bytes[7]]) };
        let header = Self { id, salt: field(24)?, commitment: field(56)? };
        (header.encode() == *bytes).then_some(header)
    }
}

struct PartKey {
    key: LessSafeKey,
    prefix: [u8; PREFIX_BYTES],
    header_hash: [u8; 32],
}

impl PartKey {
    fn new(derived: &Derived, header: &Header) -> Self {
        let (key, rest) = derived.0.split_at(KEY_BYTES);
        let key = UnboundKey::new(&AES_256_GCM, key).expect("an AES-256 key is 32 bytes");
        let prefix = *rest.first_chunk().expect("the prefix follows the key");
        Self { key: LessSafeKey::new(key), prefix, header_hash: Sha256::digest(header.encode()).into() }
    }

    fn nonce(&self, index: SegmentIndex, last: bool) -> Nonce {
        let mut nonce = [0; 12];
        nonce[..PREFIX_BYTES].copy_from_slice(&self.prefix);
        nonce[PREFIX_BYTES..11].copy_from_slice(&index.0.to_be_bytes());
        nonce[11] = u8::from(last);
        Nonce::assume_unique_for_key(nonce)
    }

    fn seal(&self, index: SegmentIndex, last: bool, segment: &mut [u8]) -> [u8; TAG_BYTES] {
        let tag = self
            .key
            .seal_in_place_separate_tag(self.nonce(index, last), Aad::from(&self.header_hash), segment)
            .expect("a segment is far shorter than GCM's limit");
        *tag.as_ref().first_chunk().expect("a GCM tag is 16 bytes")
    }

    fn open<'a>(&self, index: SegmentIndex, last: bool, sealed: &'a mut [u8]) -> Result<&'a mut [u8], OpenError> {
        if sealed.len() < TAG_BYTES || sealed.len() > SEALED_SEGMENT_BYTES {
            return Err(OpenError);
        }
        let aad = Aad::from(&self.header_hash);
        self.key.open_in_place(self.nonce(index, last), aad, sealed).map_err(|_| OpenError)
    }
}

impl fmt::Debug for PartKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PartKey(withheld)")
    }
}

#[cfg(test)]
mod tests;
