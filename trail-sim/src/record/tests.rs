//! Records beside the shapes that AWS prints.
#![allow(clippy::too_many_lines, reason = "a golden record is read whole")]

use aws_core::call::Via;
use aws_core::event::Ordinal;
use aws_core::id::Region;
use aws_core::principal::{Caller, Principal, Session};
use aws_core::time::Timestamp;
use expect_test::{Expect, expect};
use serde_json::json;

use super::*;

const KEY_ARN: &str = "arn:aws:kms:us-east-2:210987654321:key/5ab1c7de-0000-4000-8000-00000000beef";

fn account() -> AccountId {
    AccountId::parse("210987654321").unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn user() -> Caller {
    let principal =
        Principal::User { account: account(), id: "AIDAMIRA".into(), path: "/".into(), name: "mira".into() };
    Caller::new(principal, "AKIAMIRA")
}

fn session(role_id: &str, role: &str, session: &str) -> Caller {
    let principal = Principal::AssumedRole {
        account: account(),
        role_id: role_id.into(),
        path: "/".into(),
        role: role.into(),
        session: session.into(),
    };
    let session = Session { issued_at: at("2026-03-01T08:00:00Z"), mfa: false };
    Caller { principal, access_key_id: "ASIASESSION".into(), session: Some(session) }
}

fn context(caller: Caller, via: Option<&str>) -> CallContext {
    let mut context = CallContext::local(caller.principal.clone(), Region::parse("us-east-2").unwrap(), "request-1");
    context.caller = caller;
    context.user_agent = "aws-cli/2".into();
    match via {
        None => context,
        Some(service) => {
            let via = Via {
                via_service: None,
                invoked_by: service.into(),
                for_aws_resource: true,
                in_scope_of_instance: None,
            };
            context.forwarded(via, "request-1".into())
        }
    }
}

fn call(name: &str, context: CallContext, read_only: bool) -> ApiCall {
    ApiCall {
        ordinal: Ordinal(1),
        event_id: "5f7bd6c4-0000-4000-8000-000000000001".into(),
        time: at("2026-03-01T09:30:05.9Z"),
        source: "kms.amazonaws.com".into(),
        name: name.into(),
        context,
        read_only,
        management: true,
        request_parameters: None,
        response_elements: None,
        additional_event_data: None,
        resources: vec![Resource { account: account(), kind: "AWS::KMS::Key".into(), arn: KEY_ARN.into() }],
        error: None,
        shared_event_id: None,
        decision: None,
    }
}

fn check(record: &Record<'_>, expected: Expect) {
    let mut text = serde_json::to_string_pretty(record).unwrap();
    text.push('\n');
    expected.assert_eq(&text);
}

fn check_call(call: &ApiCall, expected: Expect) {
    let records = Record::of_call(call);
    assert_eq!(records.len(), 1);
    check(&records[0], expected);
}

#[test]
fn ec2_asks_for_a_volume_key_on_behalf_of_a_role_session() {
    let mut call = call(
        "GenerateDataKeyWithoutPlaintext",
        context(session("AROADEV", "dev", "mira"), Some("ec2-frontend-api.amazonaws.com")),
        true,
    );
    call.request_parameters =
        Some(json!({"encryptionContext": {"aws:ebs:id": "vol-1"}, "numberOfBytes": 64, "keyId": KEY_ARN}));
    call.additional_event_data = Some(json!({"keyMaterialId": "ab12"}));
    call.shared_event_id = Some("5f7bd6c4-0000-4000-8000-00000000aaaa".into());
    check_call(
        &call,
        expect![[r#"
        {
          "eventVersion": "1.11",
          "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROADEV:mira",
            "arn": "arn:aws:sts::210987654321:assumed-role/dev/mira",
            "accountId": "210987654321",
            "accessKeyId": "ASIASESSION",
            "sessionContext": {
              "sessionIssuer": {
                "type": "Role",
                "principalId": "AROADEV",
                "arn": "arn:aws:iam::210987654321:role/dev",
                "accountId": "210987654321",
                "userName": "dev"
              },
              "attributes": {
                "creationDate": "2026-03-01T08:00:00Z",
                "mfaAuthenticated": "false"
              }
            },
            "invokedBy": "ec2-frontend-api.amazonaws.com"
          },
          "eventTime": "2026-03-01T09:30:05Z",
          "eventSource": "kms.amazonaws.com",
          "eventName": "GenerateDataKeyWithoutPlaintext",
          "awsRegion": "us-east-2",
          "sourceIPAddress": "ec2-frontend-api.amazonaws.com",
          "userAgent": "ec2-frontend-api.amazonaws.com",
          "requestParameters": {
            "encryptionContext": {
              "aws:ebs:id": "vol-1"
            },
            "numberOfBytes": 64,
            "keyId": "arn:aws:kms:us-east-2:210987654321:key/5ab1c7de-0000-4000-8000-00000000beef"
          },
          "responseElements": null,
          "additionalEventData": {
            "keyMaterialId": "ab12"
          },
          "requestID": "request-1",
          "eventID": "5f7bd6c4-0000-4000-8000-000000000001",
          "readOnly": true,
          "resources": [
            {
              "accountId": "210987654321",
              "type": "AWS::KMS::Key",
              "ARN": "arn:aws:kms:us-east-2:210987654321:key/5ab1c7de-0000-4000-8000-00000000beef"
            }
          ],
          "eventType": "AwsApiCall",
          "managementEvent": true,
          "recipientAccountId": "210987654321",
          "sharedEventID": "5f7bd6c4-0000-4000-8000-00000000aaaa",
          "vpcEndpointId": "AWS Internal",
          "vpcEndpointAccountId": "AWS Internal",
          "eventCategory": "Management"
        }
    "#]],
    );
}

#[test]
fn attaching_makes_a_grant_for_the_instance() {
    let caller = session("AROADEV", "dev", "mira");
    let mut call = call("CreateGrant", context(caller, Some("ec2-frontend-api.amazonaws.com")), false);
    call.request_parameters = Some(json!({
        "constraints": {"encryptionContextSubset": {"aws:ebs:id": "vol-1"}},
        "retiringPrincipal": "ec2.us-east-2.amazonaws.com",
        "operations": ["Decrypt"],
        "keyId": KEY_ARN,
        "granteePrincipal": "arn:aws:sts::210987654321:assumed-role/aws:ec2-infrastructure/i-1",
    }));
    call.response_elements = Some(json!({"grantId": "cd34", "keyId": KEY_ARN}));
    check_call(
        &call,
        expect![[r#"
        {
          "eventVersion": "1.11",
          "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROADEV:mira",
            "arn": "arn:aws:sts::210987654321:assumed-role/dev/mira",
            "accountId": "210987654321",
            "accessKeyId": "ASIASESSION",
            "sessionContext": {
              "sessionIssuer": {
                "type": "Role",
                "principalId": "AROADEV",
                "arn": "arn:aws:iam::210987654321:role/dev",
                "accountId": "210987654321",
                "userName": "dev"
              },
              "attributes": {
                "creationDate": "2026-03-01T08:00:00Z",
                "mfaAuthenticated": "false"
              }
            },
            "invokedBy": "ec2-frontend-api.amazonaws.com"
          },
          "eventTime": "2026-03-01T09:30:05Z",
          "eventSource": "kms.amazonaws.com",
          "eventName": "CreateGrant",
          "awsRegion": "us-east-2",
          "sourceIPAddress": "ec2-frontend-api.amazonaws.com",
          "userAgent": "ec2-frontend-api.amazonaws.com",
          "requestParameters": {
            "constraints": {
              "encryptionContextSubset": {
                "aws:ebs:id": "vol-1"
              }
            },
            "retiringPrincipal": "ec2.us-east-2.amazonaws.com",
            "operations": [
              "Decrypt"
            ],
            "keyId": "arn:aws:kms:us-east-2:210987654321:key/5ab1c7de-0000-4000-8000-00000000beef",
            "granteePrincipal": "arn:aws:sts::210987654321:assumed-role/aws:ec2-infrastructure/i-1"
          },
          "responseElements": {
            "grantId": "cd34",
            "keyId": "arn:aws:kms:us-east-2:210987654321:key/5ab1c7de-0000-4000-8000-00000000beef"
          },
          "requestID": "request-1",
          "eventID": "5f7bd6c4-0000-4000-8000-000000000001",
          "readOnly": false,
          "resources": [
            {
              "accountId": "210987654321",
              "type": "AWS::KMS::Key",
              "ARN": "arn:aws:kms:us-east-2:210987654321:key/5ab1c7de-0000-4000-8000-00000000beef"
            }
          ],
          "eventType": "AwsApiCall",
          "managementEvent": true,
          "recipientAccountId": "210987654321",
          "sharedEventID": "7f4af79a-c9a1-45bb-b279-48b8019a645e",
          "vpcEndpointId": "AWS Internal",
          "vpcEndpointAccountId": "AWS Internal",
          "eventCategory": "Management"
        }
    "#]],
    );
}

#[test]
fn the_host_opens_the_volume_key_in_the_scope_of_the_instance() {
    let mut context =
        context(session("210987654321:aws:ec2-infrastructure", "aws:ec2-infrastructure", "i-1"), Some("AWS Internal"));
    let instance = "arn:aws:ec2:us-east-2:210987654321:instance/i-1".to_owned();
    context.via.as_mut().unwrap().in_scope_of_instance = Some(instance);
    let mut call = call("Decrypt", context, true);
    call.request_parameters =
        Some(json!({"encryptionContext": {"aws:ebs:id": "vol-1"}, "encryptionAlgorithm": "SYMMETRIC_DEFAULT"}));
    call.additional_event_data = Some(json!({"keyMaterialId": "ab12"}));
    check_call(
        &call,
        expect![[r#"
        {
          "eventVersion": "1.11",
          "userIdentity": {
            "type": "AssumedRole",
            "principalId": "210987654321:aws:ec2-infrastructure:i-1",
            "arn": "arn:aws:sts::210987654321:assumed-role/aws:ec2-infrastructure/i-1",
            "accountId": "210987654321",
            "accessKeyId": "ASIASESSION",
            "sessionContext": {
              "sessionIssuer": {
                "type": "Role",
                "principalId": "210987654321:aws:ec2-infrastructure",
                "arn": "arn:aws:iam::210987654321:role/aws:ec2-infrastructure",
                "accountId": "210987654321",
                "userName": "aws:ec2-infrastructure"
              },
              "attributes": {
                "creationDate": "2026-03-01T08:00:00Z",
                "mfaAuthenticated": "false"
              }
            },
            "invokedBy": "AWS Internal",
            "inScopeOf": {
              "issuerType": "AWS::EC2::Instance",
              "credentialsIssuedTo": "arn:aws:ec2:us-east-2:210987654321:instance/i-1"
            }
          },
          "eventTime": "2026-03-01T09:30:05Z",
          "eventSource": "kms.amazonaws.com",
          "eventName": "Decrypt",
          "awsRegion": "us-east-2",
          "sourceIPAddress": "AWS Internal",
          "userAgent": "AWS Internal",
          "requestParameters": {
            "encryptionContext": {
              "aws:ebs:id": "vol-1"
            },
            "encryptionAlgorithm": "SYMMETRIC_DEFAULT"
          },
          "responseElements": null,
          "additionalEventData": {
            "keyMaterialId": "ab12"
          },
          "requestID": "request-1",
          "eventID": "5f7bd6c4-0000-4000-8000-000000000001",
          "readOnly": true,
          "resources": [
            {
              "accountId": "210987654321",
              "type": "AWS::KMS::Key",
              "ARN": "arn:aws:kms:us-east-2:210987654321:key/5ab1c7de-0000-4000-8000-00000000beef"
            }
          ],
          "eventType": "AwsApiCall",
          "managementEvent": true,
          "recipientAccountId": "210987654321",
          "eventCategory": "Management"
        }
    "#]],
    );
}

#[test]
fn a_user_encrypts() {
    let mut call = call("Encrypt", context(user(), None), true);
    call.request_parameters = Some(json!({"keyId": "alias/demo", "encryptionAlgorithm": "SYMMETRIC_DEFAULT"}));
    check_call(
        &call,
        expect![[r#"
        {
          "eventVersion": "1.11",
          "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAMIRA",
            "arn": "arn:aws:iam::210987654321:user/mira",
            "accountId": "210987654321",
            "accessKeyId": "AKIAMIRA",
            "userName": "mira"
          },
          "eventTime": "2026-03-01T09:30:05Z",
          "eventSource": "kms.amazonaws.com",
          "eventName": "Encrypt",
          "awsRegion": "us-east-2",
          "sourceIPAddress": "127.0.0.1",
          "userAgent": "aws-cli/2",
          "requestParameters": {
            "keyId": "alias/demo",
            "encryptionAlgorithm": "SYMMETRIC_DEFAULT"
          },
          "responseElements": null,
          "requestID": "request-1",
          "eventID": "5f7bd6c4-0000-4000-8000-000000000001",
          "readOnly": true,
          "resources": [
            {
              "accountId": "210987654321",
              "type": "AWS::KMS::Key",
              "ARN": "arn:aws:kms:us-east-2:210987654321:key/5ab1c7de-0000-4000-8000-00000000beef"
            }
          ],
          "eventType": "AwsApiCall",
          "managementEvent": true,
          "recipientAccountId": "210987654321",
          "eventCategory": "Management"
        }
    "#]],
    );
}

#[test]
fn a_refused_forwarded_call_shows_neither_parameters_nor_resources() {
    let mut call = call("CreateGrant", context(user(), Some("ec2-frontend-api.amazonaws.com")), false);
    call.resources.clear();
    call.error = Some(CallError { code: "AccessDenied".into(), message: "User: … is not authorized".into() });
    check_call(
        &call,
        expect![[r#"
        {
          "eventVersion": "1.11",
          "userIdentity": {
            "type": "IAMUser",
            "principalId": "AIDAMIRA",
            "arn": "arn:aws:iam::210987654321:user/mira",
            "accountId": "210987654321",
            "accessKeyId": "AKIAMIRA",
            "userName": "mira",
            "invokedBy": "ec2-frontend-api.amazonaws.com"
          },
          "eventTime": "2026-03-01T09:30:05Z",
          "eventSource": "kms.amazonaws.com",
          "eventName": "CreateGrant",
          "awsRegion": "us-east-2",
          "sourceIPAddress": "ec2-frontend-api.amazonaws.com",
          "userAgent": "ec2-frontend-api.amazonaws.com",
          "errorCode": "AccessDenied",
          "errorMessage": "User: … is not authorized",
          "requestParameters": null,
          "responseElements": null,
          "requestID": "request-1",
          "eventID": "5f7bd6c4-0000-4000-8000-000000000001",
          "readOnly": false,
          "eventType": "AwsApiCall",
          "managementEvent": true,
          "recipientAccountId": "210987654321",
          "vpcEndpointId": "AWS Internal",
          "vpcEndpointAccountId": "AWS Internal",
          "eventCategory": "Management"
        }
    "#]],
    );
}

#[test]
fn root_is_root_and_an_empty_message_is_left_out() {
    let mut call = call("Decrypt", context(Caller::new(Principal::Root { account: account() }, "test"), None), true);
    call.error = Some(CallError { code: "InvalidCiphertextException".into(), message: String::new() });
    call.resources.clear();
    call.context.secure = true;
    check_call(
        &call,
        expect![[r#"
        {
          "eventVersion": "1.11",
          "userIdentity": {
            "type": "Root",
            "principalId": "210987654321",
            "arn": "arn:aws:iam::210987654321:root",
            "accountId": "210987654321",
            "accessKeyId": "test"
          },
          "eventTime": "2026-03-01T09:30:05Z",
          "eventSource": "kms.amazonaws.com",
          "eventName": "Decrypt",
          "awsRegion": "us-east-2",
          "sourceIPAddress": "127.0.0.1",
          "userAgent": "aws-cli/2",
          "errorCode": "InvalidCiphertextException",
          "requestParameters": null,
          "responseElements": null,
          "requestID": "request-1",
          "eventID": "5f7bd6c4-0000-4000-8000-000000000001",
          "readOnly": true,
          "eventType": "AwsApiCall",
          "managementEvent": true,
          "recipientAccountId": "210987654321",
          "eventCategory": "Management",
          "tlsDetails": {
            "clientProvidedHostHeader": "localhost"
          }
        }
    "#]],
    );
}

#[test]
fn a_service_that_retires_a_grant_has_no_arn() {
    let name = "ec2.us-east-2.amazonaws.com";
    let caller = Caller::new(Principal::Service { account: account(), name: name.into() }, "");
    let identity = UserIdentity::of(&context(caller, None));
    expect![[r#"{"type":"AWSService","invokedBy":"ec2.us-east-2.amazonaws.com"}"#]]
        .assert_eq(&serde_json::to_string(&identity).unwrap());
}

#[test]
fn a_rotation_happens_by_itself() {
    let event = ServiceEvent {
        ordinal: Ordinal(9),
        event_id: "5f7bd6c4-0000-4000-8000-000000000009".into(),
        time: at("2027-03-01T00:00:00Z"),
        source: "kms.amazonaws.com".into(),
        name: "RotateKey".into(),
        account: account(),
        region: Region::parse("us-east-2").unwrap(),
        resources: vec![Resource { account: account(), kind: "AWS::KMS::Key".into(), arn: KEY_ARN.into() }],
        details: json!({"keyId": "5ab1c7de-0000-4000-8000-00000000beef"}),
    };
    check(
        &Record::of_service_event(&event),
        expect![[r#"
        {
          "eventVersion": "1.11",
          "userIdentity": {
            "accountId": "210987654321",
            "invokedBy": "AWS Internal"
          },
          "eventTime": "2027-03-01T00:00:00Z",
          "eventSource": "kms.amazonaws.com",
          "eventName": "RotateKey",
          "awsRegion": "us-east-2",
          "sourceIPAddress": "AWS Internal",
          "userAgent": "AWS Internal",
          "requestParameters": null,
          "responseElements": null,
          "eventID": "5f7bd6c4-0000-4000-8000-000000000009",
          "readOnly": false,
          "resources": [
            {
              "accountId": "210987654321",
              "type": "AWS::KMS::Key",
              "ARN": "arn:aws:kms:us-east-2:210987654321:key/5ab1c7de-0000-4000-8000-00000000beef"
            }
          ],
          "eventType": "AwsServiceEvent",
          "managementEvent": true,
          "recipientAccountId": "210987654321",
          "serviceEventDetails": {
            "keyId": "5ab1c7de-0000-4000-8000-00000000beef"
          },
          "eventCategory": "Management"
        }
    "#]],
    );
}

#[test]
fn a_key_of_another_account_is_recorded_in_both_and_a_refusal_only_at_home() {
    let mut call = call("Encrypt", context(user(), None), true);
    let owner = AccountId::parse("333344445555").unwrap();
    call.resources[0].account = owner.clone();
    let records = Record::of_call(&call);
    let recipients: Vec<_> = records.iter().map(|record| record.recipient().as_str()).collect();
    assert_eq!(recipients, ["210987654321", "333344445555"]);
    assert_eq!(records[0].event_id(), call.event_id);
    assert_ne!(records[1].event_id(), call.event_id);
    assert!(records[0].shared_event_id.is_some());
    assert_eq!(records[0].shared_event_id, records[1].shared_event_id);

    call.error = Some(CallError { code: "AccessDenied".into(), message: "no".into() });
    assert_eq!(Record::of_call(&call).len(), 1);
}

#[test]
fn ec2_records_do_not_print_the_resources_they_are_found_by() {
    let mut call = call("CreateVolume", context(user(), None), false);
    call.source = "ec2.amazonaws.com".into();
    assert!(Record::of_call(&call)[0].resources.is_empty());
}
