//! CreatePolicyVersion: a new document for a managed policy; with SetAsDefault it takes force wherever the policy is attached.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::fault::IamError;
use crate::ops::managed_policies::{found, own_arn, sized_policy};
use crate::ops::shapes;
use crate::records::PolicyVersion;
use crate::service::Op;

const MOST_VERSIONS: usize = 5;

/// See the file's head.
pub(crate) const OP: Op = Op::change("CreatePolicyVersion", run);

fn run(call: &mut Call<'_>) -> Answer {
    let (text, as_default) = (call.args.required("PolicyDocument")?, call.args.flag("SetAsDefault"));
    let arn = own_arn(call)?;
    let (document, created, account) = (sized_policy(text)?, call.now(), call.account());
    call.directory.change(|shelves, draft| {
        let policy = found(shelves, account, arn)?;
        draft.edit(&**policy, |policy| {
            if policy.versions.len() >= MOST_VERSIONS {
                return Err(IamError::TooManyVersions);
            }
            let number = policy.last_number + 1;
            policy.last_number = number;
            policy.updated = created;
            policy.default_version = if as_default { number } else { policy.default_version };
            let version = PolicyVersion { number, document, created };
            let answer = json!({ "PolicyVersion": shapes::version(policy, &version, false) });
            policy.versions.push(version);
            Ok(answer)
        })
    })
}
