//! PutUserPolicy, PutGroupPolicy, PutRolePolicy: a policy that lives and dies with its holder.

use serde_json::json;

use crate::call::{Answer, Call};
use crate::fault::{IamError, Kind};
use crate::ops::managed_policies::weight;
use crate::records::{Group, Role, User};
use crate::rules::identity_policy;
use crate::service::Op;
use crate::shelves::Holder;

/// For a user.
pub(crate) const USER: Op = Op::change("PutUserPolicy", put::<User>);
/// For a group.
pub(crate) const GROUP: Op = Op::change("PutGroupPolicy", put::<Group>);
/// For a role.
pub(crate) const ROLE: Op = Op::change("PutRolePolicy", put::<Role>);

fn put<H: Holder>(call: &mut Call<'_>) -> Answer {
    let (name, policy) = (call.args.holder(H::KIND)?, call.args.policy_name()?);
    let text = call.args.required("PolicyDocument")?;
    call.authorize_on::<H>(name)?;
    let (document, account) = (identity_policy(text)?, call.account());
    call.directory.change(|shelves, draft| {
        let holder = shelves.holder::<H>(account, name)?;
        draft.edit(&**holder, |holder| {
            let others = holder.policies().inline.iter().filter(|(other, _)| *other != policy);
            let weight = others.map(|(_, other)| weight(&other.text)).sum::<usize>() + weight(text);
            let most = most_characters(H::KIND);
            if weight > most {
                return Err(IamError::InlinePolicySize { kind: H::KIND, name: holder.name().into(), most });
            }
            holder.policies_mut().inline.insert(policy.into(), document);
            Ok(json!({}))
        })
    })
}

/// Characters of all inline policies together, white space not counted.
fn most_characters(kind: Kind) -> usize {
    match kind {
        Kind::User => 2048,
        Kind::Group => 5120,
        Kind::Role => 10240,
    }
}
