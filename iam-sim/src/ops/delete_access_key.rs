//! DeleteAccessKey: voids a key for ever. Its id is remembered, its secret is not.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::ops::keys::{Owner, key_of};
use crate::records::KeyStatus;
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::change("DeleteAccessKey", run);

fn run(call: &mut Call<'_>) -> Answer {
    let id = call.args.required("AccessKeyId")?;
    let owner = Owner::of(call)?;
    call.directory.change(|shelves, draft| {
        let key = key_of(shelves, &owner, id)?;
        draft.edit(&**key, |key| {
            key.status = KeyStatus::Deleted;
            key.wrapped_secret = Vec::new();
            Ok(json!({}))
        })
    })
}
