//! GetGroup: a group and the users in it.

use crate::call::{Answer, Call};
use crate::fault::Kind;
use crate::ops::list_users::summary;
use crate::ops::shapes;
use crate::page;
use crate::records::Group;
use crate::service::Op;
use crate::shelves::of_account;

/// See the file's head.
pub(crate) const OP: Op = Op::show("GetGroup", run);

fn run(call: &mut Call<'_>) -> Answer {
    let name = call.args.holder(Kind::Group)?;
    call.authorize_on::<Group>(name)?;
    call.read(|shelves, account| {
        let group = shelves.holder::<Group>(account, name)?;
        let members = of_account(&shelves.users, account).filter(|(_, user)| user.is_in(group));
        let mut answer = page::answer(call.args, "Users", members.map(|(key, user)| (key.into(), summary(user))))?;
        answer["Group"] = shapes::group(group);
        Ok(answer)
    })
}
