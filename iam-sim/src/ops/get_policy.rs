//! GetPolicy: a managed policy without its document, which has versions: see GetPolicyVersion.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::ops::managed_policies::{authorized_arn, found};
use crate::ops::shapes;
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::show("GetPolicy", run);

fn run(call: &mut Call<'_>) -> Answer {
    let arn = authorized_arn(call)?;
    call.read(|shelves, account| {
        let policy = found(shelves, account, arn)?;
        Ok(json!({ "Policy": shapes::policy(policy, shelves) }))
    })
}
