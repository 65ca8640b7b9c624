//! CreatePolicy: a managed policy: written once, attached to many.

use serde_json::json;

use crate::call::{Answer, Call, Target};
use crate::fault::IamError;
use crate::ops::creation::authorize_creation;
use crate::ops::managed_policies::sized_policy;
use crate::ops::shapes;
use crate::records::{ManagedPolicy, PolicyVersion};
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::change("CreatePolicy", run);

fn run(call: &mut Call<'_>) -> Answer {
    let (name, path) = (call.args.policy_name()?, call.args.path()?);
    let (description, tags) = (call.args.text("Description", 1000)?, call.args.tags()?);
    let text = call.args.required("PolicyDocument")?;
    let arn = call.arn("policy", path, name);
    authorize_creation(call, &Target::policy(&arn), None, &tags)?;
    let (document, created) = (sized_policy(text)?, call.now());
    let policy = ManagedPolicy {
        arn,
        id: call.unique_id("ANPA"),
        path: path.into(),
        name: name.into(),
        description: description.map(str::to_owned),
        created,
        updated: created,
        versions: vec![PolicyVersion { number: 1, document, created }],
        default_version: 1,
        last_number: 1,
        tags,
    };
    call.directory.change(|shelves, draft| {
        // The name alone must be new: the same name under another path is taken too.
        let own = format!("arn:aws:iam::{}:policy/", call.account());
        let mut others = shelves.policies.values().filter(|other| other.arn.starts_with(&own));
        if others.any(|other| other.name.eq_ignore_ascii_case(name)) {
            return Err(IamError::PolicyExists(name.into()));
        }
        let answer = json!({ "Policy": shapes::policy(&policy, shelves) });
        draft.put(policy);
        Ok(answer)
    })
}
