//! Tables and blobs that survive a crash.
//!
//! ```text
//! table     Table<V>: a name and a type; how values become bytes      span   which keys a scan visits
//! store     Store: snapshot reads, and writes that return once durable
//! writer    the one thread that commits; writers that wait together share one commit
//! txn       what a writer's closure sees: its own changes, over the batch's, over what is committed
//! batch     changes on their way to a commit
//! backend   where rows live: redb, memory, and a double that crashes on command
//! blobs     immutable files, named by their owner, swept when nobody refers to them
//! ```
//!
//! Deliberately absent: queries, secondary indexes, caches of decoded rows, and any word of redb outside
//! `backend/redb.rs`. Each service keeps its indexes as further tables, written in the same transaction.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod backend;
mod batch;
pub mod blobs;
mod error;
mod span;
mod store;
mod table;
mod txn;
mod writer;

pub use batch::Batch;
pub use error::StoreError;
pub use span::Span;
pub use store::Store;
pub use table::Table;
pub use txn::Txn;
