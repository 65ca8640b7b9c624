//! ListAccessKeys: the keys of a user, by default of the caller; never their secrets.

use crate::call::{Answer, Call};
use crate::ops::keys::{Owner, keys_of};
use crate::ops::shapes;
use crate::page;
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::show("ListAccessKeys", run);

fn run(call: &mut Call<'_>) -> Answer {
    let owner = Owner::of(call)?;
    call.directory.read(|shelves| {
        let keys = keys_of(shelves, &owner).map(|key| (key.id.clone(), shapes::access_key(key, owner.name())));
        page::answer(call.args, "AccessKeyMetadata", keys)
    })
}
