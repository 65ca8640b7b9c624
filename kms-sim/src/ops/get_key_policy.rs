//! `GetKeyPolicy`: the text, as it was given, but for principals that are no more.

use bytes::Bytes;
use kms_api::error::KmsError;
use serde::Deserialize;
use serde_json::{Value, json};

use super::put_key_policy::check_name;
use crate::KmsSim;
use crate::authorize::action::GetKeyPolicy;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, POLICY_NAME, needed, optional};
use crate::operation::{Operation, json};

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct GetKeyPolicyRequest {
    key_id: String,
    policy_name: Option<String>,
}

impl Operation for GetKeyPolicy {
    const NAME: &'static str = "GetKeyPolicy";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[needed("KeyId", KEY_ID), optional("PolicyName", POLICY_NAME)];
    const DEFAULTS: &'static [(&'static str, &'static str)] = &[("policyName", "default")];
    type Request = GetKeyPolicyRequest;
    type Answer = Value;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: GetKeyPolicyRequest) -> Result<Value, KmsError> {
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let key = kms.ask::<Self>(call, &found).decide()?;
        check_name(request.policy_name.as_deref())?;
        Ok(json!({"Policy": &*key.policy.shown(&*kms.world.identities), "PolicyName": "default"}))
    }

    fn print(_kms: &KmsSim, answer: Value) -> Bytes {
        json(&answer)
    }
}
