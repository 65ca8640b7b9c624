//! `ListTrails`: trails that deliver to buckets cannot be made here, so there are none.

use aws_core::audit::Audit;
use aws_core::call::CallContext;
use aws_core::fault::ApiFault;
use bytes::Bytes;
use kms_api::world::World;
use serde_json::{Value, json};

use super::{answer, authorize, decode};

pub(crate) fn list_trails(world: &World, ctx: &CallContext, audit: &mut Audit, body: &[u8]) -> Result<Bytes, ApiFault> {
    decode::<Value>(body)?;
    authorize(world, ctx, audit, "cloudtrail:ListTrails")?;
    answer(&json!({"Trails": []}))
}
