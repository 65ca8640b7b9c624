//! UpdateAccessKey: switches a key off, or on again.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::fault::{BadArgument, IamError};
use crate::ops::keys::{Owner, key_of};
use crate::records::KeyStatus;
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::change("UpdateAccessKey", run);

fn run(call: &mut Call<'_>) -> Answer {
    let id = call.args.required("AccessKeyId")?;
    let status = match call.args.required("Status")? {
        "Active" => KeyStatus::Active,
        "Inactive" => KeyStatus::Inactive,
        other => return Err(not_a_status(other)),
    };
    let owner = Owner::of(call)?;
    call.directory.change(|shelves, draft| {
        let key = key_of(shelves, &owner, id)?;
        draft.edit(&**key, |key| {
            key.status = status;
            Ok(json!({}))
        })
    })
}

fn not_a_status(value: &str) -> IamError {
    BadArgument::NotOneOf { name: "Status", value: value.into(), set: "Active, Inactive" }.into()
}
