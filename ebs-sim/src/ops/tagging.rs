//! Tags as requests carry them.

use crate::call::Call;
use crate::error::EbsError;
use crate::model::ids::is_id;
use crate::model::tags::{self, CUSTOM_ID, MOST_TAGS, Tags};
use aws_wire::query::Params;

/// The tags that a new resource of this type is to get, and the id that one of them wishes for.
pub(super) struct Wished {
    pub(super) tags: Tags,
    pub(super) id: Option<String>,
}

/// Reads `TagSpecification.N` for one resource type.
///
/// # Errors
/// For a tag that cannot be, and for resource types that this call does not make.
pub(super) fn wished(call: &Call<'_>, kind: &str, prefix: &str, makes: &[&str]) -> Result<Wished, EbsError> {
    let mut tags = Tags::new();
    for specification in call.form.members("TagSpecification") {
        let named = specification.get("ResourceType").unwrap_or_default();
        if !makes.contains(&named) {
            let text = format!("'{named}' is not a valid taggable resource type for this operation.");
            return Err(EbsError::InvalidParameterValue(text));
        }
        if named == kind {
            tags.extend(read(&specification)?);
        }
    }
    let id = tags.remove(CUSTOM_ID);
    match id.as_deref() {
        Some(id) if !is_id(prefix, id) => Err(EbsError::InvalidId(id.into())),
        _ => bounded(tags).map(|tags| Wished { tags, id }),
    }
}

/// Reads `Tag.N.Key` and `Tag.N.Value`.
///
/// # Errors
/// For a tag that cannot be.
pub(super) fn read(form: &Params) -> Result<Tags, EbsError> {
    let mut found = Tags::new();
    for tag in form.members("Tag") {
        let (key, value) = (tag.get("Key").unwrap_or_default(), tag.get("Value").unwrap_or_default());
        tags::check(key, value)?;
        found.insert(key.into(), value.into());
    }
    Ok(found)
}

/// No more tags than a resource may have.
///
/// # Errors
/// [`EbsError::TagLimitExceeded`].
pub(super) fn bounded(tags: Tags) -> Result<Tags, EbsError> {
    if tags.len() > MOST_TAGS { Err(EbsError::TagLimitExceeded) } else { Ok(tags) }
}
