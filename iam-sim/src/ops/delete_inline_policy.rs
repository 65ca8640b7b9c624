//! DeleteUserPolicy, DeleteGroupPolicy, DeleteRolePolicy: away with an inline policy.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::fault::IamError;
use crate::records::{Group, Role, User};
use crate::service::Op;
use crate::shelves::Holder;

/// For a user.
pub(crate) const USER: Op = Op::change("DeleteUserPolicy", delete::<User>);
/// For a group.
pub(crate) const GROUP: Op = Op::change("DeleteGroupPolicy", delete::<Group>);
/// For a role.
pub(crate) const ROLE: Op = Op::change("DeleteRolePolicy", delete::<Role>);

fn delete<H: Holder>(call: &mut Call<'_>) -> Answer {
    let (name, policy) = (call.args.holder(H::KIND)?, call.args.policy_name()?);
    call.authorize_on::<H>(name)?;
    let account = call.account();
    call.directory.change(|shelves, draft| {
        let holder = shelves.holder::<H>(account, name)?;
        draft.edit(&**holder, |holder| {
            let gone = holder.policies_mut().inline.remove(policy);
            gone.ok_or_else(|| IamError::NoSuchInlinePolicy(H::KIND, policy.into()))?;
            Ok(json!({}))
        })
    })
}
