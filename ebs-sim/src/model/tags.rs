//! Tags of a volume or an instance.

use std::collections::BTreeMap;

/// Key to value.
pub type Tags = BTreeMap<String, String>;

/// How many tags a resource may have.
pub const MOST_TAGS: usize = 50;

/// A tag of this key fixes the id of what is made (LocalStack's convention, so that lessons can be repeated).
pub const CUSTOM_ID: &str = "_custom_id_";

/// Why a tag is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTag {
    /// `aws:` is AWS's.
    #[error("Tag keys starting with 'aws:' are reserved for internal use")]
    Reserved,
    /// Not 1 to 127 characters.
    #[error("Tag key exceeds the maximum length of 127 characters")]
    KeyLength,
    /// More than 255 characters.
    #[error("Tag value exceeds the maximum length of 255 characters")]
    ValueLength,
}

/// Checks one tag.
///
/// # Errors
/// The first thing wrong with it.
pub fn check(key: &str, value: &str) -> Result<(), BadTag> {
    match () {
        () if key.to_ascii_lowercase().starts_with("aws:") => Err(BadTag::Reserved),
        () if key.is_empty() || key.chars().count() > 127 => Err(BadTag::KeyLength),
        () if value.chars().count() > 255 => Err(BadTag::ValueLength),
        () => Ok(()),
    }
}
