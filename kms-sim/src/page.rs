//! Lists in pages. A marker names the last entry shown and the list it belongs to; any other text is refused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kms_api::error::KmsError;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What a list operation is asked about its pages.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Paging {
    limit: Option<i64>,
    marker: Option<String>,
}

/// One list operation: its name seals its markers.
#[derive(Clone, Copy)]
pub(crate) struct List {
    /// Name of the answer's member, and of the marker's list.
    pub(crate) member: &'static str,
    /// Entries per page when the caller names no limit.
    pub(crate) default_limit: usize,
}

impl List {
    /// The page that is asked for, of entries that come in order of their (unique) names.
    pub(crate) fn page(
        self,
        paging: &Paging,
        entries: impl Iterator<Item = (String, Value)>,
    ) -> Result<Map<String, Value>, KmsError> {
        let after = paging.marker.as_deref().map(|marker| self.read_marker(marker)).transpose()?;
        let limit = paging.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(self.default_limit);
        let mut rest = entries.skip_while(|(name, _)| after.as_ref().is_some_and(|after| name <= after));
        let shown: Vec<(String, Value)> = rest.by_ref().take(limit).collect();
        let truncated = rest.next().is_some();
        Ok(self.answer(shown, truncated))
    }

    fn answer(self, shown: Vec<(String, Value)>, truncated: bool) -> Map<String, Value> {
        let mut answer = Map::new();
        let last = shown.last().map(|(name, _)| self.marker(name));
        answer.insert(self.member.into(), shown.into_iter().map(|(_, value)| value).collect());
        if let Some(marker) = last.filter(|_| truncated) {
            answer.insert("NextMarker".into(), marker.into());
        }
        answer.insert("Truncated".into(), truncated.into());
        answer
    }

    fn marker(self, last: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}\n{last}", self.member))
    }

    fn read_marker(self, marker: &str) -> Result<String, KmsError> {
        let text = URL_SAFE_NO_PAD.decode(marker).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let last = text.as_deref().and_then(|text| text.split_once('\n')).filter(|(list, _)| *list == self.member);
        last.map(|(_, last)| last.to_owned()).ok_or(KmsError::InvalidMarker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIST: List = List { member: "Keys", default_limit: 100 };

    fn walk(names: &[String], limit: i64) -> Vec<String> {
        let (mut seen, mut paging) = (Vec::new(), Paging { limit: Some(limit), marker: None });
        loop {
            let page = LIST.page(&paging, names.iter().map(|n| (n.clone(), n.as_str().into()))).unwrap();
            seen.extend(page["Keys"].as_array().unwrap().iter().map(|v| v.as_str().unwrap().to_owned()));
            let Some(marker) = page.get("NextMarker") else { return seen };
            assert_eq!(page["Truncated"], true);
            paging.marker = Some(marker.as_str().unwrap().to_owned());
        }
    }

    proptest! {
        #[test]
        fn pages_of_any_size_show_everything_once(names in proptest::collection::btree_set("[a-z]{1,4}", 0..20), limit in 1i64..7) {
            let names: Vec<String> = names.into_iter().collect();
            prop_assert_eq!(walk(&names, limit), names);
        }
    }

    #[test]
    fn a_marker_of_another_list_or_none_at_all_is_refused() {
        let other = List { member: "Aliases", ..LIST };
        for marker in [other.marker("x"), "junk".into(), "!".into()] {
            let paging = Paging { limit: None, marker: Some(marker) };
            assert_eq!(LIST.page(&paging, std::iter::empty()), Err(KmsError::InvalidMarker));
        }
    }
}
