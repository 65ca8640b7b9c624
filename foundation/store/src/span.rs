//! Which keys a scan visits: all, or those with a prefix, perhaps only those after a given key.

use std::ops::Bound;

/// A run of keys in byte order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span<'a> {
    prefix: &'a str,
    after: Option<&'a str>,
}

impl<'a> Span<'a> {
    /// Every key.
    pub const fn all() -> Self {
        Self { prefix: "", after: None }
    }

    /// Keys that start with `prefix`.
    pub const fn prefix(prefix: &'a str) -> Self {
        Self { prefix, after: None }
    }

    /// Of these, only keys greater than `key` (which need not exist): the next page of a listing.
    #[must_use]
    pub const fn after(self, key: &'a str) -> Self {
        Self { after: Some(key), ..self }
    }

    /// Where a scan starts. Keys past the span are recognised by [`Span::contains`]: prefixes have no successor in UTF-8.
    pub fn start(&self) -> Bound<&'a str> {
        match self.after {
            Some(key) if key >= self.prefix => Bound::Excluded(key),
            Some(_) | None => Bound::Included(self.prefix),
        }
    }

    /// Whether a key belongs to the span.
    pub fn contains(&self, key: &str) -> bool {
        key.starts_with(self.prefix) && self.after.is_none_or(|after| key > after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_starts_after_its_marker_even_when_the_marker_lies_outside_the_prefix() {
        let span = Span::prefix("photos/").after("photos/2");
        assert_eq!(span.start(), Bound::Excluded("photos/2"));
        assert!(span.contains("photos/20"));
        assert!(!span.contains("photos/2"));
        assert_eq!(Span::prefix("photos/").after("a").start(), Bound::Included("photos/"));
        assert!(!Span::prefix("photos/").after("zebra").contains("photos/1"));
        assert!(Span::all().contains(""));
    }
}
