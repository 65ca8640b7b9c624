//! PutUserPermissionsBoundary, PutRolePermissionsBoundary: the most that a user or role may ever be allowed.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::fault::IamError;
use crate::ops::managed_policies::visible;
use crate::records::{Role, User};
use crate::service::Op;
use crate::shelves::Bounded;
use aws_core::policy::condition::Facts;

/// For a user.
pub(crate) const USER: Op = Op::change("PutUserPermissionsBoundary", put::<User>);
/// For a role.
pub(crate) const ROLE: Op = Op::change("PutRolePermissionsBoundary", put::<Role>);

fn put<H: Bounded>(call: &mut Call<'_>) -> Answer {
    let (name, arn) = (call.args.holder(H::KIND)?, call.args.policy_arn("PermissionsBoundary")?);
    call.authorize_on_with::<H>(name, Facts::default().set("iam:PermissionsBoundary", arn))?;
    let account = call.account();
    call.directory.change(|shelves, draft| {
        let holder = shelves.holder::<H>(account, name)?;
        visible(shelves, account, arn).ok_or_else(|| IamError::NoSuchBoundary(arn.into()))?;
        draft.edit(&**holder, |holder| {
            *holder.boundary_mut() = Some(arn.into());
            Ok(json!({}))
        })
    })
}
