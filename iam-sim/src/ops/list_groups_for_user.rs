//! ListGroupsForUser: the groups that a user is in.

use crate::call::{Answer, Call};
use crate::fault::Kind;
use crate::ops::shapes;
use crate::page;
use crate::records::User;
use crate::service::Op;
use crate::shelves::of_account;

/// See the file's head.
pub(crate) const OP: Op = Op::show("ListGroupsForUser", run);

fn run(call: &mut Call<'_>) -> Answer {
    let name = call.args.holder(Kind::User)?;
    call.authorize_on::<User>(name)?;
    call.read(|shelves, account| {
        let user = shelves.holder::<User>(account, name)?;
        let groups = of_account(&shelves.groups, account).filter(|(_, group)| user.is_in(group));
        page::answer(call.args, "Groups", groups.map(|(key, group)| (key.into(), shapes::group(group))))
    })
}
