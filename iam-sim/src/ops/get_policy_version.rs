//! GetPolicyVersion: one version of a managed policy with its document.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::ops::managed_policies::{authorized_arn, found, version};
use crate::ops::shapes;
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::show("GetPolicyVersion", run);

fn run(call: &mut Call<'_>) -> Answer {
    let id = call.args.required("VersionId")?;
    let arn = authorized_arn(call)?;
    call.read(|shelves, account| {
        let policy = found(shelves, account, arn)?;
        Ok(json!({ "PolicyVersion": shapes::version(policy, version(policy, id)?, true) }))
    })
}
