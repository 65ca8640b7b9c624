//! What the making of users and roles has in common.

use aws_core::policy::condition::Facts;

use crate::call::{Call, Target, describe_tags};
use crate::fault::IamError;
use crate::records::Tags;
use crate::shelves::Holder;

/// May the caller make `target` with this boundary and these tags? Giving tags takes a permission of its own.
pub(super) fn authorize_creation(
    call: &mut Call<'_>,
    target: &Target,
    boundary: Option<&str>,
    tags: &Tags,
) -> Result<(), IamError> {
    let mut facts = Facts::default();
    describe_tags(&mut facts, tags);
    if let Some(boundary) = boundary {
        facts.set("iam:PermissionsBoundary", boundary);
    }
    call.authorize_with(target, &mut facts)?;
    if tags.is_empty() {
        return Ok(());
    }
    let action = format!("iam:{}", call.action.replacen("Create", "Tag", 1));
    call.authorize_action(&action, target, &mut facts)
}

/// Shelves a new user, group or role, unless its name is taken or its boundary is no policy.
pub(super) fn add<H: Holder>(call: &Call<'_>, holder: H) -> Result<(), IamError> {
    call.directory.change(|shelves, draft| {
        if H::shelf(shelves).contains_key(&holder.key()) {
            return Err(IamError::Exists(H::KIND, holder.name().into()));
        }
        if let Some(boundary) = holder.boundary().filter(|arn| shelves.policy(arn).is_none()) {
            return Err(IamError::NoSuchBoundary(boundary.into()));
        }
        draft.put(holder);
        Ok(())
    })
}
