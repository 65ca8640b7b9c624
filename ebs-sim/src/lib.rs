//! An EBS whose attached volumes are real files, and the little of EC2 that it needs around it.
//!
//! ```text
//! sim        what the service holds; start and end          wire     EC2's door, one event per call
//! ops        one action, one file                           direct   the door of the EBS direct APIs
//! attach     how a volume comes to an instance and leaves   moves    one change at a time per volume
//! model      volumes, attachments, instances                store    rows and files
//! device     the block layer: synchronous, never KMS        fuse     devices as files
//! snapshots  points in time: chunks, maps, uploads, restores
//! error      what can go wrong, by AWS's names              call     what an operation is given
//! ```
//!
//! Keys: CreateVolume has KMS make 64 bytes of which only the wrapped form leaves it. AttachVolume makes a grant for the
//! host of the instance, and the host decrypts through it; the key then lives in locked memory as a cipher, until
//! detach. Deliberately absent: a way from I/O to KMS, and a field of a detached volume that could hold a key.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod attach;
mod call;
pub mod device;
mod direct;
mod error;
pub mod fuse;
mod model;
mod moves;
mod ops;
mod sim;
mod snapshots;
mod store;
mod wire;

pub use device::cipher::CipherChoice;
pub use error::EbsError;
pub use fuse::host::FuseMode;
pub use sim::{EbsConfig, EbsSim, OpenError};
