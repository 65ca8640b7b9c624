//! AttachUserPolicy, AttachGroupPolicy, AttachRolePolicy: a managed policy speaks about one more holder. Attaching twice is no error.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::fault::{IamError, Kind};
use crate::ops::managed_policies::visible;
use crate::records::{Group, Role, User};
use crate::service::Op;
use crate::shelves::Holder;
use aws_core::policy::condition::Facts;

const MOST_ATTACHED: usize = 10;

/// For a user.
pub(crate) const USER: Op = Op::change("AttachUserPolicy", attach::<User>);
/// For a group.
pub(crate) const GROUP: Op = Op::change("AttachGroupPolicy", attach::<Group>);
/// For a role.
pub(crate) const ROLE: Op = Op::change("AttachRolePolicy", attach::<Role>);

fn attach<H: Holder>(call: &mut Call<'_>) -> Answer {
    let (name, arn) = (call.args.holder(H::KIND)?, call.args.policy_arn("PolicyArn")?);
    call.authorize_on_with::<H>(name, Facts::default().set("iam:PolicyARN", arn))?;
    let account = call.account();
    call.directory.change(|shelves, draft| {
        let holder = shelves.holder::<H>(account, name)?;
        visible(shelves, account, arn).ok_or_else(|| IamError::NotAttachable(arn.into()))?;
        draft.edit(&**holder, |holder| {
            let attached = &mut holder.policies_mut().attached;
            attached.insert(arn.into());
            if attached.len() > MOST_ATTACHED {
                let what = quota(H::KIND);
                return Err(IamError::Quota { what, most: MOST_ATTACHED });
            }
            Ok(json!({}))
        })
    })
}

fn quota(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "PoliciesPerUser",
        Kind::Group => "PoliciesPerGroup",
        Kind::Role => "PoliciesPerRole",
    }
}
