//! Small secrets under a 256-bit key: backing keys under the HSM's root key, data keys of SSE-S3, metadata rows.
//!
//! ```text
//! 01 ‖ 16-byte salt ‖ 12-byte nonce ‖ ciphertext ‖ 16-byte tag          (plaintext + 45 bytes)
//! ```
//!
//! The wrapping key itself encrypts nothing: each wrap derives a key from the salt, so that random nonces never
//! come near GCM's birthday bound, however many secrets one root key wraps. The caller's `aad` names what is
//! wrapped (a row's key, a key id), so that two wrapped secrets cannot be exchanged for each other.

use crate::derive::labelled_key;
use crate::entropy::Entropy;
use crate::gcm::{self, OpenError, TAG_BYTES};
use crate::secret::Secret;

const VERSION: u8 = 1;
const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 12;

/// How much longer a wrapped secret is than the secret.
pub const WRAP_OVERHEAD_BYTES: usize = 1 + SALT_BYTES + NONCE_BYTES + TAG_BYTES;

/// Wraps `plaintext` under `kek`, bound to `aad`.
pub fn wrap(kek: &Secret, aad: &[u8], plaintext: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
    let (salt, nonce) = (entropy.array::<SALT_BYTES>(), entropy.array::<NONCE_BYTES>());
    let key = wrapping_key(kek, &salt);
    let sealed = gcm::seal(exact(&key), &nonce, aad, plaintext);
    [&[VERSION][..], &salt, &nonce, &sealed].concat()
}

/// Opens what [`wrap`] made. Fails alike for a wrong key, a wrong `aad`, and any changed, missing or added byte.
pub fn unwrap(kek: &Secret, aad: &[u8], wrapped: &[u8]) -> Result<Secret, OpenError> {
    let (&VERSION, rest) = wrapped.split_first().ok_or(OpenError)? else { return Err(OpenError) };
    let (salt, rest) = rest.split_first_chunk::<SALT_BYTES>().ok_or(OpenError)?;
    let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(OpenError)?;
    let key = wrapping_key(kek, salt);
    gcm::open(exact(&key), nonce, aad, sealed)
}

fn wrapping_key(kek: &Secret, salt: &[u8; SALT_BYTES]) -> Secret {
    labelled_key(kek, b"sse-sim wrap", salt)
}

fn exact(key: &Secret) -> &[u8; 32] {
    key.array().expect("the derivation gives 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    fn kek() -> Secret {
        Secret::copied(&[9; 32])
    }

    fn wrapped() -> Vec<u8> {
        wrap(&kek(), b"kms/key-1", b"thirty-two bytes of backing key!", &SeededEntropy::new(4))
    }

    #[test]
    fn a_wrapped_secret_opens_under_its_key_and_name_only() {
        let wrapped = wrapped();
        assert_eq!(wrapped.len(), 32 + WRAP_OVERHEAD_BYTES);
        assert_eq!(unwrap(&kek(), b"kms/key-1", &wrapped).unwrap().expose(), b"thirty-two bytes of backing key!");
        assert_eq!(unwrap(&kek(), b"kms/key-2", &wrapped).unwrap_err(), OpenError);
        assert_eq!(unwrap(&Secret::copied(&[8; 32]), b"kms/key-1", &wrapped).unwrap_err(), OpenError);
    }

    #[test]
    fn any_changed_missing_or_added_byte_is_noticed() {
        let wrapped = wrapped();
        let fails = |bytes: &[u8]| unwrap(&kek(), b"kms/key-1", bytes).is_err();
        for at in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[at] ^= 0x10;
            assert!(fails(&changed) && fails(&wrapped[..at]), "byte {at}");
        }
        assert!(fails(&[&wrapped[..], &[0]].concat()));
    }

    #[test]
    fn wrapping_twice_gives_two_ciphertexts() {
        let entropy = SeededEntropy::new(4);
        let wrap = || wrap(&kek(), b"", b"same", &entropy);
        assert_ne!(wrap(), wrap());
    }
}
