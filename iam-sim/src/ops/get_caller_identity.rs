//! GetCallerIdentity: who am I? Allowed to everybody whose key is known, whatever policies say.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::show("GetCallerIdentity", run);

fn run(call: &mut Call<'_>) -> Answer {
    Ok(json!({
        "UserId": call.ctx.caller.principal.principal_id(),
        "Account": call.account().as_str(),
        "Arn": call.ctx.principal_arn(),
    }))
}
