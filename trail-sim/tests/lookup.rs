//! LookupEvents as an AWS client sees it.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use aws_core::call::CallContext;
use aws_core::event::{Event, Sink};
use aws_core::id::{AccountId, Region};
use aws_core::principal::Principal;
use aws_core::time::{ManualClock, SignedDuration};
use aws_wire::service::JsonService;
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use support::{call, emit, emit_with, key_resource, root, start, user, world};
use trail_sim::{CloudTrailService, Trail};

struct Desk {
    trail: Arc<Trail>,
    service: CloudTrailService,
    clock: Arc<ManualClock>,
}

impl Desk {
    fn new() -> Self {
        let trail = Trail::open(None, 100_000).unwrap();
        let (world, clock) = world(&trail);
        Self { service: CloudTrailService::new(trail.clone(), world), trail, clock }
    }

    async fn ask(&self, ctx: &CallContext, operation: &str, body: Value) -> Result<Value, String> {
        let result = self.service.call(ctx, operation, body.to_string().as_bytes()).await;
        result.map(|bytes| serde_json::from_slice(&bytes).unwrap()).map_err(|fault| format!("{} {fault}", fault.status))
    }

    async fn lookup(&self, body: Value) -> Value {
        self.ask(&root(), "LookupEvents", body).await.unwrap()
    }

    async fn names(&self, key: &str, value: &str) -> Vec<String> {
        names(&self.lookup(by(key, value)).await)
    }

    async fn check_error(&self, body: Value, expected: Expect) {
        expected.assert_eq(&self.ask(&root(), "LookupEvents", body).await.unwrap_err());
    }
}

fn by(key: &str, value: &str) -> Value {
    json!({"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]})
}

fn names(answer: &Value) -> Vec<String> {
    let events = answer["Events"].as_array().unwrap().iter();
    events.map(|event| event["EventName"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_lookup_sees_what_was_emitted_before_it_and_not_itself() {
    let desk = Desk::new();
    emit(&desk.trail, 1);
    emit(&desk.trail, 2);
    assert_eq!(names(&desk.lookup(json!({})).await), ["Call2", "Call1"]);
    assert_eq!(names(&desk.lookup(json!({})).await), ["LookupEvents", "Call2", "Call1"]);
    let own = &desk.lookup(by("EventName", "LookupEvents")).await["Events"][0];
    assert_eq!(own["ReadOnly"], "true");
    assert_eq!(own["Username"], "root");
}

#[tokio::test]
async fn an_event_is_answered_in_awss_shape() {
    let desk = Desk::new();
    emit_with(&desk.trail, 1, |call| {
        call.name = "DisableKey".into();
        call.read_only = false;
        call.resources = vec![key_resource("arn:aws:kms:us-east-2:210987654321:key/k-1")];
    });
    let answer = desk.lookup(json!({})).await;
    let mut event = answer["Events"][0].clone();
    let record: Value = serde_json::from_str(event["CloudTrailEvent"].as_str().unwrap()).unwrap();
    assert_eq!(record["eventID"], event["EventId"]);
    assert_eq!(record["userIdentity"]["userName"], "mira");
    event["CloudTrailEvent"] = "…".into();
    expect![[r#"
        {
          "EventId": "00000000-0000-4001-8000-000000000000",
          "EventName": "DisableKey",
          "ReadOnly": "false",
          "AccessKeyId": "AKIAmira",
          "EventTime": 1772355600,
          "EventSource": "kms.amazonaws.com",
          "Username": "mira",
          "Resources": [
            {
              "ResourceType": "AWS::KMS::Key",
              "ResourceName": "arn:aws:kms:us-east-2:210987654321:key/k-1"
            },
            {
              "ResourceType": "AWS::KMS::Key",
              "ResourceName": "k-1"
            }
          ],
          "CloudTrailEvent": "…"
        }
    "#]]
    .assert_eq(&format!("{event:#}\n"));
    assert!(answer.get("NextToken").is_none());
}

#[tokio::test]
async fn each_attribute_finds_its_events_and_no_others() {
    let desk = Desk::new();
    let arn = "arn:aws:kms:us-east-2:210987654321:key/k-1";
    let id = emit_with(&desk.trail, 1, |call| call.resources = vec![key_resource(arn)]);
    emit_with(&desk.trail, 2, |call| {
        call.read_only = false;
        call.resources = vec![key_resource(arn)];
    });
    emit_with(&desk.trail, 3, |call| {
        call.context = user("ines");
        call.source = "ec2.amazonaws.com".into();
    });
    assert_eq!(desk.names("EventId", &id).await, ["Call1"]);
    assert_eq!(desk.names("EventName", "Call2").await, ["Call2"]);
    assert_eq!(desk.names("ReadOnly", "false").await, ["Call2"]);
    assert_eq!(desk.names("Username", "ines").await, ["Call3"]);
    assert_eq!(desk.names("ResourceType", "AWS::KMS::Key").await, ["Call2", "Call1"]);
    assert_eq!(desk.names("ResourceName", arn).await, ["Call2", "Call1"]);
    assert_eq!(desk.names("ResourceName", "k-1").await, ["Call2"], "a change lists the bare id, too");
    assert_eq!(desk.names("EventSource", "ec2.amazonaws.com").await, ["Call3"]);
    assert_eq!(desk.names("AccessKeyId", "AKIAines").await, ["Call3"]);
    assert!(desk.names("EventName", "call2").await.is_empty(), "AWS compares exactly");
}

#[tokio::test]
async fn pages_are_whole_in_order_and_undisturbed_by_new_events() {
    let desk = Desk::new();
    (0..120).for_each(|n| drop(emit(&desk.trail, n)));
    let filter = json!([{"AttributeKey": "EventSource", "AttributeValue": "kms.amazonaws.com"}]);
    let (mut seen, mut token) = (Vec::new(), Value::Null);
    loop {
        let body = json!({"LookupAttributes": filter, "MaxResults": 50, "NextToken": token});
        let answer = desk.lookup(body).await;
        seen.extend(names(&answer));
        emit(&desk.trail, 1000 + seen.len() as u64);
        token = answer["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    let expected: Vec<String> = (0..120).rev().map(|n| format!("Call{n}")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_token_belongs_to_its_question() {
    let desk = Desk::new();
    (0..3).for_each(|n| drop(emit(&desk.trail, n)));
    let token = desk.lookup(json!({"MaxResults": 1})).await["NextToken"].clone();
    assert_eq!(names(&desk.lookup(json!({"MaxResults": 2, "NextToken": token})).await), ["Call1", "Call0"]);
    let mut other = by("Username", "mira");
    other["NextToken"] = token;
    desk.check_error(other, expect!["400 InvalidNextTokenException: The specified token is not valid."]).await;
    desk.check_error(
        json!({"NextToken": "bm8"}),
        expect!["400 InvalidNextTokenException: The specified token is not valid."],
    )
    .await;
}

#[tokio::test]
async fn a_bad_question_is_answered_with_awss_exception() {
    let desk = Desk::new();
    desk.check_error(
        json!({"MaxResults": 0}),
        expect![
            "400 InvalidMaxResultsException: A max results value of 0 is invalid. Specify max results between 1 and 50."
        ],
    )
    .await;
    desk.check_error(json!({"MaxResults": 51}), expect!["400 InvalidMaxResultsException: A max results value of 51 is invalid. Specify max results between 1 and 50."]).await;
    let one = json!({"AttributeKey": "EventName", "AttributeValue": "Decrypt"});
    desk.check_error(
        json!({"LookupAttributes": [one, one]}),
        expect!["400 InvalidLookupAttributesException: You can specify only one attribute in a lookup request."],
    )
    .await;
    desk.check_error(
        by("Colour", "red"),
        expect!["400 InvalidLookupAttributesException: Lookup attribute key is not valid."],
    )
    .await;
    desk.check_error(
        by("ReadOnly", "maybe"),
        expect!["400 InvalidLookupAttributesException: Lookup attribute value is not valid."],
    )
    .await;
    desk.check_error(json!({"StartTime": 2, "EndTime": 1}), expect!["400 InvalidTimeRangeException: The specified time range is not valid: the start time must be before the end time."]).await;
    desk.check_error(json!({"StartTime": 1e300}), expect!["400 InvalidTimeRangeException: The specified time range is not valid: the start time must be before the end time."]).await;
    desk.check_error(
        json!({"EventCategory": "data"}),
        expect!["400 InvalidEventCategoryException: The event category is not valid."],
    )
    .await;
    desk.check_error(
        json!({"MaxResults": "ten"}),
        expect![[r#"400 SerializationException: invalid type: string "ten", expected i64 at line 1 column 19"#]],
    )
    .await;
    assert_eq!(desk.lookup(json!({"EventCategory": "insight"})).await, json!({"Events": []}));
}

#[tokio::test]
async fn a_stretch_of_time_includes_its_ends_and_reaches_back_ninety_days() {
    let desk = Desk::new();
    let second = start().as_second();
    for n in 0..5 {
        let time = start() + SignedDuration::from_secs(i64::try_from(n).unwrap());
        desk.trail.emit(Event::Api(Box::new(call(&*desk.trail, n, time))));
    }
    let between = desk.lookup(json!({"StartTime": second + 1, "EndTime": second + 3})).await;
    assert_eq!(names(&between), ["Call3", "Call2", "Call1"]);
    desk.clock.advance(SignedDuration::from_hours(90 * 24) + SignedDuration::from_secs(3));
    assert_eq!(names(&desk.lookup(json!({})).await), ["Call4", "Call3"]);
}

/// The simulated clock may be moved; the trail then follows the dates, as AWS's does.
#[tokio::test]
async fn events_are_ordered_by_date_first() {
    let desk = Desk::new();
    for (n, hours) in [(1, 5), (2, 1), (3, 3)] {
        let time = start() + SignedDuration::from_hours(hours);
        desk.trail.emit(Event::Api(Box::new(call(&*desk.trail, n, time))));
    }
    assert_eq!(names(&desk.lookup(json!({})).await), ["Call1", "Call3", "Call2"]);
}

#[tokio::test]
async fn accounts_regions_and_data_events_are_kept_apart() {
    let desk = Desk::new();
    emit(&desk.trail, 1);
    emit_with(&desk.trail, 2, |call| call.context.region = Region::parse("eu-west-1").unwrap());
    let stranger = AccountId::parse("333344445555").unwrap();
    emit_with(&desk.trail, 3, |call| {
        call.context.caller.principal = Principal::Root { account: stranger.clone() };
    });
    emit_with(&desk.trail, 4, |call| call.management = false);
    // A stranger used a key of this account: both see it.
    emit_with(&desk.trail, 5, |call| {
        call.context.caller.principal = Principal::Root { account: stranger.clone() };
        call.resources = vec![key_resource("arn:aws:kms:us-east-2:210987654321:key/k-1")];
    });
    assert_eq!(names(&desk.lookup(json!({})).await), ["Call5", "Call1"]);
    let theirs = CallContext::local(Principal::Root { account: stranger }, root().region, "r");
    assert_eq!(names(&desk.ask(&theirs, "LookupEvents", json!({})).await.unwrap()), ["Call5", "Call3"]);
}

#[tokio::test]
async fn who_may_not_look_is_refused_and_that_is_recorded() {
    let desk = Desk::new();
    let error = desk.ask(&user("mira"), "LookupEvents", json!({"MaxResults": 5})).await.unwrap_err();
    expect!["400 AccessDeniedException: User: arn:aws:iam::210987654321:user/mira is not authorized to perform: cloudtrail:LookupEvents because no identity-based policy allows the cloudtrail:LookupEvents action"].assert_eq(&error);
    let event = desk.lookup(json!({})).await["Events"][0].clone();
    let record: Value = serde_json::from_str(event["CloudTrailEvent"].as_str().unwrap()).unwrap();
    assert_eq!(record["errorCode"], "AccessDenied");
    assert_eq!(record["requestParameters"], json!({"maxResults": 5}));
    let why = desk.trail.why(event["EventId"].as_str().unwrap()).unwrap().unwrap();
    assert!(!why.decision.unwrap().allowed());
}

#[tokio::test]
async fn there_are_no_trails_to_buckets() {
    let desk = Desk::new();
    assert_eq!(desk.ask(&root(), "DescribeTrails", json!({})).await.unwrap(), json!({"trailList": []}));
    assert_eq!(desk.ask(&root(), "ListTrails", json!({})).await.unwrap(), json!({"Trails": []}));
    let error = desk.ask(&root(), "GetTrailStatus", json!({"Name": "audit"})).await.unwrap_err();
    expect!["400 TrailNotFoundException: Unknown trail: arn:aws:cloudtrail:us-east-2:210987654321:trail/audit for the user: 210987654321"].assert_eq(&error);
    let error = desk.ask(&root(), "PutMoreTrails", json!({})).await.unwrap_err();
    expect!["400 UnknownOperationException: "].assert_eq(&error);
}
