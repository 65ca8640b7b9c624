//! `GetTrailStatus`: no trail is known, whatever its name.

use aws_core::arn::Arn;
use aws_core::audit::Audit;
use aws_core::call::CallContext;
use aws_core::fault::ApiFault;
use bytes::Bytes;
use kms_api::world::World;
use serde::Deserialize;

use super::{authorize, decode};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    name: String,
}

pub(crate) fn get_trail_status(
    world: &World,
    ctx: &CallContext,
    audit: &mut Audit,
    body: &[u8],
) -> Result<Bytes, ApiFault> {
    let Request { name } = decode(body)?;
    authorize(world, ctx, audit, "cloudtrail:GetTrailStatus")?;
    let account = ctx.account();
    let arn = match name.parse::<Arn>() {
        Ok(arn) => arn,
        Err(_) => Arn::new("cloudtrail", ctx.region.as_str(), account.as_str(), format!("trail/{name}")),
    };
    Err(ApiFault::client("TrailNotFoundException", format!("Unknown trail: {arn} for the user: {account}")))
}
