//! TagUser, TagRole: names and values that policies can ask about (`aws:PrincipalTag/…`).

use serde_json::json;

use crate::call::{Answer, Call, describe_tags};
use crate::fault::IamError;
use crate::records::{Role, User};
use crate::service::Op;
use crate::shelves::Bounded;
use aws_core::policy::condition::Facts;

const MOST_TAGS: usize = 50;

/// For a user.
pub(crate) const USER: Op = Op::change("TagUser", tag::<User>);
/// For a role.
pub(crate) const ROLE: Op = Op::change("TagRole", tag::<Role>);

fn tag<H: Bounded>(call: &mut Call<'_>) -> Answer {
    let (name, tags) = (call.args.holder(H::KIND)?, call.args.tags()?);
    let mut facts = Facts::default();
    describe_tags(&mut facts, &tags);
    call.authorize_on_with::<H>(name, &mut facts)?;
    let account = call.account();
    call.directory.change(|shelves, draft| {
        let holder = shelves.holder::<H>(account, name)?;
        draft.edit(&**holder, |holder| {
            let own = holder.tags_mut();
            own.retain(|key, _| !tags.keys().any(|new| new.eq_ignore_ascii_case(key)));
            own.extend(tags);
            if own.len() > MOST_TAGS {
                return Err(IamError::Quota { what: "TagsPerResource", most: MOST_TAGS });
            }
            Ok(json!({}))
        })
    })
}
