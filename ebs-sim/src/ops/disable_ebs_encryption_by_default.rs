//! DisableEbsEncryptionByDefault: volumes made from now on are encrypted if asked for.

use aws_wire::xml::Element;
use serde_json::json;

use crate::call::{Call, Touched};
use crate::error::EbsError;
use crate::sim::EbsSim;

pub(crate) async fn run(sim: &EbsSim, call: &mut Call<'_>) -> Result<Element, EbsError> {
    call.note_request(json!({ "DisableEbsEncryptionByDefaultRequest": {} }));
    call.authorize(sim, &[Touched::anything()])?;
    let (account, region) = (call.ctx.account(), &call.ctx.region);
    let now = sim.tables().change_defaults(account, region, |defaults| defaults.by_default = false).await?;
    call.respond(json!({ "ebsEncryptionByDefault": now.by_default }));
    Ok(Element::new("DisableEbsEncryptionByDefaultResponse").leaf("ebsEncryptionByDefault", now.by_default))
}
