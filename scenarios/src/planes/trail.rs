//! The calls that a step caused, exactly and in order.
//!
//! The runner reads the stream's position before the step and everything since then after it; its own looks at the
//! other planes come later and therefore never count.

use aws_core::event::{ApiCall, Event};
use aws_core::principal::Principal;
use serde::Deserialize;
use serde_json::Value;

use crate::script::expect::{CallExpect, TrailExpect};
use crate::script::matcher::Matcher;
use crate::script::variables::Variables;
use crate::stage::StageError;
use crate::stage::http::Http;

use super::Check;

#[derive(Deserialize)]
struct Page {
    next: u64,
    #[serde(default)]
    events: Vec<Event>,
}

/// Where the stream stands now, when it stood at `from` before.
pub async fn position(http: &Http, mut from: u64) -> Result<u64, StageError> {
    loop {
        let page = read(http, from).await?;
        if page.events.is_empty() {
            return Ok(from);
        }
        from = page.next;
    }
}

/// The calls since a position, in the order in which they began.
pub async fn calls_since(http: &Http, mut since: u64) -> Result<Vec<ApiCall>, StageError> {
    let mut calls = Vec::new();
    loop {
        let page = read(http, since).await?;
        if page.events.is_empty() {
            calls.sort_by_key(|call: &ApiCall| call.ordinal);
            return Ok(calls);
        }
        since = page.next;
        calls.extend(page.events.into_iter().filter_map(|event| match event {
            Event::Api(call) => Some(*call),
            Event::Service(_) | Event::KeyPlaced(_) | Event::KeyDropped(_) => None,
        }));
    }
}

async fn read(http: &Http, since: u64) -> Result<Page, StageError> {
    let path = format!("/_sim/events?format=json&since={since}");
    let page = http.control(&path).await?;
    serde_json::from_value(page).map_err(|error| StageError::Unreachable(format!("{path} is not as expected: {error}")))
}

/// Judges the calls of a step.
pub fn check(expect: &TrailExpect, calls: &[ApiCall], variables: &Variables) -> Vec<Check> {
    let (wanted, of) = match expect {
        TrailExpect::All(wanted) => (wanted, None),
        TrailExpect::Of(of) => (&of.calls, Some(&of.of)),
    };
    let counted: Vec<&ApiCall> =
        calls.iter().filter(|call| of.is_none_or(|of| of.contains(&service(call).to_owned()))).collect();
    let mut checks = vec![order(wanted, &counted, of)];
    for (wanted, call) in wanted.iter().zip(&counted).filter(|(wanted, call)| wanted.event == call.name) {
        checks.extend(details(wanted, call, variables));
    }
    checks
}

/// The service of a call: `kms` of `kms.amazonaws.com`.
pub fn service(call: &ApiCall) -> &str {
    call.source.split('.').next().unwrap_or(&call.source)
}

/// Who called: a user's name, a session's, the service's, or `root`.
pub fn caller(call: &ApiCall) -> String {
    match &call.context.caller.principal {
        Principal::Root { .. } => "root".into(),
        Principal::User { name, .. } | Principal::Service { name, .. } => name.clone(),
        Principal::AssumedRole { role, session, .. } => format!("{role}/{session}"),
    }
}

fn order(wanted: &[CallExpect], counted: &[&ApiCall], of: Option<&Vec<String>>) -> Check {
    let expected: Vec<&str> = wanted.iter().map(|call| call.event.as_str()).collect();
    let seen: Vec<&str> = counted.iter().map(|call| call.name.as_str()).collect();
    let whose = of.map(|of| format!(" to {}", of.join(", "))).unwrap_or_default();
    let what = match expected.as_slice() {
        [] => format!("no call{whose}"),
        names => format!("exactly these calls{whose}: {}", names.join(" → ")),
    };
    let picture = if seen.is_empty() { "no call".into() } else { seen.join(" → ") };
    Check::decided("trail", what, expected == seen, picture)
}

fn details(wanted: &CallExpect, call: &ApiCall, variables: &Variables) -> Vec<Check> {
    let mut checks = Vec::new();
    let name = &call.name;
    checks.extend(wanted.by.as_ref().map(|by| by_whom(by, call, variables)));
    if let Some(matcher) = &wanted.invoked_by {
        let seen = call.context.via.as_ref().map(|via| Value::String(via.invoked_by.clone()));
        checks.push(Check::of("trail", &format!("{name} invokedBy"), matcher, seen.as_ref(), variables));
    }
    checks.push(failure(wanted.error_code.as_ref(), call, variables));
    for (path, matcher) in &wanted.request {
        let seen = call.request_parameters.as_ref().and_then(|parameters| lookup(parameters, path));
        checks.push(Check::of("trail", &format!("{name} {path}"), matcher, seen, variables));
    }
    checks
}

/// Any of the names under which the caller is known may fit.
fn by_whom(matcher: &Matcher, call: &ApiCall, variables: &Variables) -> Check {
    let principal = &call.context.caller.principal;
    let mut names = vec![caller(call), principal.arn(), principal.principal_id()];
    if let Principal::AssumedRole { session, .. } = principal {
        names.push(session.clone());
    }
    let subject = format!("{} by", call.name);
    let mut checks =
        names.into_iter().map(|name| Check::of("trail", &subject, matcher, Some(&Value::String(name)), variables));
    let first = checks.next().expect("every principal has a name");
    if !first.failed() {
        return first;
    }
    checks.find(|check| !check.failed()).unwrap_or(first)
}

fn failure(matcher: Option<&Matcher>, call: &ApiCall, variables: &Variables) -> Check {
    let seen = call.error.as_ref().map(|error| Value::String(error.code.clone()));
    match matcher {
        Some(matcher) => Check::of("trail", &format!("{} errorCode", call.name), matcher, seen.as_ref(), variables),
        None => Check::decided("trail", format!("{} succeeds", call.name), call.error.is_none(), error_text(call)),
    }
}

fn error_text(call: &ApiCall) -> String {
    call.error.as_ref().map(|error| format!("{}: {}", error.code, error.message)).unwrap_or_default()
}

/// A dotted path into an object. Members may have dots and colons in their own names: the longest name wins.
fn lookup<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    if let Some(found) = value.get(path) {
        return Some(found);
    }
    let dots: Vec<usize> = path.match_indices('.').map(|(at, _)| at).collect();
    dots.into_iter().rev().find_map(|at| value.get(&path[..at]).and_then(|inner| lookup(inner, &path[at + 1..])))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use aws_core::call::{CallContext, Via};
    use aws_core::event::{CallError, Ordinal};
    use aws_core::id::{AccountId, Region};
    use aws_core::time::Timestamp;
    use serde_json::json;

    /// A call by the user `student`.
    pub(crate) fn call(service: &str, name: &str, parameters: Value) -> ApiCall {
        let account = AccountId::parse("111122223333").unwrap();
        let student = Principal::User { account, id: "AIDA1".into(), path: "/".into(), name: "student".into() };
        ApiCall {
            ordinal: Ordinal(0),
            event_id: "e".into(),
            time: Timestamp::UNIX_EPOCH,
            source: format!("{service}.amazonaws.com"),
            name: name.into(),
            context: CallContext::local(student, Region::default_region(), "r"),
            read_only: false,
            management: true,
            request_parameters: Some(parameters),
            response_elements: None,
            additional_event_data: None,
            resources: Vec::new(),
            error: None,
            shared_event_id: None,
            decision: None,
        }
    }

    fn judge(yaml: &str, calls: &[ApiCall]) -> Vec<Check> {
        let expect: TrailExpect = serde_saphyr::from_str(yaml).unwrap();
        let mut variables = Variables::default();
        variables.set("VOL", "vol-1");
        check(&expect, calls, &variables)
    }

    fn volume_calls() -> Vec<ApiCall> {
        let mut data_key =
            call("kms", "GenerateDataKeyWithoutPlaintext", json!({"encryptionContext": {"aws:ebs:id": "vol-1"}}));
        let via = Via {
            via_service: None,
            invoked_by: "ec2-frontend-api.amazonaws.com".into(),
            for_aws_resource: false,
            in_scope_of_instance: None,
        };
        data_key.context.via = Some(via);
        vec![call("ec2", "CreateVolume", json!({})), data_key]
    }

    #[test]
    fn the_calls_of_a_step_are_compared_in_order_with_their_details() {
        let yaml = "[{event: CreateVolume, by: student}, {event: GenerateDataKeyWithoutPlaintext, by: {like: '*:user/student'}, \
                    invokedBy: ec2-frontend-api.amazonaws.com, request.encryptionContext: {aws:ebs:id: $VOL}, \
                    request: {encryptionContext.aws:ebs:id: $VOL}}]";
        let checks = judge(yaml, &volume_calls());
        assert!(checks.iter().all(|check| !check.failed()), "{checks:#?}");
        assert_eq!(checks.len(), 8);
    }

    #[test]
    fn a_call_too_many_and_one_too_few_are_both_noticed() {
        assert!(judge("[{event: CreateVolume}]", &volume_calls())[0].failed());
        assert!(judge("[]", &volume_calls())[0].failed());
        let more = "[{event: CreateVolume}, {event: GenerateDataKeyWithoutPlaintext}, {event: Decrypt}]";
        assert!(judge(more, &volume_calls())[0].failed());
        let only_kms = "{of: [kms], calls: [{event: GenerateDataKeyWithoutPlaintext}]}";
        assert!(judge(only_kms, &volume_calls()).iter().all(|check| !check.failed()));
    }

    #[test]
    fn a_call_that_failed_needs_an_expectation_that_says_so() {
        let mut refused = call("kms", "Decrypt", json!({}));
        refused.error = Some(CallError { code: "DisabledException".into(), message: "k is disabled.".into() });
        assert!(judge("[{event: Decrypt}]", std::slice::from_ref(&refused))[1].failed());
        assert!(!judge("[{event: Decrypt, errorCode: DisabledException}]", std::slice::from_ref(&refused))[1].failed());
        assert!(judge("[{event: Decrypt, errorCode: {any: true}}]", &[call("kms", "Decrypt", json!({}))])[1].failed());
    }
}
