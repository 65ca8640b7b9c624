//! GetUserPolicy, GetGroupPolicy, GetRolePolicy: an inline policy as its author wrote it.

use serde_json::json;

use crate::answer::encoded;
use crate::call::{Answer, Call};
use crate::fault::IamError;
use crate::records::{Group, Role, User};
use crate::service::Op;
use crate::shelves::Holder;

/// For a user.
pub(crate) const USER: Op = Op::show("GetUserPolicy", get::<User>);
/// For a group.
pub(crate) const GROUP: Op = Op::show("GetGroupPolicy", get::<Group>);
/// For a role.
pub(crate) const ROLE: Op = Op::show("GetRolePolicy", get::<Role>);

fn get<H: Holder>(call: &mut Call<'_>) -> Answer {
    let (name, policy) = (call.args.holder(H::KIND)?, call.args.policy_name()?);
    call.authorize_on::<H>(name)?;
    call.read(|shelves, account| {
        let holder = shelves.holder::<H>(account, name)?;
        let document = holder.policies().inline.get(policy);
        let document = document.ok_or_else(|| IamError::NoSuchInlinePolicy(H::KIND, policy.into()))?;
        let owner = format!("{}Name", H::KIND.title());
        Ok(json!({ owner: holder.name(), "PolicyName": policy, "PolicyDocument": encoded(&document.text) }))
    })
}
