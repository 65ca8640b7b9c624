//! ListAttachedUserPolicies, ListAttachedGroupPolicies, ListAttachedRolePolicies: the managed policies that speak about the holder.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::page;
use crate::records::{Group, ManagedPolicy, Role, User};
use crate::service::Op;
use crate::shelves::Holder;

/// For a user.
pub(crate) const USER: Op = Op::show("ListAttachedUserPolicies", list::<User>);
/// For a group.
pub(crate) const GROUP: Op = Op::show("ListAttachedGroupPolicies", list::<Group>);
/// For a role.
pub(crate) const ROLE: Op = Op::show("ListAttachedRolePolicies", list::<Role>);

fn list<H: Holder>(call: &mut Call<'_>) -> Answer {
    let name = call.args.holder(H::KIND)?;
    call.authorize_on::<H>(name)?;
    call.read(|shelves, account| {
        let holder = shelves.holder::<H>(account, name)?;
        let policies = holder.policies().attached.iter().filter_map(|arn| shelves.policy(arn));
        let shape = |policy: &ManagedPolicy| json!({ "PolicyName": policy.name, "PolicyArn": policy.arn });
        page::answer(call.args, "AttachedPolicies", policies.map(|policy| (policy.arn.clone(), shape(policy))))
    })
}
