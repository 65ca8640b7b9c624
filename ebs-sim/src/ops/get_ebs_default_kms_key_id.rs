//! GetEbsDefaultKmsKeyId: the key for new volumes when nobody names another.

use aws_wire::xml::Element;
use serde_json::json;

use crate::call::{Call, Touched};
use crate::error::EbsError;
use crate::model::defaults::{AWS_MANAGED_KEY, EncryptionDefaults};
use crate::sim::EbsSim;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    call.note_request(json!({ "GetEbsDefaultKmsKeyIdRequest": {} }));
    call.authorize(sim, &[Touched::anything()])?;
    let defaults = sim.tables().defaults(call.ctx.account(), &call.ctx.region)?;
    Ok(Element::new("GetEbsDefaultKmsKeyIdResponse").leaf("kmsKeyId", shown(&defaults)))
}

/// The default key as answers show it.
pub(super) fn shown(defaults: &EncryptionDefaults) -> &str {
    defaults.kms_key.as_deref().unwrap_or(AWS_MANAGED_KEY)
}
