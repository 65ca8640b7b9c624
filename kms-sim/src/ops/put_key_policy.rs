//! `PutKeyPolicy`: replaces the key policy, unless that would lock the caller out.

use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Deserialize;

use crate::KmsSim;
use crate::authorize::action::PutKeyPolicy;
use crate::authorize::facts::Kind;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, POLICY, POLICY_NAME, Shape, needed, optional};
use crate::model::address::KeyAddress;
use crate::model::key_policy::KeyPolicy;
use crate::operation::Operation;

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct PutKeyPolicyRequest {
    key_id: String,
    policy_name: Option<String>,
    policy: String,
    bypass_policy_lockout_safety_check: bool,
}

impl Operation for PutKeyPolicy {
    const NAME: &'static str = "PutKeyPolicy";
    const READ_ONLY: bool = false;
    const MEMBERS: &'static [Member] = &[
        needed("KeyId", KEY_ID),
        optional("PolicyName", POLICY_NAME),
        needed("Policy", POLICY),
        optional("BypassPolicyLockoutSafetyCheck", Shape::Flag),
    ];
    const DEFAULTS: &'static [(&'static str, &'static str)] = &[("policyName", "default")];
    type Request = PutKeyPolicyRequest;
    type Answer = ();

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: PutKeyPolicyRequest) -> Result<(), KmsError> {
        let bypass = request.bypass_policy_lockout_safety_check;
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let asking = kms.ask::<Self>(call, &found);
        let key = asking.fact("kms:BypassPolicyLockoutSafetyCheck", bypass.to_string()).decide()?;
        check_name(request.policy_name.as_deref())?;
        let policy = accept_policy(kms, call, (&key.address, Kind::of(&key)), &request.policy, bypass)?;
        kms.change(&key.address, |key| {
            key.policy = policy;
            Ok(())
        })
        .await?;
        call.changed(&key);
        Ok(())
    }

    fn print(_kms: &KmsSim, (): ()) -> Bytes {
        Bytes::new()
    }
}

/// A key has one policy, and it is called `default`.
pub(crate) fn check_name(name: Option<&str>) -> Result<(), KmsError> {
    match name {
        None | Some("default") => Ok(()),
        Some(_) => Err(KmsError::NotFound("No such policy exists".into())),
    }
}

/// Reads a policy that is to become a key's: its principals exist, and the caller can change it again.
pub(crate) fn accept_policy(
    kms: &KmsSim,
    call: &Call<'_>,
    key: (&KeyAddress, Kind),
    text: &str,
    bypass: bool,
) -> Result<KeyPolicy, KmsError> {
    let policy = KeyPolicy::parse(text)?;
    policy.check_principals(&*kms.world.identities)?;
    let principals = policy.whom(&*kms.world.identities);
    let policy = policy.meaning(principals);
    if bypass || kms.keeps_the_door_open(call, key, &policy) {
        return Ok(policy);
    }
    Err(KmsError::MalformedPolicyDocument(
        "The new key policy will not allow you to update the key policy in the future.".into(),
    ))
}
