//! ListUserPolicies, ListGroupPolicies, ListRolePolicies: the names of the inline policies.

use crate::call::{Answer, Call};
use crate::page;
use crate::records::{Group, Role, User};
use crate::service::Op;
use crate::shelves::Holder;

/// For a user.
pub(crate) const USER: Op = Op::show("ListUserPolicies", list::<User>);
/// For a group.
pub(crate) const GROUP: Op = Op::show("ListGroupPolicies", list::<Group>);
/// For a role.
pub(crate) const ROLE: Op = Op::show("ListRolePolicies", list::<Role>);

fn list<H: Holder>(call: &mut Call<'_>) -> Answer {
    let name = call.args.holder(H::KIND)?;
    call.authorize_on::<H>(name)?;
    call.read(|shelves, account| {
        let holder = shelves.holder::<H>(account, name)?;
        let names = holder.policies().inline.keys().map(|policy| (policy.clone(), policy.as_str().into()));
        page::answer(call.args, "PolicyNames", names)
    })
}
