//! A listing of versions: by key, newest first, grouped by delimiter, a page at a time.

use crate::error::Outcome;
use crate::model::listing::past;
use crate::model::version::Version;
use crate::store::versions::After;

/// Rows fetched at a time.
const FETCH: usize = 1000;

/// What is to be listed.
#[derive(Clone, Debug, Default)]
pub(crate) struct WantedVersions<'a> {
    /// Only keys that start with it.
    pub(crate) prefix: &'a str,
    /// Keys that share what precedes it, after the prefix, fold into one.
    pub(crate) delimiter: Option<&'a str>,
    /// Only what comes after it.
    pub(crate) after: Option<After>,
    /// Entries at most.
    pub(crate) limit: usize,
}

/// One page.
#[derive(Debug, Default)]
pub(crate) struct VersionPage {
    /// Key, version, and whether it is the newest.
    pub(crate) versions: Vec<(String, Version, bool)>,
    /// Common prefixes.
    pub(crate) prefixes: Vec<String>,
    /// Whether there is more.
    pub(crate) truncated: bool,
    /// Key and version id of the last entry; a common prefix has no version.
    pub(crate) last: Option<(String, Option<String>)>,
}

/// Lists. `fetch(after, limit)` gives versions with the wanted prefix in order.
pub(crate) fn list_versions(
    wanted: &WantedVersions<'_>,
    mut fetch: impl FnMut(Option<&After>, usize) -> Outcome<Vec<(String, Version)>>,
) -> Outcome<VersionPage> {
    let mut page = VersionPage::default();
    if wanted.limit == 0 {
        return Ok(page);
    }
    let mut cursor = wanted.after.clone();
    let mut key_before = cursor.as_ref().map(|after| after.key.clone());
    loop {
        let rows = fetch(cursor.as_ref(), FETCH)?;
        let Some((key, version)) = rows.last() else { return Ok(page) };
        let mut next = After { key: key.clone(), order: Some(version.order()) };
        for (key, version) in rows {
            let group = wanted.group_of(&key).map(str::to_owned);
            if let Some(group) = group.as_ref().filter(|group| page.knows(wanted, group)) {
                // The rest of a group that is already told: jump over it.
                let beyond = past(group);
                if beyond > next.key {
                    next = After { key: beyond, order: None };
                }
                continue;
            }
            if page.is_full(wanted) {
                return Ok(page);
            }
            match group {
                Some(group) => page.tell_group(group),
                None => {
                    let latest = key_before.as_ref() != Some(&key);
                    key_before = Some(key.clone());
                    page.tell(key, version, latest);
                }
            }
        }
        cursor = Some(next);
    }
}

impl WantedVersions<'_> {
    fn group_of<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter.filter(|delimiter| !delimiter.is_empty())?;
        let rest = key.get(self.prefix.len()..)?;
        let end = self.prefix.len() + rest.find(delimiter)? + delimiter.len();
        Some(&key[..end])
    }
}

impl VersionPage {
    fn knows(&self, wanted: &WantedVersions<'_>, group: &str) -> bool {
        let told_before = wanted.after.as_ref().is_some_and(|after| after.key == group);
        told_before || self.prefixes.last().is_some_and(|known| known == group)
    }

    fn is_full(&mut self, wanted: &WantedVersions<'_>) -> bool {
        self.truncated = self.versions.len() + self.prefixes.len() >= wanted.limit;
        self.truncated
    }

    fn tell_group(&mut self, group: String) {
        self.last = Some((group.clone(), None));
        self.prefixes.push(group);
    }

    fn tell(&mut self, key: String, version: Version, latest: bool) {
        self.last = Some((key.clone(), Some(version.id())));
        self.versions.push((key, version, latest));
    }
}
