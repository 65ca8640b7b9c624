//! All cryptography of the house, pure: bytes in, bytes out. No socket, file or clock; randomness comes from the caller,
//! but for RSA keys and the padding and nonces of RSA and ECDSA, which `asymmetric` leaves to aws-lc.
//!
//! ```text
//! secret     zeroizing bytes behind one door          entropy   where randomness comes from
//! data_key   PlaintextDataKey, wiped and witnessed     context   EncryptionContext, canonical AAD
//! derive     one key per message (SP 800-108)          gcm       seal and open
//! blob       CiphertextBlob: AWS's byte layout         xts       VolumeCipher
//! segment    segmented AEAD of object bodies           wrap      small secrets under a 256-bit key
//! asymmetric RSA, ECC, Ed25519, ML-DSA, ML-KEM         mac       HMAC keys
//! key_wrap   how key material travels into KMS
//! locked     memory that is never swapped, dumped or forked
//! scrub      overwriting what a computation left on the stack
//! ```
//!
//! `unsafe` stands in `locked` and `xts::fused` only. The one system call is the mapping that `locked` owns.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod asymmetric;
pub mod blob;
pub mod context;
pub mod data_key;
pub mod derive;
pub mod entropy;
pub mod gcm;
pub mod key_wrap;
mod locked;
pub mod mac;
mod scrub;
pub mod secret;
pub mod segment;
pub mod wrap;
pub mod xts;

pub use locked::LockError;
