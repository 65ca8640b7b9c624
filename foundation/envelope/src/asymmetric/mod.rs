//! Key pairs of every asymmetric spec of AWS KMS: made, imported, and put to use.
//!
//! ```text
//! spec        KeyPairSpec, under AWS's names        algorithm   SigningAlgorithm, EncryptionAlgorithm, Message
//! pair        KeyPair: the private half             public      PublicKey: the half that may leave
//! rsa         sign, OAEP                            ecc         ECDSA, ECDH
//! ed25519     Ed25519, Ed25519ph                    ml_dsa      ML-DSA, also from an external µ
//! kem         ML-KEM                                seed_form   PKCS#8 and SPKI of keys that are a seed
//! error       what the HSM's edge turns into AWS's   draws       the caller's entropy, for the ML crates
//! ```
//!
//! A private key is PKCS#8 DER in a [`Secret`](crate::secret::Secret), a public key is SubjectPublicKeyInfo DER: what
//! AWS hands out, and what openssl reads. Keys are parsed for each use and live in the libraries' memory, which they
//! wipe, only that long.
//!
//! Where randomness comes from: new Weierstrass scalars, and the seeds of Ed25519, ML-DSA and ML-KEM, with ML-DSA's
//! hedging and ML-KEM's encapsulation, are drawn from the caller's entropy, and `--seed` replays them. New RSA keys,
//! the salt of PSS, the seed of OAEP and the nonce of ECDSA are aws-lc's own.
//!
//! Deliberately absent: SM2 (China Regions only), and limits of AWS's wire such as the 4096 bytes of a message.

pub mod algorithm;
mod draws;
mod ecc;
mod ed25519;
pub mod error;
pub mod kem;
mod ml_dsa;
pub mod pair;
pub mod public;
mod rsa;
mod seed_form;
pub mod spec;
#[cfg(test)]
mod tests;

pub use algorithm::{EncryptionAlgorithm, Hash, Message, SigningAlgorithm};
pub use error::AsymmetricError;
pub use kem::Encapsulated;
pub use pair::KeyPair;
pub use public::PublicKey;
pub use spec::{Family, KeyPairSpec, UnknownName};
