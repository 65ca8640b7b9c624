//! GetRole: a role with its trust policy.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::fault::Kind;
use crate::ops::shapes;
use crate::records::Role;
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::show("GetRole", run);

fn run(call: &mut Call<'_>) -> Answer {
    let name = call.args.holder(Kind::Role)?;
    call.authorize_on::<Role>(name)?;
    let role = call.read(|shelves, account| shelves.holder::<Role>(account, name).map(|role| shapes::role(role)))?;
    Ok(json!({ "Role": role }))
}
