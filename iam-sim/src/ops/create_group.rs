//! CreateGroup: a set of users that share policies.

use serde_json::json;

use crate::call::{Answer, Call, Target};
use crate::fault::Kind;
use crate::ops::creation::add;
use crate::ops::shapes;
use crate::records::{Group, Policies};
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::change("CreateGroup", run);

fn run(call: &mut Call<'_>) -> Answer {
    let (name, path) = (call.args.holder(Kind::Group)?, call.args.path()?);
    call.authorize(&Target::arn(call.arn("group", path, name)))?;
    let group = Group {
        account: call.account().clone(),
        id: call.unique_id("AGPA"),
        path: path.into(),
        name: name.into(),
        created: call.now(),
        policies: Policies::default(),
    };
    let answer = json!({ "Group": shapes::group(&group) });
    add(call, group)?;
    Ok(answer)
}
