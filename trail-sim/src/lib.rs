//! CloudTrail: one record per call, in order, durable; and the place where the stream of events meets its readers.
//!
//! ```text
//! trail     Trail: the sink; a bounded queue to one thread, and doors for the readers
//! scribe    that thread: feeds the readers, writes the records, syncs them within a fraction of a second
//! readers   the newest events, the ledger, and live subscribers
//! record    an event as CloudTrail prints it
//! card      the few facts by which a record is found again
//! archive   segment files: frames with a checksum, an index per full segment, the newest records stay
//! lookup    LookupEvents' filters and page tokens        ops       one file per action of CloudTrail
//! service   the actions behind AWS JSON 1.1
//! ```
//!
//! Deliberately absent: trails that deliver to buckets, Insights, and Lake. Key movements (`KeyPlaced`, `KeyDropped`) reach
//! the readers but are not written down: AWS knows no such records, and services announce their keys anew at start.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod archive;
pub mod card;
pub mod lookup;
mod ops;
mod readers;
pub mod record;
mod scribe;
mod service;
mod trail;

pub use readers::Subscription;
pub use service::CloudTrailService;
pub use trail::{Trail, Why};
