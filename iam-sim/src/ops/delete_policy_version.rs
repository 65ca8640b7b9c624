//! DeletePolicyVersion: away with a version that is not in force.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::fault::Usage;
use crate::ops::deletion::must_not;
use crate::ops::managed_policies::{found, own_arn, version};
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::change("DeletePolicyVersion", run);

fn run(call: &mut Call<'_>) -> Answer {
    let id = call.args.required("VersionId")?;
    let arn = own_arn(call)?;
    let account = call.account();
    call.directory.change(|shelves, draft| {
        let policy = found(shelves, account, arn)?;
        let number = version(policy, id)?.number;
        must_not(number == policy.default_version, Usage::DefaultVersion)?;
        draft.edit(&**policy, |policy| {
            policy.versions.retain(|version| version.number != number);
            Ok(json!({}))
        })
    })
}
