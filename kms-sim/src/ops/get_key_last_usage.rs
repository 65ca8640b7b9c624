//! `GetKeyLastUsage`: when the key last did cryptographic work, and in which call. Related multi-Region keys are told
//! apart.

use aws_core::time::epoch_seconds;
use bytes::Bytes;
use kms_api::error::KmsError;
use serde_json::{Value, json};

use super::shared::ByKey;
use crate::KmsSim;
use crate::authorize::action::GetKeyLastUsage;
use crate::call::Call;
use crate::constraints::{KEY_ID, Member, needed};
use crate::model::last_usage::LastUse;
use crate::operation::{Operation, json};

impl Operation for GetKeyLastUsage {
    const NAME: &'static str = "GetKeyLastUsage";
    const READ_ONLY: bool = true;
    const MEMBERS: &'static [Member] = &[needed("KeyId", KEY_ID)];
    type Request = ByKey;
    type Answer = Value;

    async fn run(kms: &KmsSim, call: &mut Call<'_>, request: ByKey) -> Result<Value, KmsError> {
        let found = kms.find_key::<Self>(call, &request.key_id).await?;
        let key = kms.ask::<Self>(call, &found).decide()?;
        // This KMS has kept track of every key since it was made.
        Ok(json!({
            "KeyId": key.arn,
            "KeyLastUsage": key.last_usage.last().map_or(json!({}), |last| shown(&last)),
            "TrackingStartDate": epoch_seconds(key.created),
            "KeyCreationDate": epoch_seconds(key.created),
        }))
    }

    fn print(_kms: &KmsSim, answer: Value) -> Bytes {
        json(&answer)
    }
}

fn shown(last: &LastUse) -> Value {
    json!({
        "Operation": last.operation,
        "Timestamp": epoch_seconds(last.at),
        "CloudTrailEventId": last.event_id,
        "KmsRequestId": last.request_id,
    })
}
