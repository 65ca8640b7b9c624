//! XTS by hand for x86-64 with AVX-512, VAES and VPCLMULQDQ: four blocks to a register, one unit in eight.
//!
//! ```text
//! register k of tweaks    [ T·x^4k , T·x^(4k+1) , T·x^(4k+2) , T·x^(4k+3) ]      k = 0 … 7: a data unit of 512 bytes
//!                         = register 0, every lane · x^4k: shift, and fold what falls out back with 0x87
//! ```
//!
//! Tweak, whitening and AES share one pass over the data, and the first tweaks of 32 units are encrypted together.
//!
//! JUSTIFICATION for `unsafe`: safe Rust over the `aes` crate (`batched`) pays for tweaks and data in separate
//! passes and is about half as quick; and it broadcasts the round keys into an array on the stack, where the key
//! could be found later. Here a round key is loaded from locked memory when its round comes, and never hoisted.
//!
//! Every function needs the features of [`available`]; a [`Schedules`] can only be made where they are present.

#![allow(unsafe_code, reason = "vector intrinsics over raw pointers; tested against the safe backends")]

use std::arch::asm;
use std::arch::x86_64::*;

use aes::cipher::inout::InOutBuf;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{DATA_UNIT_BYTES, DataUnit, Halves};
use crate::locked::{LockError, Locked};
use crate::scrub::scrubbed;

const ROUNDS: usize = 14;
/// Registers of 64 bytes that hold one data unit.
const UNIT_REGISTERS: usize = DATA_UNIT_BYTES / 64;
/// Data units whose first tweaks are computed together; four to a register.
const TWEAKED_TOGETHER: usize = 32;

type RoundKeys = [[u8; 16]; ROUNDS + 1];

/// The expanded keys. The first 32 bytes are K1 itself: AES-256's first two round keys.
#[derive(Zeroize, ZeroizeOnDrop)]
#[repr(C, align(64))]
pub(super) struct Schedules {
    data_enc: RoundKeys,
    data_dec: RoundKeys,
    tweak: RoundKeys,
}

/// Whether this machine has all the instructions.
pub(super) fn available() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("vaes")
        && is_x86_feature_detected!("vpclmulqdq")
        && is_x86_feature_detected!("aes")
}

impl Schedules {
    /// Expands both keys inside locked memory; `None` where the instructions are missing.
    pub(super) fn locked(halves: Halves<'_>) -> Result<Option<Locked<Self>>, LockError> {
        if !available() {
            return Ok(None);
        }
        let empty = [[0; 16]; ROUNDS + 1];
        let mut keys = Locked::build(|| Self { data_enc: empty, data_dec: empty, tweak: empty })?;
        // SAFETY: `available` found the instructions.
        scrubbed(|| unsafe { keys.expand(halves) });
        Ok(Some(keys))
    }

    #[target_feature(enable = "aes")]
    fn expand(&mut self, halves: Halves<'_>) {
        expand(halves.data, &mut self.data_enc);
        expand(halves.tweak, &mut self.tweak);
        invert(&self.data_enc, &mut self.data_dec);
    }

    pub(super) fn encrypt(&self, first: DataUnit, data: InOutBuf<'_, '_, u8>) {
        // SAFETY: a `Schedules` exists only where `available` found the instructions.
        unsafe { self.each_batch::<true>(first, data) };
    }

    pub(super) fn decrypt(&self, first: DataUnit, data: InOutBuf<'_, '_, u8>) {
        // SAFETY: as in `encrypt`.
        unsafe { self.each_batch::<false>(first, data) };
    }

    #[target_feature(enable = "avx512f,avx512bw,vaes,vpclmulqdq,aes")]
    fn each_batch<const ENCRYPT: bool>(&self, DataUnit(mut unit): DataUnit, data: InOutBuf<'_, '_, u8>) {
        let mut units = data.len() / DATA_UNIT_BYTES;
        let (mut src, mut dst) = data.into_raw();
        let keys = if ENCRYPT { &self.data_enc } else { &self.data_dec };
        let mut tweaks = [Lanes([0; 8]); TWEAKED_TOGETHER / 4];
        while units > 0 {
            let batch = units.min(TWEAKED_TOGETHER);
            first_tweaks(&self.tweak, unit, &mut tweaks[..batch.div_ceil(4)]);
            for index in 0..batch {
                let tweak = tweaks[index / 4].0[index % 4 * 2..].first_chunk().expect("two words of eight");
                // SAFETY: `units` counts the whole data units left at `src` and `dst`, which an `InOutBuf` makes
                // valid for reads and writes, and either equal or not overlapping.
                unsafe {
                    crypt_unit::<ENCRYPT>(keys, tweak, src, dst);
                    (src, dst) = (src.add(DATA_UNIT_BYTES), dst.add(DATA_UNIT_BYTES));
                }
            }
            unit = unit.wrapping_add(batch as u64);
            units -= batch;
        }
    }
}

/// Four 128-bit tweaks, little-endian, as eight words.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Lanes([u64; 8]);

/// The encrypted numbers of consecutive units from `unit` on, four to a register.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,vaes,vpclmulqdq,aes")]
fn first_tweaks(keys: &RoundKeys, unit: u64, tweaks: &mut [Lanes]) {
    let keys = hidden(keys);
    for (index, tweaks) in tweaks.iter_mut().enumerate() {
        let number = |lane: u64| unit.wrapping_add(4 * index as u64 + lane) as i64;
        let mut state = _mm512_set_epi64(0, number(3), 0, number(2), 0, number(1), 0, number(0));
        state = _mm512_xor_si512(state, round_key(keys, 0));
        for round in 1..ROUNDS {
            state = _mm512_aesenc_epi128(state, round_key(keys, round));
        }
        state = _mm512_aesenclast_epi128(state, round_key(keys, ROUNDS));
        // SAFETY: `Lanes` is 64 bytes, aligned to 64.
        unsafe { _mm512_store_si512(tweaks.0.as_mut_ptr().cast(), state) };
    }
}

/// One data unit from `src` to `dst`.
///
/// # Safety
/// 512 bytes must be readable at `src` and writable at `dst`; they may be the same but must not overlap otherwise.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,vaes,vpclmulqdq,aes")]
unsafe fn crypt_unit<const ENCRYPT: bool>(keys: &RoundKeys, tweak: &[u64; 2], src: *const u8, dst: *mut u8) {
    let keys = hidden(keys);
    let tweaks = powers(tweak);
    let mut state = tweaks;
    for (register, state) in state.iter_mut().enumerate() {
        // SAFETY: eight registers of 64 bytes are the caller's 512.
        let plain = unsafe { _mm512_loadu_si512(src.add(64 * register).cast()) };
        *state = _mm512_xor_si512(_mm512_xor_si512(plain, *state), round_key(keys, 0));
    }
    for round in 1..ROUNDS {
        let key = round_key(keys, round);
        for state in &mut state {
            *state = if ENCRYPT { _mm512_aesenc_epi128(*state, key) } else { _mm512_aesdec_epi128(*state, key) };
        }
    }
    let key = round_key(keys, ROUNDS);
    for (register, (state, tweak)) in state.into_iter().zip(tweaks).enumerate() {
        let last = if ENCRYPT { _mm512_aesenclast_epi128(state, key) } else { _mm512_aesdeclast_epi128(state, key) };
        // SAFETY: as above; each register is read before it is written, so `dst` may be `src`.
        unsafe { _mm512_storeu_si512(dst.add(64 * register).cast(), _mm512_xor_si512(last, tweak)) };
    }
}

/// `tweak · x^j` for all 32 blocks of a unit.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,vaes,vpclmulqdq,aes")]
fn powers(tweak: &[u64; 2]) -> [__m512i; UNIT_REGISTERS] {
    let poly = _mm512_set1_epi64(0x87);
    // SAFETY: a `[u64; 2]` is 16 readable bytes; the load is unaligned.
    let one = unsafe { _mm_loadu_si128(tweak.as_ptr().cast()) };
    let four = _mm512_broadcast_i32x4(one);
    // Lane j · x^j: shift each lane by its number, and carry what leaves a word into the next.
    let by = _mm512_set_epi64(3, 3, 2, 2, 1, 1, 0, 0);
    let out = _mm512_srlv_epi64(four, _mm512_sub_epi64(_mm512_set1_epi64(64), by));
    let first = folded(_mm512_sllv_epi64(four, by), out, poly);
    [
        first,
        times::<4, 60>(first, poly),
        times::<8, 56>(first, poly),
        times::<12, 52>(first, poly),
        times::<16, 48>(first, poly),
        times::<20, 44>(first, poly),
        times::<24, 40>(first, poly),
        times::<28, 36>(first, poly),
    ]
}

/// Every lane times x^`LEFT`; `RIGHT` is 64 - `LEFT`, as Rust cannot compute with constants of its kind yet.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,vaes,vpclmulqdq,aes")]
fn times<const LEFT: u32, const RIGHT: u32>(lanes: __m512i, poly: __m512i) -> __m512i {
    const { assert!(LEFT + RIGHT == 64) }
    folded(_mm512_slli_epi64::<LEFT>(lanes), _mm512_srli_epi64::<RIGHT>(lanes), poly)
}

/// Completes a multiplication by a power of x: `out` holds the bits that left each word; a low word's go into the
/// high word, a high word's come back into the low word times 0x87 (x^128 = x^7 + x^2 + x + 1).
#[inline]
#[target_feature(enable = "avx512f,avx512bw,vaes,vpclmulqdq,aes")]
fn folded(shifted: __m512i, out: __m512i, poly: __m512i) -> __m512i {
    let carried = _mm512_bslli_epi128(out, 8);
    let reduced = _mm512_clmulepi64_epi128(out, poly, 0x01);
    _mm512_xor_si512(_mm512_xor_si512(shifted, carried), reduced)
}

/// The same keys behind a pointer that the compiler cannot see through: it must load each round key when it is
/// used. Otherwise it would load all of them ahead of the loop, run out of registers, and spill keys to the stack.
#[inline]
fn hidden(keys: &RoundKeys) -> &RoundKeys {
    let mut pointer: *const RoundKeys = keys;
    // SAFETY: the empty assembly changes nothing; it only claims that it might.
    unsafe {
        asm!("/* {0} */", inout(reg) pointer, options(readonly, nostack, preserves_flags));
        &*pointer
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,vaes,vpclmulqdq,aes")]
fn round_key(keys: &RoundKeys, round: usize) -> __m512i {
    // SAFETY: a round key is 16 readable bytes; the load is unaligned.
    _mm512_broadcast_i32x4(unsafe { _mm_loadu_si128(keys[round].as_ptr().cast()) })
}

/// FIPS 197 key expansion, straight into `keys`.
#[inline]
#[target_feature(enable = "aes")]
fn expand(key: &[u8; 32], keys: &mut RoundKeys) {
    let (low, high) = key.split_at(16);
    keys[0].copy_from_slice(low);
    keys[1].copy_from_slice(high);
    even_key::<0x01>(keys, 2);
    even_key::<0x02>(keys, 4);
    even_key::<0x04>(keys, 6);
    even_key::<0x08>(keys, 8);
    even_key::<0x10>(keys, 10);
    even_key::<0x20>(keys, 12);
    even_key::<0x40>(keys, 14);
}

/// Round key `at` (with the round constant), and the odd one after it unless it would be the sixteenth.
#[inline]
#[target_feature(enable = "aes")]
fn even_key<const CONSTANT: i32>(keys: &mut RoundKeys, at: usize) {
    let word = _mm_aeskeygenassist_si128::<CONSTANT>(load(&keys[at - 1]));
    let even = _mm_xor_si128(running_xor(load(&keys[at - 2])), _mm_shuffle_epi32::<0xff>(word));
    store(&mut keys[at], even);
    if at < ROUNDS {
        let word = _mm_aeskeygenassist_si128::<0>(even);
        let odd = _mm_xor_si128(running_xor(load(&keys[at - 1])), _mm_shuffle_epi32::<0xaa>(word));
        store(&mut keys[at + 1], odd);
    }
}

/// Each 32-bit word xor all words before it.
#[inline]
#[target_feature(enable = "aes")]
fn running_xor(key: __m128i) -> __m128i {
    let two = _mm_xor_si128(key, _mm_slli_si128::<4>(key));
    _mm_xor_si128(two, _mm_slli_si128::<8>(two))
}

/// The schedule of the equivalent inverse cipher.
#[inline]
#[target_feature(enable = "aes")]
fn invert(enc: &RoundKeys, dec: &mut RoundKeys) {
    dec[0] = enc[ROUNDS];
    for round in 1..ROUNDS {
        store(&mut dec[round], _mm_aesimc_si128(load(&enc[ROUNDS - round])));
    }
    dec[ROUNDS] = enc[0];
}

#[inline]
#[target_feature(enable = "sse2")]
fn load(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: 16 readable bytes; the load is unaligned.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "sse2")]
fn store(bytes: &mut [u8; 16], value: __m128i) {
    // SAFETY: 16 writable bytes; the store is unaligned.
    unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), value) };
}
