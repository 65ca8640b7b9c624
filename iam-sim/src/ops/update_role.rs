//! UpdateRole: another description, another longest session.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::fault::Kind;
use crate::records::Role;
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::change("UpdateRole", run);

fn run(call: &mut Call<'_>) -> Answer {
    let name = call.args.holder(Kind::Role)?;
    let description = call.args.text("Description", 1000)?;
    let max_session_seconds = call.args.number("MaxSessionDuration", 3600, 43200)?;
    call.authorize_on::<Role>(name)?;
    let account = call.account();
    call.directory.change(|shelves, draft| {
        let role = shelves.holder::<Role>(account, name)?;
        draft.edit(&**role, |role| {
            role.description = description.map(str::to_owned).or(role.description.take());
            role.max_session_seconds = max_session_seconds.unwrap_or(role.max_session_seconds);
            Ok(json!({}))
        })
    })
}
