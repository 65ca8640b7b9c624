//! UntagUser, UntagRole: away with tags. A key that is not there is no error.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::records::{Role, User};
use crate::service::Op;
use crate::shelves::Bounded;
use aws_core::policy::condition::Facts;

/// For a user.
pub(crate) const USER: Op = Op::change("UntagUser", untag::<User>);
/// For a role.
pub(crate) const ROLE: Op = Op::change("UntagRole", untag::<Role>);

fn untag<H: Bounded>(call: &mut Call<'_>) -> Answer {
    let (name, keys) = (call.args.holder(H::KIND)?, call.args.0.list("TagKeys"));
    let mut facts = Facts::default();
    facts.set_all("aws:TagKeys", keys.iter().map(|key| (*key).to_owned()));
    call.authorize_on_with::<H>(name, &mut facts)?;
    let account = call.account();
    call.directory.change(|shelves, draft| {
        let holder = shelves.holder::<H>(account, name)?;
        draft.edit(&**holder, |holder| {
            holder.tags_mut().retain(|key, _| !keys.iter().any(|gone| gone.eq_ignore_ascii_case(key)));
            Ok(json!({}))
        })
    })
}
