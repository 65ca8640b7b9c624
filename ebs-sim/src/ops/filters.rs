//! `Filter.N` of the Describe calls, and pages. Filters are joined with AND, the values of one with OR; `*` and `?`
//! stand for any text and any character.

use crate::call::Call;
use crate::error::EbsError;
use crate::model::tags::Tags;

/// What one filter looks at: the values that a resource has under its name. `None`: there is no such filter.
pub(super) type Values = Option<Vec<String>>;

/// The filters of a call.
pub(super) struct Filters(Vec<(String, Vec<String>)>);

impl Filters {
    /// Reads `Filter.N.Name` and `Filter.N.Value.M`.
    pub(super) fn of(call: &Call<'_>) -> Self {
        let filters = call.form.members("Filter").into_iter();
        Self(
            filters
                .map(|filter| {
                    let values = filter.list("Value").into_iter().map(Into::into).collect();
                    (filter.get("Name").unwrap_or_default().to_owned(), values)
                })
                .collect(),
        )
    }

    /// Whether a resource passes all of them. `look` names its values.
    ///
    /// # Errors
    /// [`EbsError::InvalidParameterValue`] for a filter that there is not.
    pub(super) fn pass(&self, look: impl Fn(&str) -> Values) -> Result<bool, EbsError> {
        for (name, wanted) in &self.0 {
            let has =
                look(name).ok_or_else(|| EbsError::InvalidParameterValue(format!("The filter '{name}' is invalid")))?;
            if !has.iter().any(|value| wanted.iter().any(|pattern| matches(pattern, value))) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// For the trail: CloudTrail's `filterSet`.
    pub(super) fn logged(&self) -> serde_json::Value {
        if self.0.is_empty() {
            return serde_json::json!({});
        }
        let item = |(name, values): &(String, Vec<String>)| {
            let values: Vec<_> = values.iter().map(|value| serde_json::json!({ "value": value })).collect();
            serde_json::json!({ "name": name, "valueSet": { "items": values } })
        };
        serde_json::json!({ "items": self.0.iter().map(item).collect::<Vec<_>>() })
    }

    /// The values behind `tag:KEY` and `tag-key`.
    pub(super) fn tag_values(name: &str, tags: &Tags) -> Values {
        match name.strip_prefix("tag:") {
            Some(key) => Some(tags.get(key).cloned().into_iter().collect()),
            None => (name == "tag-key").then(|| tags.keys().cloned().collect()),
        }
    }
}

/// One value, as a filter sees it.
pub(super) fn one(value: impl ToString) -> Values {
    Some(vec![value.to_string()])
}

/// At most `MaxResults` of `items` after `NextToken`, and the token of the next page. `id` must rise along `items`.
///
/// # Errors
/// When `MaxResults` is no number.
pub(super) fn page<T>(
    call: &Call<'_>,
    items: Vec<T>,
    id: impl Fn(&T) -> &str,
) -> Result<(Vec<T>, Option<String>), EbsError> {
    let most = call.number("MaxResults")?.map_or(usize::MAX, |most| most.max(1) as usize);
    let start = call.text("NextToken").unwrap_or_default();
    let mut rest = items.into_iter().filter(|item| id(item) > start);
    let shown: Vec<T> = rest.by_ref().take(most).collect();
    let more = rest.next().is_some();
    let token = shown.last().filter(|_| more).map(|last| id(last).to_owned());
    Ok((shown, token))
}

/// Whether `value` is what `pattern` describes. Linear but for backtracking to the last star.
fn matches(pattern: &str, value: &str) -> bool {
    let (pattern, value): (Vec<char>, Vec<char>) = (pattern.chars().collect(), value.chars().collect());
    let (mut p, mut v, mut star) = (0, 0, None);
    while v < value.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, v));
                p += 1;
            }
            Some(c) if *c == '?' || *c == value[v] => (p, v) = (p + 1, v + 1),
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, v) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, value) in
            [("*", ""), ("a*c", "abbc"), ("a?c", "abc"), ("*b*", "abc"), ("vol-*0", "vol-10"), ("", "")]
        {
            assert!(matches(pattern, value), "{pattern} {value}");
        }
        for (pattern, value) in [("a", "ab"), ("a?c", "ac"), ("*b", "abc"), ("", "a"), ("A", "a")] {
            assert!(!matches(pattern, value), "{pattern} {value}");
        }
    }

    #[test]
    fn filters_are_and_and_their_values_or() {
        let filters = |list: &[(&str, &[&str])]| {
            Filters(list.iter().map(|(n, v)| ((*n).into(), v.iter().map(|v| (*v).into()).collect())).collect())
        };
        let look = |name: &str| match name {
            "status" => one("available"),
            "size" => one(4),
            _ => None,
        };
        assert!(filters(&[]).pass(look).unwrap());
        assert!(filters(&[("status", &["in-use", "avail*"]), ("size", &["4"])]).pass(look).unwrap());
        assert!(!filters(&[("status", &["available"]), ("size", &["5"])]).pass(look).unwrap());
        let error = filters(&[("colour", &["red"])]).pass(look).unwrap_err();
        assert_eq!(error.to_string(), "The filter 'colour' is invalid");
    }
}
