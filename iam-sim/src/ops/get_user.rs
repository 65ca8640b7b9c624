//! GetUser: a user, by default the caller itself; the root user has neither name nor path.

use serde_json::json;

use serde_json::Value;

use crate::answer::time;
use crate::call::{Answer, Call};
use crate::ops::shapes;
use crate::records::User;
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::show("GetUser", run);

fn run(call: &mut Call<'_>) -> Answer {
    let named = match call.args.optional_user()? {
        Some(name) => Some(name),
        None => call.caller_name()?,
    };
    let Some(name) = named else { return Ok(json!({ "User": root(call) })) };
    call.authorize_on::<User>(name)?;
    let user = call.read(|shelves, account| shelves.holder::<User>(account, name).map(|user| shapes::user(user)))?;
    Ok(json!({ "User": user }))
}

fn root(call: &Call<'_>) -> Value {
    let created = time(call.directory.founded());
    json!({ "UserId": call.account().as_str(), "Arn": call.ctx.principal_arn(), "CreateDate": created })
}
