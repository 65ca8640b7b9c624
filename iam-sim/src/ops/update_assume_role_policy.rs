//! UpdateAssumeRolePolicy: another trust policy. Running sessions go on.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::fault::Kind;
use crate::records::Role;
use crate::rules::trust_policy;
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::change("UpdateAssumeRolePolicy", run);

fn run(call: &mut Call<'_>) -> Answer {
    let name = call.args.holder(Kind::Role)?;
    let text = call.args.required("PolicyDocument")?;
    call.authorize_on::<Role>(name)?;
    let account = call.account();
    call.directory.change(|shelves, draft| {
        let role = shelves.holder::<Role>(account, name)?;
        let trust = trust_policy(text, shelves)?;
        draft.edit(&**role, |role| {
            role.trust = trust;
            Ok(json!({}))
        })
    })
}
