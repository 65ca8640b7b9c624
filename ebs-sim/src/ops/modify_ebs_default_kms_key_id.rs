//! ModifyEbsDefaultKmsKeyId. As with CreateVolume, whether there is such a key is found out when it is used.

use aws_wire::xml::Element;
use serde_json::json;

use super::making::key_arn;
use crate::call::{Call, Touched};
use crate::error::EbsError;
use crate::sim::EbsSim;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    let key = key_arn(call.ctx.account(), &call.ctx.region, call.require("KmsKeyId")?);
    call.note_request(json!({ "ModifyEbsDefaultKmsKeyIdRequest": { "KmsKeyId": call.text("KmsKeyId") } }));
    call.authorize(sim, &[Touched::anything()])?;
    let chosen = key.clone();
    let (account, region) = (call.ctx.account(), &call.ctx.region);
    sim.tables().change_defaults(account, region, move |defaults| defaults.kms_key = Some(chosen)).await?;
    call.respond(json!({ "kmsKeyId": key }));
    Ok(Element::new("ModifyEbsDefaultKmsKeyIdResponse").leaf("kmsKeyId", key))
}
