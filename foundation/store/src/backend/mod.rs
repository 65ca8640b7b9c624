//! Where committed rows live. A backend knows bytes, not types; a database server may stand behind it one day.

use crate::batch::Batch;
use crate::error::StoreError;
use crate::span::Span;

pub mod crashing;
pub mod memory;
pub mod redb;

/// Rows by table and key. Readers run beside the one writer and see only what is committed.
pub trait Backend: Send + Sync + 'static {
    /// One row, or `None`.
    fn get(&self, table: &str, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// The first `limit` rows of a span, in byte order of their keys, all of one moment.
    fn scan(&self, table: &str, span: Span<'_>, limit: usize) -> Result<Vec<(String, Vec<u8>)>, StoreError>;

    /// Makes all changes at once, or none; durable when it returns `Ok`. Called by one thread at a time.
    fn commit(&self, batch: &Batch) -> Result<(), StoreError>;
}
