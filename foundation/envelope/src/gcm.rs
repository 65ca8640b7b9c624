//! AES-256-GCM, whole messages in memory: seal and open.
//!
//! Used for what is small (KMS blobs, wrapped keys, metadata); object bodies go through `segment`. The caller
//! answers for the nonce: under one key, never twice.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit};

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
    let tag = Aes256Gcm::new(key.into())
        .encrypt_inout_detached(nonce.into(), aad, out.as_mut_slice().into())
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
        opened = Aes256Gcm::new(key.into())
            .decrypt_inout_detached(nonce.into(), aad, out.into(), tag.into())
            .map_err(|_| OpenError);
    });
    opened.map(|()| plaintext)
}
