//! CloudTrail behind AWS JSON 1.1. Each call is audited like any other: looking at the trail leaves a trace in it.

use std::sync::Arc;

use async_trait::async_trait;
use aws_core::audit::{Audit, Opening};
use aws_core::call::CallContext;
use aws_core::event::CallError;
use aws_core::fault::ApiFault;
use aws_wire::service::JsonService;
use bytes::Bytes;
use kms_api::world::World;

use crate::ops::describe_trails::describe_trails;
use crate::ops::get_trail_status::get_trail_status;
use crate::ops::list_trails::list_trails;
use crate::ops::lookup_events::lookup_events;
use crate::ops::note_request;
use crate::trail::Trail;

const SOURCE: &str = "cloudtrail.amazonaws.com";

/// What `X-Amz-Target` starts with. Some clients write only its last part, `CloudTrail_20131101`.
pub const TARGET_PREFIX: &str = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101";

/// The service.
pub struct CloudTrailService {
    trail: Arc<Trail>,
    world: World,
}

impl CloudTrailService {
    /// Over a trail, in a world whose sink should be that trail.
    pub fn new(trail: Arc<Trail>, world: World) -> Self {
        Self { trail, world }
    }

    async fn act(
        &self,
        ctx: &CallContext,
        audit: &mut Audit,
        operation: Operation,
        body: &[u8],
    ) -> Result<Bytes, ApiFault> {
        note_request(audit, body);
        match operation {
            Operation::LookupEvents => lookup_events(&self.trail, &self.world, ctx, audit, body).await,
            Operation::DescribeTrails => describe_trails(&self.world, ctx, audit, body),
            Operation::ListTrails => list_trails(&self.world, ctx, audit, body),
            Operation::GetTrailStatus => get_trail_status(&self.world, ctx, audit, body),
        }
    }
}

#[async_trait]
impl JsonService for CloudTrailService {
    fn target_prefix(&self) -> &'static str {
        TARGET_PREFIX
    }

    async fn call(&self, ctx: &CallContext, operation: &str, body: &[u8]) -> Result<Bytes, ApiFault> {
        let Some(known) = Operation::parse(operation) else {
            return Err(ApiFault::bare("UnknownOperationException"));
        };
        let opening = Opening { source: SOURCE, name: operation, read_only: true, management: true };
        let mut audit = self.world.audit(ctx, opening);
        let result = self.act(ctx, &mut audit, known, body).await;
        audit.close(&*self.world.sink, result.as_ref().err().map(call_error));
        result
    }
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    LookupEvents,
    DescribeTrails,
    ListTrails,
    GetTrailStatus,
}

impl Operation {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "LookupEvents" => Some(Self::LookupEvents),
            "DescribeTrails" => Some(Self::DescribeTrails),
            "ListTrails" => Some(Self::ListTrails),
            "GetTrailStatus" => Some(Self::GetTrailStatus),
            _ => None,
        }
    }
}

/// Records spell a refusal without `Exception`.
fn call_error(fault: &ApiFault) -> CallError {
    let code = if fault.code == "AccessDeniedException" { "AccessDenied" } else { &fault.code };
    CallError { code: code.into(), message: fault.message.clone().unwrap_or_default() }
}
