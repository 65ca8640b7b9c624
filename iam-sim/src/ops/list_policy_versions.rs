//! ListPolicyVersions: the versions of a managed policy, newest first, without documents.

use crate::call::{Answer, Call};
use crate::ops::managed_policies::{authorized_arn, found};
use crate::ops::shapes;
use crate::page;
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::show("ListPolicyVersions", run);

fn run(call: &mut Call<'_>) -> Answer {
    let arn = authorized_arn(call)?;
    call.read(|shelves, account| {
        let policy = found(shelves, account, arn)?;
        let newest_first = policy.versions.iter().rev().enumerate();
        let versions = newest_first.map(|(at, version)| (at.to_string(), shapes::version(policy, version, false)));
        page::answer(call.args, "Versions", versions)
    })
}
