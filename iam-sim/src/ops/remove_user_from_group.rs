//! RemoveUserFromGroup: the group's policies no longer speak about the user. Removing twice is no error.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::fault::Kind;
use crate::records::{Group, User};
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::change("RemoveUserFromGroup", run);

fn run(call: &mut Call<'_>) -> Answer {
    let (group, user) = (call.args.holder(Kind::Group)?, call.args.holder(Kind::User)?);
    call.authorize_on::<Group>(group)?;
    let account = call.account();
    call.directory.change(|shelves, draft| {
        let group = shelves.holder::<Group>(account, group)?;
        let user = shelves.holder::<User>(account, user)?;
        draft.edit(&**user, |user| {
            user.groups.remove(&group.name);
            Ok(json!({}))
        })
    })
}
