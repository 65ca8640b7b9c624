//! The format against another program, and everything that must not open.

use proptest::prelude::*;

use super::*;
use crate::entropy::SeededEntropy;

const KEY: [u8; 32] = [7; 32];
const ID: PartId = PartId { blob: [1; 16], part_number: 0 };

fn plain(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index * 7 + index / 256) as u8).collect()
}

/// Seals `body`, pushed in pieces of `step` bytes.
fn sealed_by(body: &[u8], step: usize, key: &[u8], id: PartId, entropy: &dyn Entropy) -> Vec<u8> {
    let mut out = Vec::new();
    let mut sealer = Sealer::start(key, id, entropy, &mut out);
    for piece in body.chunks(step) {
        sealer.push(piece, &mut out).unwrap();
    }
    sealer.finish(&mut out).unwrap();
    out
}

fn sealed(body: &[u8]) -> Vec<u8> {
    sealed_by(body, 10_000, &KEY, ID, &SeededEntropy::new(1))
}

/// Opens a whole body, as a reader would who believes that it holds `plain_len` bytes.
fn opened(sealed: &[u8], plain_len: usize, key: &[u8], id: PartId) -> Result<Vec<u8>, OpenError> {
    let (header, body) = sealed.split_first_chunk().ok_or(OpenError)?;
    if sealed_len(plain_len as u64) != Some(sealed.len() as u64) {
        return Err(OpenError);
    }
    let mut out = Vec::new();
    Opener::new(header, key, id)?.open_run(plain_len as u64, SegmentIndex(0), &mut body.to_vec(), &mut out)?;
    Ok(out)
}

/// Opens, for whatever length the file's own length suggests.
fn opens(sealed: &[u8]) -> bool {
    let body = sealed.len().saturating_sub(HEADER_BYTES);
    let tags = body.div_ceil(SEALED_SEGMENT_BYTES).max(1) * TAG_BYTES;
    body.checked_sub(tags).is_some_and(|plain_len| opened(sealed, plain_len, &KEY, ID).is_ok())
}

/// The vectors were made by another program (vectors/make.py).
#[test]
fn bodies_are_reproduced_byte_for_byte_however_they_arrive() {
    struct Salt;
    impl Entropy for Salt {
        fn fill(&self, out: &mut [u8]) {
            out.iter_mut().zip(0x40..).for_each(|(byte, value)| *byte = value);
        }
    }
    let key: Vec<u8> = (0..32).collect();
    for line in include_str!("../../vectors/sea1.txt").lines().filter(|line| !line.starts_with('#')) {
        let [part, len, header, hash] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("four fields in {line}")
        };
        let id = PartId { blob: std::array::from_fn(|at| 0xa0 + at as u8), part_number: part.parse().unwrap() };
        let body = plain(len.parse().unwrap());
        for step in [1000, 65_536, 70_000, 1 << 20] {
            let sealed = sealed_by(&body, step, &key, id, &Salt);
            assert_eq!(hex::encode(&sealed[..HEADER_BYTES]), header, "{len} bytes by {step}");
            assert_eq!(hex::encode(Sha256::digest(&sealed)), hash, "{len} bytes by {step}");
            assert_eq!(opened(&sealed, body.len(), &key, id).unwrap(), body);
        }
    }
}

#[test]
fn lengths_are_predictable() {
    for (plain_len, segments) in [(0, 1), (1, 1), (65_536, 1), (65_537, 2), (131_072, 2), (131_073, 3)] {
        assert_eq!(sealed_len(plain_len), Some(96 + plain_len + 16 * segments), "{plain_len}");
        assert_eq!(sealed(&plain(plain_len as usize)).len() as u64, 96 + plain_len + 16 * segments);
    }
    assert_eq!(last_segment(MAX_PLAIN_BYTES), Some(SegmentIndex(u32::MAX)));
    assert_eq!(last_segment(MAX_PLAIN_BYTES + 1), None);
    assert_eq!(sealed_len(MAX_PLAIN_BYTES + 1), None);
}

#[test]
fn a_sealer_stops_at_two_to_the_thirty_two_segments() {
    let mut out = Vec::new();
    let mut sealer = Sealer::start(&KEY, ID, &SeededEntropy::new(1), &mut out);
    sealer.next = u64::from(u32::MAX);
    sealer.push(&[0; SEGMENT_BYTES + 1], &mut out).unwrap();
    assert_eq!(sealer.finish(&mut out), Err(SealError::TooLong));
}

#[test]
fn a_body_cut_anywhere_does_not_open() {
    let whole = sealed(&plain(3 * SEGMENT_BYTES));
    assert!(opens(&whole));
    let borders = (0..4).map(|segment| HEADER_BYTES + segment * SEALED_SEGMENT_BYTES);
    let around = borders.flat_map(|at| [at.saturating_sub(17), at - 1, at, at + 1, at + 16]);
    for len in around.chain(0..=HEADER_BYTES).filter(|len| *len < whole.len()) {
        assert!(!opens(&whole[..len]), "cut to {len}");
    }
}

#[test]
fn an_extended_body_does_not_open() {
    let whole = sealed(&plain(2 * SEGMENT_BYTES));
    let again = &whole[HEADER_BYTES + SEALED_SEGMENT_BYTES..];
    for more in [&[0][..], &[0; TAG_BYTES], again] {
        assert!(!opens(&[&whole, more].concat()), "{} bytes more", more.len());
    }
}

#[test]
fn exchanged_repeated_or_foreign_segments_do_not_open() {
    let body = plain(3 * SEGMENT_BYTES + 5);
    let whole = sealed(&body);
    let other = sealed_by(&body, 10_000, &KEY, ID, &SeededEntropy::new(2));
    let at = |segment: usize| {
        HEADER_BYTES + segment * SEALED_SEGMENT_BYTES..HEADER_BYTES + (segment + 1) * SEALED_SEGMENT_BYTES
    };
    let with = |place: usize, segment: &[u8]| {
        let mut changed = whole.clone();
        changed[at(place)].copy_from_slice(segment);
        changed
    };
    assert!(opens(&with(1, &whole[at(1)])));
    for changed in [with(0, &whole[at(1)]), with(2, &whole[at(1)]), with(1, &other[at(1)])] {
        assert!(!opens(&changed));
    }
    let swapped = [&whole[..HEADER_BYTES], &whole[at(1)], &whole[at(0)], &whole[at(2).start..]].concat();
    assert!(!opens(&swapped));
    assert!(!opens(&[&other[..HEADER_BYTES], &whole[HEADER_BYTES..]].concat()));
}

#[test]
fn another_key_blob_or_part_does_not_open() {
    let whole = sealed(&plain(100));
    assert!(opened(&whole, 100, &KEY, ID).is_ok());
    assert!(opened(&whole, 100, &[8; 32], ID).is_err());
    assert!(opened(&whole, 100, &KEY, PartId { blob: [2; 16], ..ID }).is_err());
    assert!(opened(&whole, 100, &KEY, PartId { part_number: 1, ..ID }).is_err());
}

/// Someone who chooses both keys can build segments that open under either, but not the two commitments.
#[test]
fn the_commitment_speaks_before_any_segment() {
    let mut header: [u8; HEADER_BYTES] = *sealed(b"x").first_chunk().unwrap();
    assert!(Opener::new(&header, &KEY, ID).is_ok());
    header[56] ^= 1;
    assert_eq!(Opener::new(&header, &KEY, ID).unwrap_err(), OpenError);
}

#[test]
fn after_a_failure_the_buffer_holds_no_plaintext() {
    let body = plain(1000);
    let whole = sealed(&body);
    let opener = Opener::new(whole.first_chunk().unwrap(), &KEY, ID).unwrap();
    let mut segment = whole[HEADER_BYTES..].to_vec();
    *segment.last_mut().unwrap() ^= 1;
    assert!(opener.open_segment(SegmentIndex(0), true, &mut segment).is_err());
    assert!(!segment.windows(8).any(|window| body.windows(8).any(|plain| plain == window)));
}

#[test]
fn writing_the_same_part_twice_gives_another_body() {
    let entropy = SeededEntropy::new(1);
    let write = || sealed_by(&plain(100), 100, &KEY, ID, &entropy);
    assert_ne!(write()[HEADER_BYTES..], write()[HEADER_BYTES..]);
}

#[test]
fn a_range_outside_the_body_has_no_segments() {
    assert_eq!(segments_for(100, &(0..101)), None);
    assert_eq!(sealed_span(100, &(50..50)), Some(96..96));
    assert_eq!(sealed_span(0, &(0..0)), Some(96..96));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_range_is_read_from_its_own_segments(
        len in prop_oneof![Just(SEGMENT_BYTES), Just(2 * SEGMENT_BYTES), 1..4 * SEGMENT_BYTES],
        (from, to) in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        step in prop_oneof![1000..3000usize, 60_000..140_000usize],
    ) {
        let body = plain(len);
        let whole = sealed_by(&body, step, &KEY, ID, &SeededEntropy::new(3));
        let (from, to) = (from.index(len), to.index(len));
        let range = from.min(to) as u64..from.max(to) as u64 + 1;
        let span = sealed_span(len as u64, &range).unwrap();
        let segments = segments_for(len as u64, &range).unwrap();
        let mut sealed = whole[span.start as usize..span.end as usize].to_vec();
        let opener = Opener::new(whole.first_chunk().unwrap(), &KEY, ID).unwrap();
        let mut out = Vec::new();
        opener.open_run(len as u64, SegmentIndex(segments.start as u32), &mut sealed, &mut out).unwrap();
        let skip = (range.start - segments.start * SEGMENT_BYTES as u64) as usize;
        prop_assert_eq!(&out[skip..skip + (range.end - range.start) as usize], &body[range.start as usize..range.end as usize]);
    }

    #[test]
    fn a_flipped_bit_anywhere_is_noticed(len in 0..70_000usize, at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut whole = sealed(&plain(len));
        let at = at.index(whole.len());
        whole[at] ^= 1 << bit;
        prop_assert!(!opens(&whole));
    }
}
