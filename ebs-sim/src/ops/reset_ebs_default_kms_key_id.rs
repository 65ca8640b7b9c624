//! ResetEbsDefaultKmsKeyId: back to the AWS managed key.

use aws_wire::xml::Element;
use serde_json::json;

use super::get_ebs_default_kms_key_id::shown;
use crate::call::{Call, Touched};
use crate::error::EbsError;
use crate::sim::EbsSim;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    call.note_request(json!({ "ResetEbsDefaultKmsKeyIdRequest": {} }));
    call.authorize(sim, &[Touched::anything()])?;
    let (account, region) = (call.ctx.account(), &call.ctx.region);
    let now = sim.tables().change_defaults(account, region, |defaults| defaults.kms_key = None).await?;
    call.respond(json!({ "kmsKeyId": shown(&now) }));
    Ok(Element::new("ResetEbsDefaultKmsKeyIdResponse").leaf("kmsKeyId", shown(&now)))
}
