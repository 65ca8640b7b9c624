//! The KMS that storage services hold: a trait, its shapes and errors, doubles, and a client over HTTP.
//!
//! `ebs-sim` and `s3-sim` hold `Arc<dyn Kms>` and never `kms-sim` itself, so that the same code runs on the KMS
//! in the process, on one in another process, and on AWS's own.
//!
//! ```text
//! client    trait Kms                         shapes   requests and answers
//! error     KmsError, every exception by name  custody  the bridge from a key's life to the ledger
//! world     what every service is given: identities, sink, clock, entropy
//! http      HttpKms: a KMS in another process, or AWS's own (feature `http`)
//! double    a KMS in memory, for the tests of storage services
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod client;
pub mod custody;
pub mod double;
pub mod error;
#[cfg(feature = "http")]
pub mod http;
pub mod key_store_fault;
pub mod shapes;
pub mod world;
