//! What the operations on managed policies have in common.

use std::sync::Arc;

use aws_core::arn::Arn;
use aws_core::id::AccountId;

use crate::call::{Call, Target};
use crate::fault::IamError;
use crate::managed::is_aws;
use crate::records::{Document, ManagedPolicy, PolicyVersion};
use crate::rules::managed_policy;
use crate::shelves::Shelves;

/// Characters of a document, white space not counted.
const MOST_CHARACTERS: usize = 6144;

/// A managed policy's document, judged and measured.
pub(super) fn sized_policy(text: &str) -> Result<Document, IamError> {
    let document = managed_policy(text)?;
    if weight(text) > MOST_CHARACTERS {
        return Err(IamError::Quota { what: "PolicySize", most: MOST_CHARACTERS });
    }
    Ok(document)
}

/// How much of a quota a document uses: its characters, white space not counted.
pub(super) fn weight(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

/// Reads `PolicyArn` and asks for permission.
pub(super) fn authorized_arn<'a>(call: &mut Call<'a>) -> Result<&'a str, IamError> {
    let arn = call.args.policy_arn("PolicyArn")?;
    call.authorize(&Target::policy(arn))?;
    Ok(arn)
}

/// The same, for what is to be changed.
pub(super) fn own_arn<'a>(call: &mut Call<'a>) -> Result<&'a str, IamError> {
    let arn = authorized_arn(call)?;
    must_not_be_aws(call, arn)?;
    Ok(arn)
}

/// The policy of this ARN, if the account can see it: its own, or AWS's.
pub(super) fn visible<'a>(shelves: &'a Shelves, account: &AccountId, arn: &str) -> Option<&'a Arc<ManagedPolicy>> {
    let own = arn.parse().is_ok_and(|arn: Arn| arn.account == account.as_str());
    shelves.policy(arn).filter(|_| own || is_aws(arn))
}

/// The policy of this ARN, to be shown.
pub(super) fn found<'a>(
    shelves: &'a Shelves,
    account: &AccountId,
    arn: &str,
) -> Result<&'a Arc<ManagedPolicy>, IamError> {
    visible(shelves, account, arn).ok_or_else(|| IamError::NoSuchPolicy(arn.into()))
}

/// Refuses to change what is AWS's own, whatever the caller's policies say: no account has rights over it.
fn must_not_be_aws(call: &Call<'_>, arn: &str) -> Result<(), IamError> {
    let (caller, action) = (call.ctx.principal_arn(), call.action);
    let sentence = format!("User: {caller} is not authorized to perform: iam:{action} on resource: policy {arn}");
    if is_aws(arn) { Err(IamError::AccessDenied { sentence }) } else { Ok(()) }
}

/// The version called `v1`, `v2`, ….
pub(super) fn version<'a>(policy: &'a ManagedPolicy, id: &str) -> Result<&'a PolicyVersion, IamError> {
    let number = id.strip_prefix('v').and_then(|digits| digits.parse::<u32>().ok());
    let found = policy.versions.iter().find(|version| Some(version.number) == number);
    found.ok_or_else(|| IamError::NoSuchVersion { arn: policy.arn.clone(), version: id.into() })
}
