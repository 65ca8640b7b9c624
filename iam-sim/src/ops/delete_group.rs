//! DeleteGroup: away with a group that has neither members nor policies.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::fault::{Kind, Usage};
use crate::ops::deletion::must_not;
use crate::records::Group;
use crate::service::Op;
use crate::shelves::of_account;

/// See the file's head.
pub(crate) const OP: Op = Op::change("DeleteGroup", run);

fn run(call: &mut Call<'_>) -> Answer {
    let name = call.args.holder(Kind::Group)?;
    call.authorize_on::<Group>(name)?;
    let account = call.account();
    call.directory.change(|shelves, draft| {
        let group = shelves.holder::<Group>(account, name)?;
        let has_members = of_account(&shelves.users, account).any(|(_, user)| user.is_in(group));
        must_not(has_members, Usage::GroupMembers)?;
        group.policies.must_be_empty()?;
        draft.delete(&**group);
        Ok(json!({}))
    })
}
