//! Keys from keys: one key per message (NIST SP 800-108, counter mode) and HKDF (RFC 5869), both over HMAC-SHA256.
//!
//! A backing key never encrypts anything itself. Each message draws a 16-byte nonce and derives a key of its own
//! from it, as AWS's "KMS Cryptographic Details" describes; so no number of messages wears the backing key out.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

use crate::scrub::scrubbed;
use crate::secret::Secret;

type HmacSha256 = Hmac<Sha256>;

/// Bytes that one HMAC-SHA256 gives.
const HASH_BYTES: usize = 32;

/// The 256-bit key of one message under a backing key.
pub fn message_key(backing: &Secret, nonce: &[u8; 16]) -> Secret {
    labelled_key(backing, b"sse-sim message key", nonce)
}

/// A 256-bit key for one purpose: SP 800-108 with the fixed input `label ‖ 00 ‖ context ‖ u32be 256`.
pub fn labelled_key(parent: &Secret, label: &[u8], context: &[u8]) -> Secret {
    let bits = 8 * HASH_BYTES as u32;
    let fixed = [label, &[0], context, &bits.to_be_bytes()].concat();
    Secret::filled(HASH_BYTES, |out| kbkdf_counter(parent.expose(), &fixed, out))
}

/// SP 800-108 counter mode: `K(i) = HMAC(key, u32be i ‖ fixed)`, i = 1, 2, …
pub fn kbkdf_counter(key: &[u8], fixed: &[u8], out: &mut [u8]) {
    scrubbed(|| {
        for (counter, chunk) in (1u32..).zip(out.chunks_mut(HASH_BYTES)) {
            copy_and_wipe(hmac(key, &[&counter.to_be_bytes(), fixed]), chunk);
        }
    });
}

/// HKDF-SHA256 of RFC 5869: extract with `salt`, expand with `info`.
///
/// # Panics
/// When more than 255 × 32 bytes are asked for, which the RFC does not define.
pub fn hkdf_sha256(ikm: &[u8], salt: &[u8], info: &[u8], out: &mut [u8]) {
    assert!(out.len() <= 255 * HASH_BYTES, "RFC 5869 ends at 255 blocks");
    scrubbed(|| extract_and_expand(ikm, salt, info, out));
}

fn extract_and_expand(ikm: &[u8], salt: &[u8], info: &[u8], out: &mut [u8]) {
    let mut prk = hmac(salt, &[ikm]);
    let mut previous = [0; HASH_BYTES];
    for (index, chunk) in out.chunks_mut(HASH_BYTES).enumerate() {
        let chained: &[u8] = if index == 0 { &[] } else { &previous };
        let block = hmac(&prk, &[chained, info, &[index as u8 + 1]]);
        previous.copy_from_slice(&block);
        copy_and_wipe(block, chunk);
    }
    previous.zeroize();
    prk.zeroize();
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; HASH_BYTES] {
    let mut mac = HmacSha256::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn copy_and_wipe(mut block: [u8; HASH_BYTES], out: &mut [u8]) {
    out.copy_from_slice(&block[..out.len()]);
    block.zeroize();
}

#[cfg(test)]
mod tests {
    use super::*;
    use hex::decode as hex;

    /// CAVP "KBKDF CTR": PRF HMAC_SHA256, counter before the fixed data, 32-bit counter; counts 0 and 1.
    #[test]
    fn the_core_agrees_with_nist() {
        for (key, fixed, expected) in [
            (
                "dd1d91b7d90b2bd3138533ce92b272fbf8a369316aefe242e659cc0ae238afe0",
                "01322b96b30acd197979444e468e1c5c6859bf1b1cf951b7e725303e237e46b864a145fab25e517b08f8683d0315bb2911d80a0e8aba17f3b413faac",
                "10621342bfb0fd40046c0e29f2cfdbf0",
            ),
            (
                "32c4003872a146194023eac1bda74ddf2b66977dad8a554b974ca2a62f7e4f43",
                "33d8cf6d0c759fb622d867ea8cf1285de4020af81cc287addf38cc2da4643e6db3b215ad3e33bfc47877c3620e336887c3c9ad4a1c6c0476b0f90a33",
                "f593af0e1a492a7b904a2662897fa1c1",
            ),
        ] {
            let mut out = [0; 16];
            kbkdf_counter(&hex(key).unwrap(), &hex(fixed).unwrap(), &mut out);
            assert_eq!(hex::encode(out), expected);
        }
    }

    /// RFC 5869, appendix A.1 to A.3.
    #[test]
    fn hkdf_agrees_with_the_rfc() {
        let range = |from: u8, to: u8| (from..=to).collect::<Vec<u8>>();
        let cases = [
            (
                vec![0x0b; 22],
                range(0, 12),
                range(0xf0, 0xf9),
                "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
            ),
            (
                range(0, 0x4f),
                range(0x60, 0xaf),
                range(0xb0, 0xff),
                "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
            ),
            (
                vec![0x0b; 22],
                vec![],
                vec![],
                "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
            ),
        ];
        for (ikm, salt, info, expected) in cases {
            let mut out = vec![0; expected.len() / 2];
            hkdf_sha256(&ikm, &salt, &info, &mut out);
            assert_eq!(hex::encode(out), expected);
        }
    }

    #[test]
    fn every_nonce_and_every_label_gives_another_key() {
        let backing = Secret::copied(&[7; 32]);
        let key = message_key(&backing, &[1; 16]);
        assert_eq!(key.len(), 32);
        assert_ne!(key.expose(), message_key(&backing, &[2; 16]).expose());
        assert_ne!(key.expose(), labelled_key(&backing, b"another purpose", &[1; 16]).expose());
        assert_eq!(key.expose(), message_key(&backing, &[1; 16]).expose());
    }
}
