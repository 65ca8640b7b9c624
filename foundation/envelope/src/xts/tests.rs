//! Known vectors for every backend, and every backend against every other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;

use super::*;
use crate::data_key::Witness;
use crate::secret::Secret;

struct Nobody;

impl Witness for Nobody {
    fn born(&self) {}
    fn dropped(&self) {}
}

fn key(bytes: &[u8]) -> PlaintextDataKey {
    PlaintextDataKey::born(Secret::copied(bytes), Box::new(Nobody))
}

/// All backends that encrypt, on the same key.
fn ciphers(bytes: &[u8]) -> Vec<VolumeCipher> {
    let key = key(bytes);
    let encrypting = Backend::available().into_iter().filter(|backend| *backend != Backend::Null);
    encrypting.map(|backend| VolumeCipher::with_backend(&key, backend).unwrap()).collect()
}

fn encrypted(cipher: &VolumeCipher, first: u64, plain: &[u8]) -> Vec<u8> {
    let mut out = vec![0xee; plain.len()];
    cipher.encrypt(DataUnit(first), plain, &mut out);
    out
}

fn some_key() -> Vec<u8> {
    (0..64).collect()
}

#[test]
fn every_backend_agrees_with_ieee_1619() {
    let key = hex::decode(concat!(
        "2718281828459045235360287471352662497757247093699959574966967627",
        "3141592653589793238462643383279502884197169399375105820974944592"
    ));
    let plain: Vec<u8> = (0..=255).chain(0..=255).collect();
    for cipher in ciphers(&key.unwrap()) {
        for line in vectors(include_str!("../../vectors/xts_ieee1619.txt")) {
            let [unit, expected] = line[..] else { panic!("two fields in {line:?}") };
            let unit = u64::from_str_radix(unit, 16).unwrap();
            let sealed = encrypted(&cipher, unit, &plain);
            assert_eq!(hex::encode(&sealed), expected, "{}", cipher.backend());
            let mut opened = sealed;
            cipher.decrypt_in_place(DataUnit(unit), &mut opened);
            assert_eq!(opened, plain, "{}", cipher.backend());
        }
    }
}

/// NIST's data units are shorter than a sector. Without ciphertext stealing a block does not depend on those after
/// it, so they are the beginnings of sectors.
#[test]
fn every_backend_agrees_with_nist() {
    for line in vectors(include_str!("../../vectors/xts_nist_cavp.txt")) {
        let [key, unit, plain, expected] = line[..] else { panic!("four fields in {line:?}") };
        let mut sector = hex::decode(plain).unwrap();
        sector.resize(DATA_UNIT_BYTES, 0);
        for cipher in ciphers(&hex::decode(key).unwrap()) {
            let sealed = encrypted(&cipher, unit.parse().unwrap(), &sector);
            assert_eq!(hex::encode(&sealed)[..expected.len()], *expected, "{}", cipher.backend());
        }
    }
}

fn vectors(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(' ').collect())
}

proptest! {
    #[test]
    fn all_backends_agree_at_any_length_place_and_alignment(
        key in proptest::collection::vec(any::<u8>(), 64),
        first in prop_oneof![0..100u64, any::<u64>()],
        units in prop_oneof![1..12usize, 1..140usize],
        (src_at, dst_at) in (0..64usize, 0..64usize),
        seed in any::<u8>(),
    ) {
        let len = units * DATA_UNIT_BYTES;
        let plain: Vec<u8> = (0..src_at + len).map(|at| (at as u8).wrapping_mul(31) ^ seed ^ (at >> 8) as u8).collect();
        let plain = &plain[src_at..];
        let expected = encrypted(&VolumeCipher::with_backend(&self::key(&key), Backend::Reference).unwrap(), first, plain);
        for cipher in ciphers(&key) {
            let mut buffer = vec![0xee; dst_at + len + 1];
            cipher.encrypt(DataUnit(first), plain, &mut buffer[dst_at..dst_at + len]);
            prop_assert_eq!(&buffer[dst_at..dst_at + len], &expected[..]);
            prop_assert_eq!(buffer[dst_at + len], 0xee);
            cipher.decrypt_in_place(DataUnit(first), &mut buffer[dst_at..dst_at + len]);
            prop_assert_eq!(&buffer[dst_at..dst_at + len], plain);
            cipher.encrypt_in_place(DataUnit(first), &mut buffer[dst_at..dst_at + len]);
            prop_assert_eq!(&buffer[dst_at..dst_at + len], &expected[..]);
            let mut opened = vec![0xee; len];
            cipher.decrypt(DataUnit(first), &expected, &mut opened);
            prop_assert_eq!(&opened[..], plain);
        }
    }
}

#[test]
fn the_same_sector_twice_looks_different_and_each_can_be_read_alone() {
    for cipher in ciphers(&some_key()) {
        let sealed = encrypted(&cipher, 7, &[0; 4 * DATA_UNIT_BYTES]);
        let sectors: Vec<&[u8]> = sealed.chunks(DATA_UNIT_BYTES).collect();
        assert_ne!(sectors[0], sectors[1]);
        let mut third = sectors[2].to_vec();
        cipher.decrypt_in_place(DataUnit(9), &mut third);
        assert_eq!(third, [0; DATA_UNIT_BYTES]);
    }
}

/// What XTS does not give: nobody notices the change, one block of sixteen bytes is garbled, the rest stands.
#[test]
fn a_flipped_bit_garbles_one_block_in_silence() {
    for cipher in ciphers(&some_key()) {
        let mut sealed = encrypted(&cipher, 0, &[0; DATA_UNIT_BYTES]);
        sealed[100] ^= 1;
        cipher.decrypt_in_place(DataUnit(0), &mut sealed);
        let garbled: Vec<usize> = (0..32).filter(|block| sealed[16 * block..16 * block + 16] != [0; 16]).collect();
        assert_eq!(garbled, [6]);
    }
}

#[test]
fn a_key_of_another_length_or_with_equal_halves_is_refused() {
    for backend in Backend::available().into_iter().filter(|backend| *backend != Backend::Null) {
        let refused = |bytes: &[u8]| VolumeCipher::with_backend(&key(bytes), backend).unwrap_err();
        assert_eq!(refused(&[1; 32]), CipherError::KeyLength(32));
        assert_eq!(refused(&[1; 64]), CipherError::EqualHalves);
    }
}

#[test]
fn the_null_cipher_copies() {
    let plain = vec![7; 2 * DATA_UNIT_BYTES];
    let cipher = VolumeCipher::null();
    assert_eq!(encrypted(&cipher, 3, &plain), plain);
    let mut back = vec![0; plain.len()];
    cipher.decrypt(DataUnit(3), &plain, &mut back);
    assert_eq!(back, plain);
}

#[test]
#[should_panic(expected = "not whole data units")]
fn half_a_sector_is_a_mistake_of_the_caller() {
    VolumeCipher::null().encrypt_in_place(DataUnit(0), &mut [0; 100]);
}

#[test]
fn names_of_backends_are_read_back() {
    for backend in [Backend::Fused, Backend::Batched, Backend::Reference, Backend::Null] {
        assert_eq!(backend.name().parse(), Ok(backend));
    }
    assert_eq!("rot13".parse::<Backend>(), Err(NoSuchBackend));
}

#[test]
fn a_cipher_outlives_its_key_and_shows_nothing() {
    struct Count(Arc<AtomicU32>);
    impl Witness for Count {
        fn born(&self) {}
        fn dropped(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let drops = Arc::new(AtomicU32::new(0));
    let key = PlaintextDataKey::born(Secret::new(some_key()), Box::new(Count(drops.clone())));
    let cipher = VolumeCipher::new(&key).unwrap();
    drop(key);
    assert_eq!(drops.load(Ordering::Relaxed), 1);
    assert_ne!(encrypted(&cipher, 0, &[0; DATA_UNIT_BYTES]), [0; DATA_UNIT_BYTES]);
    let printed = format!("{cipher:?}");
    assert!(printed.contains("withheld"), "{printed}");
}
