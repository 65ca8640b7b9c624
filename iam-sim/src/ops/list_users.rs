//! ListUsers: the users of the account under a path.

use serde_json::Value;

use crate::call::{Answer, Call, Target};
use crate::ops::shapes;
use crate::page;
use crate::records::User;
use crate::service::Op;
use crate::shelves::of_account;

/// See the file's head.
pub(crate) const OP: Op = Op::show("ListUsers", run);

fn run(call: &mut Call<'_>) -> Answer {
    let prefix = call.args.path_prefix();
    let target = Target::arn(call.arn("user", prefix, ""));
    call.authorize(&target)?;
    let under = |user: &User| user.path.starts_with(prefix);
    call.read(|shelves, account| {
        let users = of_account(&shelves.users, account).filter(|(_, user)| under(user));
        page::answer(call.args, "Users", users.map(|(key, user)| (key.into(), summary(user))))
    })
}

/// A user as lists show it: without boundary and tags.
pub(super) fn summary(user: &User) -> Value {
    let mut shape = shapes::user(user);
    shape["PermissionsBoundary"] = Value::Null;
    shape["Tags"] = Value::Null;
    shape
}
