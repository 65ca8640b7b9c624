//! AES-256-GCM, whole messages in memory: seal and open.
//!
//! Used for what is small (KMS blobs, wrapped keys, metadata); object bodies go through `segment`. The caller
//! answers for the nonce: under one key, never twice.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};

use crate::scrub::scrubbed;
use crate::secret::Secret;

/// Bytes of the authentication tag that follows a ciphertext.
pub const TAG_BYTES: usize = 16;

/// The ciphertext was not made with this key, nonce and additional data, or was changed since. Deliberately says
/// no more: which of them it was is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the ciphertext does not open")]
pub struct OpenError;

/// Encrypts; the result is ciphertext ‖ tag.
pub fn seal(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    // Room for the tag from the start: a reallocation halfway would leave plaintext behind.
    let mut out = Vec::with_capacity(plaintext.len() + TAG_BYTES);
    out.extend_from_slice(plaintext);
    let tag =
        scrubbed(|| Aes256Gcm::new(key.into()).encrypt_inout_detached(nonce.into(), aad, out.as_mut_slice().into()))
            .expect("no message here comes near GCM's 64 GiB");
    out.extend_from_slice(&tag);
    out
}

/// Decrypts what [`seal`] made.
pub fn open(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], sealed: &[u8]) -> Result<Secret, OpenError> {
    let (ciphertext, tag) = sealed.split_last_chunk::<TAG_BYTES>().ok_or(OpenError)?;
    let mut opened = Err(OpenError);
    let plaintext = Secret::filled(ciphertext.len(), |out| {
        out.copy_from_slice(ciphertext);
        let open = || Aes256Gcm::new(key.into()).decrypt_inout_detached(nonce.into(), aad, out.into(), tag.into());
        opened = scrubbed(open).map_err(|_| OpenError);
    });
    opened.map(|()| plaintext)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_and_nonce(key: &str, nonce: &str) -> ([u8; 32], [u8; 12]) {
        (hex::decode(key).unwrap().try_into().unwrap(), hex::decode(nonce).unwrap().try_into().unwrap())
    }

    /// NIST CAVP gcmEncryptExtIV256: 96-bit IV, 128-bit tag; no text at all, text only, and text of 51 bytes with AAD.
    #[test]
    fn sealing_agrees_with_nist() {
        for line in include_str!("../vectors/gcm_nist_cavp.txt").lines().filter(|line| !line.starts_with('#')) {
            let [key, nonce, plaintext, aad, sealed] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("five fields in {line}")
            };
            let (key, nonce) = key_and_nonce(key, nonce);
            let [plaintext, aad] = [plaintext, aad].map(|field| hex::decode(field.trim_matches('-')).unwrap());
            let made = seal(&key, &nonce, &aad, &plaintext);
            assert_eq!(hex::encode(&made), sealed);
            assert_eq!(open(&key, &nonce, &aad, &made).unwrap().expose(), plaintext);
        }
    }

    /// NIST CAVP gcmDecrypt256, PTlen 408, AADlen 160, count 0: marked FAIL.
    #[test]
    fn opening_fails_where_nist_says_so() {
        let (key, nonce) = key_and_nonce(
            "e9d381a9c413bee66175d5586a189836e5c20f5583535ab4d3f3e612dc21700e",
            "23e81571da1c7821c681c7ca",
        );
        let sealed = concat!(
            "a25f3f580306cd5065d22a6b7e9660110af7204bb77d370f7f34bee547feeff7",
            "b32a596fce29c9040e68b1589aad48da8819905b6dcd70eefb0892fab1539298b92a4b"
        );
        let aad = hex::decode("6f39c9ae7b8e8a58a95f0dd8ea6a9087cbccdfd6").unwrap();
        assert_eq!(open(&key, &nonce, &aad, &hex::decode(sealed).unwrap()).unwrap_err(), OpenError);
    }

    #[test]
    fn less_than_a_tag_does_not_open() {
        assert_eq!(open(&[0; 32], &[0; 12], b"", &[0; 15]).unwrap_err(), OpenError);
    }
}
