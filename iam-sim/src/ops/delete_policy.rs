//! DeletePolicy: away with a managed policy that nobody has and that has one version left.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::fault::Usage;
use crate::ops::deletion::must_not;
use crate::ops::managed_policies::{found, own_arn};
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::change("DeletePolicy", run);

fn run(call: &mut Call<'_>) -> Answer {
    let arn = own_arn(call)?;
    let account = call.account();
    call.directory.change(|shelves, draft| {
        let policy = found(shelves, account, arn)?;
        let in_use = shelves.attachments(arn) + shelves.boundary_uses(arn) > 0;
        must_not(in_use, Usage::Attachments)?;
        must_not(policy.versions.len() > 1, Usage::Versions)?;
        draft.delete(&**policy);
        Ok(json!({}))
    })
}
