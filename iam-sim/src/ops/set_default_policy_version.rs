//! SetDefaultPolicyVersion: another version takes force wherever the policy is attached.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::ops::managed_policies::{found, own_arn, version};
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::change("SetDefaultPolicyVersion", run);

fn run(call: &mut Call<'_>) -> Answer {
    let id = call.args.required("VersionId")?;
    let arn = own_arn(call)?;
    let account = call.account();
    call.directory.change(|shelves, draft| {
        let policy = found(shelves, account, arn)?;
        let number = version(policy, id)?.number;
        draft.edit(&**policy, |policy| {
            policy.default_version = number;
            Ok(json!({}))
        })
    })
}
