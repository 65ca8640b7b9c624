//! DeleteUserPermissionsBoundary, DeleteRolePermissionsBoundary: only the policies decide from now on.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::fault::IamError;
use crate::records::{Role, User};
use crate::service::Op;
use crate::shelves::Bounded;

/// For a user.
pub(crate) const USER: Op = Op::change("DeleteUserPermissionsBoundary", delete::<User>);
/// For a role.
pub(crate) const ROLE: Op = Op::change("DeleteRolePermissionsBoundary", delete::<Role>);

fn delete<H: Bounded>(call: &mut Call<'_>) -> Answer {
    let name = call.args.holder(H::KIND)?;
    call.authorize_on::<H>(name)?;
    let account = call.account();
    call.directory.change(|shelves, draft| {
        let holder = shelves.holder::<H>(account, name)?;
        draft.edit(&**holder, |holder| {
            let bounded = holder.boundary_mut().take();
            bounded.ok_or_else(|| IamError::NoBoundary(H::KIND, name.into()))?;
            Ok(json!({}))
        })
    })
}
