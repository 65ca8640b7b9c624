//! GetEbsEncryptionByDefault.

use aws_wire::xml::Element;
use serde_json::json;

use crate::call::{Call, Touched};
use crate::error::EbsError;
use crate::sim::EbsSim;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    call.note_request(json!({ "GetEbsEncryptionByDefaultRequest": {} }));
    call.authorize(sim, &[Touched::anything()])?;
    let defaults = sim.tables().defaults(call.ctx.account(), &call.ctx.region)?;
    Ok(Element::new("GetEbsEncryptionByDefaultResponse")
        .leaf("ebsEncryptionByDefault", defaults.by_default)
        .leaf("sseType", if defaults.by_default { "sse-kms" } else { "none" }))
}
