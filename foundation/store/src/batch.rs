//! Changes on their way to a commit: the last word on each key, table by table.

use std::collections::BTreeMap;

use crate::span::Span;

/// New value of a row, or `None` where it is deleted.
pub type Change = Option<Vec<u8>>;

/// What one commit changes.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    tables: BTreeMap<&'static str, BTreeMap<String, Change>>,
}

impl Batch {
    /// Every changed row, table by table, in key order.
    pub fn tables(&self) -> impl Iterator<Item = (&'static str, &BTreeMap<String, Change>)> {
        self.tables.iter().map(|(name, rows)| (*name, rows))
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    pub(crate) fn set(&mut self, table: &'static str, key: &str, change: Change) {
        self.tables.entry(table).or_default().insert(key.into(), change);
    }

    /// The change to a row; `None` where this batch leaves it alone.
    pub(crate) fn change(&self, table: &str, key: &str) -> Option<&Change> {
        self.tables.get(table)?.get(key)
    }

    pub(crate) fn changes(&self, table: &str, span: Span<'_>) -> impl Iterator<Item = (&String, &Change)> {
        let rows = self.tables.get(table).into_iter();
        rows.flat_map(move |rows| {
            rows.range::<str, _>((span.start(), std::ops::Bound::Unbounded))
                .skip_while(move |(key, _)| !span.contains(key))
                .take_while(move |(key, _)| span.contains(key))
        })
    }

    /// Lays `later` over this batch.
    pub(crate) fn absorb(&mut self, later: Self) {
        for (name, rows) in later.tables {
            self.tables.entry(name).or_default().extend(rows);
        }
    }
}
