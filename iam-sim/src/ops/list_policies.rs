//! ListPolicies: the account's managed policies, AWS's, or both.

use serde_json::Value;

use crate::call::{Answer, Call, Target};
use crate::fault::{BadArgument, IamError};
use crate::managed::is_aws;
use crate::ops::shapes;
use crate::page;
use crate::records::ManagedPolicy;
use crate::service::Op;
use crate::shelves::Shelves;

/// See the file's head.
pub(crate) const OP: Op = Op::show("ListPolicies", run);

fn run(call: &mut Call<'_>) -> Answer {
    let scope = scope(call)?;
    let (prefix, only_attached) = (call.args.path_prefix(), call.args.flag("OnlyAttached"));
    call.authorize(&Target::arn(call.arn("policy", prefix, "")))?;
    call.read(|shelves, account| {
        let own = format!("arn:aws:iam::{account}:");
        let shown = shelves.policies.iter().filter(|(arn, policy)| {
            let aws = is_aws(arn);
            let in_scope = if aws { scope != Scope::Local } else { scope != Scope::Aws && arn.starts_with(&own) };
            in_scope && policy.path.starts_with(prefix) && (!only_attached || shelves.attachments(arn) > 0)
        });
        page::answer(call.args, "Policies", shown.map(|(arn, policy)| (arn.clone(), summary(policy, shelves))))
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    All,
    Aws,
    Local,
}

fn scope(call: &Call<'_>) -> Result<Scope, IamError> {
    match call.args.optional("Scope") {
        None | Some("All") => Ok(Scope::All),
        Some("AWS") => Ok(Scope::Aws),
        Some("Local") => Ok(Scope::Local),
        Some(other) => Err(BadArgument::NotOneOf { name: "Scope", value: other.into(), set: "All, AWS, Local" }.into()),
    }
}

/// A policy as lists show it: without description and tags.
fn summary(policy: &ManagedPolicy, shelves: &Shelves) -> Value {
    let mut shape = shapes::policy(policy, shelves);
    shape["Description"] = Value::Null;
    shape["Tags"] = Value::Null;
    shape
}
