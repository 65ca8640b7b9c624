//! CreateRole: an identity without keys of its own; its trust policy says who may take it on.

use serde_json::json;

use crate::call::{Answer, Call, Target};
use crate::ops::creation::{add, authorize_creation};
use crate::ops::shapes;
use crate::records::{Policies, Role};
use crate::rules::trust_policy;
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::change("CreateRole", run);

fn run(call: &mut Call<'_>) -> Answer {
    let (name, path) = (call.args.name("RoleName", 64)?, call.args.path()?);
    let (boundary, tags) = (call.args.boundary()?, call.args.tags()?);
    let description = call.args.text("Description", 1000)?;
    let max_session_seconds = call.args.number("MaxSessionDuration", 3600, 43200)?.unwrap_or(3600);
    let trust = call.args.required("AssumeRolePolicyDocument")?;
    authorize_creation(call, &Target::arn(call.arn("role", path, name)), boundary, &tags)?;
    let role = Role {
        account: call.account().clone(),
        id: call.unique_id("AROA"),
        path: path.into(),
        name: name.into(),
        created: call.now(),
        trust: call.directory.read(|shelves| trust_policy(trust, shelves))?,
        description: description.map(str::to_owned),
        max_session_seconds,
        policies: Policies::default(),
        boundary: boundary.map(str::to_owned),
        tags,
    };
    let answer = json!({ "Role": shapes::role(&role) });
    add(call, role)?;
    Ok(answer)
}
