//! ListGroups: the groups of the account under a path.

use crate::call::{Answer, Call, Target};
use crate::ops::shapes;
use crate::page;
use crate::service::Op;
use crate::shelves::of_account;

/// See the file's head.
pub(crate) const OP: Op = Op::show("ListGroups", run);

fn run(call: &mut Call<'_>) -> Answer {
    let prefix = call.args.path_prefix();
    call.authorize(&Target::arn(call.arn("group", prefix, "")))?;
    call.read(|shelves, account| {
        let groups = of_account(&shelves.groups, account).filter(|(_, group)| group.path.starts_with(prefix));
        page::answer(call.args, "Groups", groups.map(|(key, group)| (key.into(), shapes::group(group))))
    })
}
