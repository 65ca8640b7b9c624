//! Under whose name EC2 calls KMS: as the user who asked, as the host of an instance, or as itself.

use aws_core::call::{CallContext, Via};
use aws_core::id::{AccountId, Region};
use aws_core::principal::{Caller, Principal, Session};
use kms_api::world::World;

use crate::model::instance;

/// The name of the role that every EC2 host acts under.
const ROLE: &str = "aws:ec2-infrastructure";

/// The EC2 service principal of a region, also the value of `kms:ViaService`.
pub(crate) fn service_name(region: &Region) -> String {
    format!("ec2.{region}.amazonaws.com")
}

/// The host's session for one instance (or one copy): the grantee.
pub(crate) fn grantee(account: &AccountId, session: &str) -> String {
    format!("arn:aws:sts::{account}:assumed-role/{ROLE}/{session}")
}

/// The user who called EC2, forwarded. `grants` says whether it is about grants (`kms:GrantIsForAWSResource`).
pub(crate) fn as_caller(ctx: &CallContext, grants: bool, request_id: String) -> CallContext {
    let via = Via {
        via_service: Some(service_name(&ctx.region)),
        invoked_by: "ec2-frontend-api.amazonaws.com".into(),
        for_aws_resource: grants,
        in_scope_of_instance: None,
    };
    ctx.forwarded(via, request_id)
}

/// The host of an instance.
pub(crate) fn as_host(
    world: &World,
    account: &AccountId,
    region: &Region,
    instance_id: &str,
    request_id: String,
) -> CallContext {
    let scope = Some(instance::arn_of(account, region, instance_id));
    infrastructure(world, (account, region), instance_id, scope, request_id)
}

/// Whoever re-encrypts blocks for a new volume: the same role, in the name of no instance. That its session is called
/// after the volume is our guess; AWS shows it to nobody.
pub(crate) fn as_copier(
    world: &World,
    account: &AccountId,
    region: &Region,
    volume_id: &str,
    request_id: String,
) -> CallContext {
    infrastructure(world, (account, region), volume_id, None, request_id)
}

fn infrastructure(
    world: &World,
    (account, region): (&AccountId, &Region),
    session: &str,
    in_scope_of_instance: Option<String>,
    request_id: String,
) -> CallContext {
    let principal = Principal::AssumedRole {
        account: account.clone(),
        role_id: format!("{account}:{ROLE}"),
        path: "/".into(),
        role: ROLE.into(),
        session: session.into(),
    };
    let caller = Caller {
        principal,
        access_key_id: aws_core::id::iam_id("ASIA", world.entropy.array()),
        session: Some(Session { issued_at: world.now(), mfa: false }),
    };
    let via = Via {
        via_service: Some(service_name(region)),
        invoked_by: "AWS Internal".into(),
        for_aws_resource: false,
        in_scope_of_instance,
    };
    from_within(caller, region, via, request_id)
}

/// EC2 itself, on the resources of an account.
pub(crate) fn as_service(account: &AccountId, region: &Region, request_id: String) -> CallContext {
    let name = service_name(region);
    let caller = Caller::new(Principal::Service { account: account.clone(), name: name.clone() }, "");
    let via = Via { via_service: None, invoked_by: name, for_aws_resource: true, in_scope_of_instance: None };
    from_within(caller, region, via, request_id)
}

fn from_within(caller: Caller, region: &Region, via: Via, request_id: String) -> CallContext {
    let local = CallContext::local(caller.principal.clone(), region.clone(), request_id.clone());
    local.acting_as(caller, via, request_id)
}
