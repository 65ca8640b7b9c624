//! DetachUserPolicy, DetachGroupPolicy, DetachRolePolicy: a managed policy no longer speaks about the holder.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::fault::IamError;
use crate::records::{Group, Role, User};
use crate::service::Op;
use crate::shelves::Holder;
use aws_core::policy::condition::Facts;

/// For a user.
pub(crate) const USER: Op = Op::change("DetachUserPolicy", detach::<User>);
/// For a group.
pub(crate) const GROUP: Op = Op::change("DetachGroupPolicy", detach::<Group>);
/// For a role.
pub(crate) const ROLE: Op = Op::change("DetachRolePolicy", detach::<Role>);

fn detach<H: Holder>(call: &mut Call<'_>) -> Answer {
    let (name, arn) = (call.args.holder(H::KIND)?, call.args.policy_arn("PolicyArn")?);
    call.authorize_on_with::<H>(name, Facts::default().set("iam:PolicyARN", arn))?;
    let account = call.account();
    call.directory.change(|shelves, draft| {
        let holder = shelves.holder::<H>(account, name)?;
        draft.edit(&**holder, |holder| {
            let was_attached = holder.policies_mut().attached.remove(arn);
            if was_attached { Ok(json!({})) } else { Err(IamError::NoSuchPolicy(arn.into())) }
        })
    })
}
