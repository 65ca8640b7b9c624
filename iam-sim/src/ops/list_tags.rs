//! ListUserTags, ListRoleTags.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::page;
use crate::records::{Role, User};
use crate::service::Op;
use crate::shelves::Bounded;

/// For a user.
pub(crate) const USER: Op = Op::show("ListUserTags", list::<User>);
/// For a role.
pub(crate) const ROLE: Op = Op::show("ListRoleTags", list::<Role>);

fn list<H: Bounded>(call: &mut Call<'_>) -> Answer {
    let name = call.args.holder(H::KIND)?;
    call.authorize_on::<H>(name)?;
    call.read(|shelves, account| {
        let holder = shelves.holder::<H>(account, name)?;
        let tags = holder.tags().into_iter().flatten();
        page::answer(call.args, "Tags", tags.map(|(key, value)| (key.clone(), json!({ "Key": key, "Value": value }))))
    })
}
