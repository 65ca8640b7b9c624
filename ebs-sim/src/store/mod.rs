//! Where EBS keeps its rows, and how the model becomes a row and back.
//!
//! ```text
//! ebs.volumes      vol-…                               metadata, wrapped key, attachment
//! ebs.snapshots    snap-…                              metadata, wrapped key, state
//! ebs.chunks       snap-…/place                        which chunks it has, 4096 places to a row
//! ebs.instances    i-…
//! ebs.defaults     account/region                      encryption by default
//! ebs.tokens       account/region/operation/token      idempotency
//! STATE/volumes/vol-…                                  ciphertext, one sparse file per volume
//! STATE/chunks/…                                       chunks of snapshots, immutable
//! STATE/instances/i-…/                                 the instance's home
//! ```
//!
//! Ids are unique among accounts and regions, so that an id alone is the key, and the name of the data file.

mod files;
mod rows;
mod snapshot_rows;
mod snapshot_tables;
mod tables;

pub use files::StateFolder;
pub(crate) use tables::{Gone, Tables, Taken};
