//! All cryptography of the house, pure: bytes in, bytes out. No socket, file, clock or randomness of its own.
//!
//! ```text
//! secret     zeroizing bytes behind one door          entropy   where randomness comes from
//! data_key   PlaintextDataKey, wiped and witnessed     context   EncryptionContext, canonical AAD
//! derive     one key per message (SP 800-108)          gcm       seal and open
//! blob       CiphertextBlob: AWS's byte layout         xts       VolumeCipher
//! segment    segmented AEAD of object bodies           wrap      small secrets under a 256-bit key
//! locked     memory that is never swapped, dumped or forked
//! scrub      overwriting what a computation left on the stack
//! ```
//!
//! `unsafe` stands in `locked` and `xts::fused` only. The one system call is the mapping that `locked` owns.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod blob;
pub mod context;
pub mod data_key;
pub mod derive;
pub mod entropy;
pub mod gcm;
mod locked;
mod scrub;
pub mod secret;
pub mod segment;
pub mod wrap;
pub mod xts;

pub use locked::LockError;
