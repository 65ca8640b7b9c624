//! The two doors, IAM and STS, and what happens to every call that enters: open the notebook, run the operation on a
//! blocking thread (it may wait for the disk), close the notebook, dress the answer.

use std::sync::Arc;

use async_trait::async_trait;
use aws_core::audit::Opening;
use aws_core::call::CallContext;
use aws_core::event::CallError;
use aws_core::fault::ApiFault;
use aws_core::principal::Principal;
use aws_wire::query::Params;
use aws_wire::service::{Dialect, QueryService};
use kms_api::world::World;

use crate::answer;
use crate::args::Args;
use crate::call::{Answer, Call};
use crate::directory::Directory;
use crate::fault::IamError;
use crate::ops;

/// One operation.
#[derive(Clone, Copy)]
pub(crate) struct Op {
    /// AWS's name.
    pub name: &'static str,
    /// Whether it changes nothing, in CloudTrail's eyes.
    pub read_only: bool,
    /// Whether the trail keeps the answer: of what changes something, and of what hands out credentials.
    pub answer_kept: bool,
    /// What it does.
    pub run: fn(&mut Call<'_>) -> Answer,
}

impl Op {
    /// An operation that shows.
    pub const fn show(name: &'static str, run: fn(&mut Call<'_>) -> Answer) -> Self {
        Self { name, read_only: true, answer_kept: false, run }
    }

    /// An operation that changes.
    pub const fn change(name: &'static str, run: fn(&mut Call<'_>) -> Answer) -> Self {
        Self { name, read_only: false, answer_kept: true, run }
    }

    /// An operation that hands out temporary credentials: CloudTrail calls it read-only and keeps its answer.
    pub const fn issue(name: &'static str, run: fn(&mut Call<'_>) -> Answer) -> Self {
        Self { name, read_only: true, answer_kept: true, run }
    }
}

/// What is behind a door.
#[derive(Clone)]
struct Desk {
    source: &'static str,
    version: &'static str,
    ops: &'static [Op],
    directory: Arc<Directory>,
    world: World,
}

/// IAM: users, groups, roles, policies, access keys.
pub struct IamService(Desk);

/// STS: who am I, and temporary credentials.
pub struct StsService(Desk);

impl IamService {
    /// IAM over `directory`.
    pub fn new(directory: Arc<Directory>, world: World) -> Self {
        Self(Desk { source: "iam.amazonaws.com", version: "2010-05-08", ops: ops::IAM, directory, world })
    }
}

impl StsService {
    /// STS over `directory`.
    pub fn new(directory: Arc<Directory>, world: World) -> Self {
        Self(Desk { source: "sts.amazonaws.com", version: "2011-06-15", ops: ops::STS, directory, world })
    }
}

#[async_trait]
impl QueryService for IamService {
    fn scope(&self) -> &'static str {
        "iam"
    }

    fn dialect(&self) -> Dialect {
        Dialect::Query { xmlns: "https://iam.amazonaws.com/doc/2010-05-08/" }
    }

    async fn call(&self, ctx: &CallContext, action: &str, params: &Params) -> Result<String, ApiFault> {
        self.0.call(ctx, action, params).await
    }
}

#[async_trait]
impl QueryService for StsService {
    fn scope(&self) -> &'static str {
        "sts"
    }

    fn dialect(&self) -> Dialect {
        Dialect::Query { xmlns: "https://sts.amazonaws.com/doc/2011-06-15/" }
    }

    async fn call(&self, ctx: &CallContext, action: &str, params: &Params) -> Result<String, ApiFault> {
        self.0.call(ctx, action, params).await
    }
}

impl Desk {
    async fn call(&self, ctx: &CallContext, action: &str, params: &Params) -> Result<String, ApiFault> {
        let Some(op) = self.ops.iter().find(|op| op.name == action) else {
            let sentence = format!("Could not find operation {action} for version {}", self.version);
            return Err(ApiFault::client("InvalidAction", sentence));
        };
        let (desk, ctx, params) = (self.clone(), ctx.clone(), params.clone());
        let ran = tokio::task::spawn_blocking(move || desk.run(op, &ctx, &params)).await;
        ran.unwrap_or_else(|_panicked| Err(ApiFault::bare("InternalFailure").with_status(500)))
    }

    fn run(&self, op: &'static Op, ctx: &CallContext, params: &Params) -> Result<String, ApiFault> {
        let opening = Opening { source: self.source, name: op.name, read_only: op.read_only, management: true };
        let mut audit = self.world.audit(ctx, opening);
        if let Some(request) = answer::request_for_trail(params) {
            audit.request(request);
        }
        let (directory, args) = (&*self.directory, Args(params));
        let mut call = Call { action: op.name, directory, ctx, args, audit: &mut audit };
        let outcome = self.admit(op, ctx).and_then(|()| (op.run)(&mut call));
        let kept = outcome.as_ref().ok().filter(|_| op.answer_kept).and_then(answer::for_trail);
        if let Some(kept) = kept {
            audit.response(kept);
        }
        let error = outcome.as_ref().err().map(|refused| (refused.trail_code(), refused.fault()));
        let told = error
            .as_ref()
            .map(|(code, fault)| CallError { code: code.clone(), message: fault.message.clone().unwrap_or_default() });
        audit.close(&*self.world.sink, told);
        match error {
            Some((_, fault)) => Err(fault),
            None => Ok(outcome.as_ref().map(answer::xml).unwrap_or_default()),
        }
    }

    /// Credentials of GetSessionToken that were got without MFA open neither IAM nor, but for two operations, STS.
    fn admit(&self, op: &Op, ctx: &CallContext) -> Result<(), IamError> {
        let own = matches!(ctx.caller.principal, Principal::User { .. } | Principal::Root { .. });
        let weak = own && ctx.caller.session.as_ref().is_some_and(|session| !session.mfa);
        match op.name {
            "AssumeRole" | "GetCallerIdentity" | "GetSessionToken" => Ok(()),
            _ if weak => Err(IamError::TokenWithoutRights),
            _ => Ok(()),
        }
    }
}
