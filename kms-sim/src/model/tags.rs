//! Tags of a key, and the two that tests use to fix a key's id and material.

use std::collections::{BTreeMap, BTreeSet};

use kms_api::error::KmsError;
use serde::Deserialize;

/// Most tags that one key may have.
pub const TAGS_PER_KEY: usize = 50;

/// On CreateKey: the key's id. A convention of LocalStack that scripts rely on.
pub const CUSTOM_ID: &str = "_custom_id_";

/// On CreateKey: the key's material, 32 bytes in base64. The same convention; never stored as a tag and never shown.
pub const CUSTOM_MATERIAL: &str = "_custom_key_material_";

/// A tag as requests carry it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Tag {
    /// 1 to 128 characters.
    pub tag_key: String,
    /// At most 256 characters.
    pub tag_value: String,
}

/// Whether a tag is one that is stored and shown, and not one that seeds a new key.
pub fn is_plain(tag: &Tag) -> bool {
    tag.tag_key != CUSTOM_ID && tag.tag_key != CUSTOM_MATERIAL
}

/// Refuses tags that AWS refuses.
pub fn check(tags: &[Tag]) -> Result<(), KmsError> {
    let names: BTreeSet<&str> = tags.iter().map(|tag| &*tag.tag_key).collect();
    if names.len() < tags.len() {
        return Err(KmsError::Tag("Duplicate tag keys".into()));
    }
    if names.iter().any(|name| name.to_ascii_lowercase().starts_with("aws:")) {
        return Err(KmsError::Tag("Tags beginning with aws: are reserved".into()));
    }
    check_count(tags.len())
}

/// Adds tags to those of a key, replacing values of the same name.
pub fn add(to: &mut BTreeMap<String, String>, tags: impl IntoIterator<Item = Tag>) -> Result<(), KmsError> {
    to.extend(tags.into_iter().map(|tag| (tag.tag_key, tag.tag_value)));
    check_count(to.len())
}

fn check_count(count: usize) -> Result<(), KmsError> {
    if count > TAGS_PER_KEY { Err(KmsError::Tag("Too many tags".into())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str) -> Tag {
        Tag { tag_key: key.into(), tag_value: String::new() }
    }

    #[test]
    fn what_aws_refuses_is_refused_in_its_words() {
        let says = |tags: &[Tag]| check(tags).map_err(|e| e.to_string());
        assert_eq!(says(&[tag("a"), tag("b")]), Ok(()));
        assert_eq!(says(&[tag("a"), tag("a")]), Err("Duplicate tag keys".into()));
        assert_eq!(says(&[tag("AWS:x")]), Err("Tags beginning with aws: are reserved".into()));
        let many: Vec<Tag> = (0..51).map(|n| tag(&n.to_string())).collect();
        assert_eq!(says(&many), Err("Too many tags".into()));
    }
}
