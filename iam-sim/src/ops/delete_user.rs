//! DeleteUser: away with a user that has nothing left: no keys, no policies, no groups.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::fault::{Kind, Usage};
use crate::ops::deletion::must_not;
use crate::ops::keys::{Owner, keys_of};
use crate::records::User;
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::change("DeleteUser", run);

fn run(call: &mut Call<'_>) -> Answer {
    let name = call.args.holder(Kind::User)?;
    call.authorize_on::<User>(name)?;
    let account = call.account();
    call.directory.change(|shelves, draft| {
        let user = shelves.holder::<User>(account, name)?;
        let has_keys = keys_of(shelves, &Owner::User(user.clone())).next().is_some();
        user.policies.must_be_empty()?;
        must_not(has_keys, Usage::AccessKeys)?;
        must_not(!user.groups.is_empty(), Usage::GroupMembers)?;
        draft.delete(&**user);
        Ok(json!({}))
    })
}
