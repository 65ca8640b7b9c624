//! A listing: keys in byte order, grouped by delimiter, a page at a time.

use crate::error::Outcome;
use crate::model::object::Object;

/// The most entries of one page.
pub(crate) const LARGEST_PAGE: usize = 1000;

/// Rows fetched at a time.
const FETCH: usize = 1000;

/// What is to be listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted<'a> {
    /// Only keys that start with it.
    pub(crate) prefix: &'a str,
    /// Keys that share what precedes it, after the prefix, fold into one.
    pub(crate) delimiter: Option<&'a str>,
    /// Only entries after it: a key, or a common prefix of an earlier page.
    pub(crate) after: Option<&'a str>,
    /// Entries at most, keys and common prefixes together.
    pub(crate) limit: usize,
}

/// One page.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Page {
    /// Keys with their objects.
    pub(crate) objects: Vec<(String, Object)>,
    /// Common prefixes.
    pub(crate) prefixes: Vec<String>,
    /// Whether there is more.
    pub(crate) truncated: bool,
    /// The last entry of the page: where the next one starts.
    pub(crate) last: Option<String>,
}

/// Lists. `fetch(after, limit)` gives rows with the wanted prefix in key order.
pub(crate) fn list(
    wanted: &Wanted<'_>,
    mut fetch: impl FnMut(Option<&str>, usize) -> Outcome<Vec<(String, Object)>>,
) -> Outcome<Page> {
    let mut page = Page::default();
    if wanted.limit == 0 {
        return Ok(page);
    }
    let mut cursor = wanted.after.map(str::to_owned);
    loop {
        let rows = fetch(cursor.as_deref(), FETCH)?;
        let Some((last_row, _)) = rows.last() else { return Ok(page) };
        let mut next = last_row.clone();
        for (key, object) in rows {
            let Some(group) = wanted.group_of(&key) else {
                if page.is_full(wanted) {
                    return Ok(page);
                }
                page.last = Some(key.clone());
                page.objects.push((key, object));
                continue;
            };
            if wanted.after == Some(group) || page.prefixes.last().is_some_and(|known| known == group) {
                // The rest of a group that is already told: jump over it.
                next = next.max(past(group));
                continue;
            }
            if page.is_full(wanted) {
                return Ok(page);
            }
            page.last = Some(group.to_owned());
            page.prefixes.push(group.to_owned());
        }
        cursor = Some(next);
    }
}

impl Wanted<'_> {
    /// The common prefix that a key folds into, delimiter included.
    fn group_of<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter.filter(|delimiter| !delimiter.is_empty())?;
        let rest = &key[self.prefix.len()..];
        let end = self.prefix.len() + rest.find(delimiter)? + delimiter.len();
        Some(&key[..end])
    }
}

impl Page {
    fn is_full(&mut self, wanted: &Wanted<'_>) -> bool {
        self.truncated = self.objects.len() + self.prefixes.len() >= wanted.limit;
        self.truncated
    }
}

/// A string after nearly everything that starts with `group`. What might still follow it is recognised as the same
/// group and skipped as well.
pub(crate) fn past(group: &str) -> String {
    format!("{group}{}", char::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::model::object::{Facts, Label, UserHeaders, WrappedKey, Wrapping};

    fn object() -> Object {
        let facts = Facts {
            generation: String::new(),
            version: None,
            size: 0,
            etag: String::new(),
            modified: aws_core::time::Timestamp::UNIX_EPOCH,
            headers: UserHeaders::default(),
            pieces: Vec::new(),
            upload: None,
            checksum: None,
        };
        let wrapped = WrappedKey { wrapping: Wrapping::S3Owned, blob: Vec::new() };
        Object { facts, wrapped, proof: Vec::new(), inline: None, label: Label::default() }
    }

    /// All pages of a listing, entries in the order told. `fetch` gives few rows at a time, to meet every seam.
    fn all_pages(keys: &BTreeSet<String>, prefix: &str, delimiter: Option<&str>, limit: usize) -> Vec<String> {
        let (mut told, mut after) = (Vec::new(), None::<String>);
        loop {
            let wanted = Wanted { prefix, delimiter, after: after.as_deref(), limit };
            let fetch = |after: Option<&str>, _: usize| {
                let rows = keys.iter().filter(|key| key.starts_with(prefix));
                let rows = rows.filter(|key| after.is_none_or(|after| key.as_str() > after));
                Ok(rows.take(3).map(|key| (key.clone(), object())).collect())
            };
            let page = list(&wanted, fetch).unwrap();
            let mut entries: Vec<String> = page.objects.into_iter().map(|(key, _)| key).chain(page.prefixes).collect();
            assert!(entries.len() <= limit);
            entries.sort();
            told.extend(entries);
            if !page.truncated {
                return told;
            }
            after = page.last;
        }
    }

    fn naive(keys: &BTreeSet<String>, prefix: &str, delimiter: Option<&str>) -> Vec<String> {
        let fold = |key: &String| match delimiter.and_then(|d| Some((key[prefix.len()..].find(d)?, d.len()))) {
            Some((at, len)) => key[..prefix.len() + at + len].to_owned(),
            None => key.clone(),
        };
        let folded: BTreeSet<String> = keys.iter().filter(|key| key.starts_with(prefix)).map(fold).collect();
        folded.into_iter().collect()
    }

    proptest! {
        #[test]
        fn pages_join_to_the_whole(
            keys in prop::collection::btree_set("[ab/\u{10FFFF}]{1,6}", 0..25),
            prefix in "[ab/]{0,2}",
            delimiter in prop_oneof![Just(None), Just(Some("/")), Just(Some("ab")), Just(Some("\u{10FFFF}"))],
            limit in 1..6usize,
        ) {
            prop_assert_eq!(all_pages(&keys, &prefix, delimiter, limit), naive(&keys, &prefix, delimiter));
        }
    }
}
