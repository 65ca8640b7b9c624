//! GetSessionToken: temporary credentials of oneself. They need no permission and give no more than one has; without
//! MFA they open neither IAM nor, but for two operations, STS.

use aws_core::principal::Principal;
use aws_core::time::SignedDuration;
use serde_json::json;

use crate::call::{Answer, Call};
use crate::fault::IamError;
use crate::ops::sessions::{NewSession, issue};
use crate::service::Op;

/// See the file's head.
pub(crate) const OP: Op = Op::issue("GetSessionToken", run);

fn run(call: &mut Call<'_>) -> Answer {
    let asked = call.args.duration("DurationSeconds", 900, 129_600)?;
    let caller = &call.ctx.caller;
    let most = match (&caller.principal, &caller.session) {
        (Principal::User { .. }, None) => SignedDuration::from_hours(36),
        // A longer wish of the root user is not refused, only cut.
        (Principal::Root { .. }, None) => SignedDuration::from_hours(1),
        (Principal::User { .. } | Principal::Root { .. }, Some(_))
        | (Principal::AssumedRole { .. } | Principal::Service { .. }, _) => {
            return Err(IamError::SessionAsksForSession);
        }
    };
    if call.args.optional("TokenCode").is_some() {
        return Err(IamError::NoMfaDevice);
    }
    let lasts = asked.unwrap_or(SignedDuration::from_hours(12)).min(most);
    let credentials = issue(call, NewSession::of(caller.principal.clone(), lasts))?;
    Ok(json!({ "Credentials": credentials }))
}
