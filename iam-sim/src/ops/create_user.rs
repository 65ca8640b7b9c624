//! CreateUser: a person or program with a name of its own in the account.

use serde_json::json;

use std::collections::BTreeSet;

use crate::call::{Answer, Call, Target};
use crate::ops::creation::{add, authorize_creation};
use crate::ops::shapes;
use crate::records::{Policies, User};
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::change("CreateUser", run);

fn run(call: &mut Call<'_>) -> Answer {
    let name = call.args.name("UserName", 64)?;
    let (path, boundary, tags) = (call.args.path()?, call.args.boundary()?, call.args.tags()?);
    let target = Target::arn(call.arn("user", path, name));
    authorize_creation(call, &target, boundary, &tags)?;
    let user = User {
        account: call.account().clone(),
        id: call.unique_id("AIDA"),
        path: path.into(),
        name: name.into(),
        created: call.now(),
        policies: Policies::default(),
        boundary: boundary.map(str::to_owned),
        groups: BTreeSet::new(),
        tags,
    };
    let answer = json!({ "User": shapes::user(&user) });
    add(call, user)?;
    Ok(answer)
}
