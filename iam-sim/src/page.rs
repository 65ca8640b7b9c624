//! Lists in pages: `MaxItems`, `Marker` in; `IsTruncated`, `Marker` out. A marker names the last item shown, so that a
//! list that changes between two pages skips nothing that stayed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::args::Args;
use crate::fault::{BadArgument, IamError};

const DEFAULT_ITEMS: u32 = 100;
const MOST_ITEMS: u32 = 1000;

/// The page that `args` ask for, as the member `name`. `items` come in the order of their keys.
pub(crate) fn answer(
    args: Args<'_>,
    name: &str,
    items: impl IntoIterator<Item = (String, Value)>,
) -> Result<Value, IamError> {
    let size = args.number("MaxItems", 1, MOST_ITEMS)?.unwrap_or(DEFAULT_ITEMS);
    let size = usize::try_from(size).expect("a page has at most 1000 items");
    let after = args.optional("Marker").map(decode).transpose()?;
    let is_later = |key: &String| after.as_ref().is_none_or(|after| key > after);
    let mut rest = items.into_iter().filter(|(key, _)| is_later(key)).peekable();
    let page: Vec<(String, Value)> = rest.by_ref().take(size).collect();
    let marker = rest.peek().and_then(|_| page.last()).map(|(key, _)| URL_SAFE_NO_PAD.encode(key));
    let shown: Vec<Value> = page.into_iter().map(|(_, value)| value).collect();
    Ok(json!({ name: shown, "IsTruncated": marker.is_some(), "Marker": marker }))
}

fn decode(marker: &str) -> Result<String, IamError> {
    let bytes = URL_SAFE_NO_PAD.decode(marker).map_err(|_| BadArgument::Marker)?;
    String::from_utf8(bytes).map_err(|_| BadArgument::Marker.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_wire::query::Params;

    fn page(pairs: &[(&str, &str)]) -> Result<Value, IamError> {
        let form: Params = pairs.iter().copied().collect();
        answer(Args(&form), "Names", ["a", "b", "c"].map(|name| (name.to_owned(), json!(name))))
    }

    #[test]
    fn pages_follow_one_another_without_gap() {
        let first = page(&[("MaxItems", "2")]).unwrap();
        assert_eq!((&first["Names"], &first["IsTruncated"]), (&json!(["a", "b"]), &json!(true)));
        let marker = first["Marker"].as_str().unwrap();
        let last = page(&[("MaxItems", "2"), ("Marker", marker)]).unwrap();
        assert_eq!(last, json!({ "Names": ["c"], "IsTruncated": false, "Marker": null }));
    }

    #[test]
    fn a_foreign_marker_is_refused() {
        assert_eq!(page(&[("Marker", "!")]).unwrap_err().to_string(), "Invalid Marker.");
        assert!(page(&[("MaxItems", "1001")]).unwrap_err().to_string().ends_with("less than or equal to 1000"));
    }
}
