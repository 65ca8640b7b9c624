//! DeleteRole: away with a role that has no policies left. Its sessions lose their rights at once.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::fault::Kind;
use crate::records::Role;
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::change("DeleteRole", run);

fn run(call: &mut Call<'_>) -> Answer {
    let name = call.args.holder(Kind::Role)?;
    call.authorize_on::<Role>(name)?;
    let account = call.account();
    call.directory.change(|shelves, draft| {
        let role = shelves.holder::<Role>(account, name)?;
        role.policies.must_be_empty()?;
        draft.delete(&**role);
        Ok(json!({}))
    })
}
