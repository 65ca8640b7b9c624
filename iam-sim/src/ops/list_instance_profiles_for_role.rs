//! ListInstanceProfilesForRole: none, since no instance profile can be made here. Tools that delete a role ask first.

use crate::call::{Answer, Call};
use crate::fault::Kind;
use crate::page;
use crate::records::Role;
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::show("ListInstanceProfilesForRole", run);

fn run(call: &mut Call<'_>) -> Answer {
    let name = call.args.holder(Kind::Role)?;
    call.authorize_on::<Role>(name)?;
    call.read(|shelves, account| shelves.holder::<Role>(account, name).map(drop))?;
    page::answer(call.args, "InstanceProfiles", [])
}
