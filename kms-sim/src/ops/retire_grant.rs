//! `RetireGrant`: ends a grant from the side of those who use it. The grant itself says who may.

use std::sync::Arc;

use bytes::Bytes;
use kms_api::error::KmsError;
use kms_api::shapes::RetireGrantRequest;
use serde_json::json;

use super::revoke_grant::{check_grant_id, end_grant, no_such_grant};
use super::shared::stop_if_dry;
use crate::KmsSim;
use crate::authorize::action::RetireGrant;
use crate::call::Call;
use crate::constraints::{GRANT_ID, KEY_ID, Member, Shape, TOKEN, optional};
use crate::error::no_such_key;
use crate::model::grant::Grant;
use crate::model::key_ref::KeyRef;
use crate::operation::Operation;

impl Operation for RetireGrant {
    const NAME: &'static str = "RetireGrant";
    const READ_ONLY: bool = false;
    /// Nothing is shown of the request; the trail names the grant under `additionalEventData`.
    const MEMBERS: &'static [Member] = &[
        optional("GrantToken", TOKEN).secret(),
        optional("KeyId", KEY_ID).secret(),
        optional("GrantId", GRANT_ID).secret(),
        optional("DryRun", Shape::Flag).secret(),
    ];
    type Request = RetireGrantRequest;
    type Answer = ();

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: RetireGrantRequest) -> Result<(), KmsError> {
        call.audit.request(serde_json::Value::Null);
        let grant = find(kms, call, &request).await?;
        let key = kms.registry.key(&grant.key).ok_or_else(|| no_such_key(&grant.key.arn()))?;
        call.touches(&key);
        kms.decide_retiring(call, &grant, &key)?;
        stop_if_dry(request.dry_run)?;
        call.audit.additional(json!({"grantId": grant.id}));
        call.changed(&key);
        end_grant(kms, &grant).await
    }

    fn print(_kms: &KmsSim, (): ()) -> Bytes {
        Bytes::new()
    }
}

/// By token, or by key ARN and grant id.
async fn find(kms: &KmsSim, call: &Call<'_>, request: &RetireGrantRequest) -> Result<Arc<Grant>, KmsError> {
    match (&request.grant_token, &request.key_id, &request.grant_id) {
        (Some(token), None, None) => {
            let named = kms.read_token(token)?;
            kms.grant_of_token(token)?.ok_or_else(|| no_such_grant(&named.grant_id))
        }
        (None, Some(key), Some(id)) => {
            if !matches!(KeyRef::parse(key)?, KeyRef::KeyArn { .. }) {
                return Err(KmsError::InvalidArn(format!("ARN is not valid: {key}")));
            }
            check_grant_id(id)?;
            let found = kms.find_key::<RetireGrant>(call, key).await?;
            kms.registry.grant(&found.key.address, id).ok_or_else(|| no_such_grant(id))
        }
        (Some(_) | None, _, _) => {
            Err(KmsError::Validation("Specify either a grant token, or a key ARN and a grant ID.".into()))
        }
    }
}
