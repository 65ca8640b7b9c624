//! ListRoles: the roles of the account under a path.

use serde_json::Value;

use crate::call::{Answer, Call, Target};
use crate::ops::shapes;
use crate::page;
use crate::records::Role;
use crate::service::Op;
use crate::shelves::of_account;

/// See the file's head.
pub(crate) const OP: Op = Op::show("ListRoles", run);

fn run(call: &mut Call<'_>) -> Answer {
    let prefix = call.args.path_prefix();
    call.authorize(&Target::arn(call.arn("role", prefix, "")))?;
    call.read(|shelves, account| {
        let roles = of_account(&shelves.roles, account).filter(|(_, role)| role.path.starts_with(prefix));
        page::answer(call.args, "Roles", roles.map(|(key, role)| (key.into(), summary(role))))
    })
}

/// A role as lists show it: without boundary and tags.
fn summary(role: &Role) -> Value {
    let mut shape = shapes::role(role);
    shape["PermissionsBoundary"] = Value::Null;
    shape["Tags"] = Value::Null;
    shape
}
