//! AWS's codes and texts, one line each.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use aws_core::arn::Arn;
use aws_core::id::AccountId;
use aws_core::identity::{Credential, Identities, IdentityPolicies, NamedPolicy};
use aws_core::policy::document::PolicyDocument;
use aws_core::principal::{Caller, Principal};
use ebs_sim::FuseMode;
use expect_test::{Expect, expect};
use support::{Lab, field};

async fn check(lab: &Lab, form: &str, expected: Expect) {
    expected.assert_eq(&lab.ask(form).await.map_or_else(|fault| fault, |xml| format!("200 {xml}")));
}

#[tokio::test]
async fn what_is_missing_or_malformed() {
    let lab = Lab::new();
    check(
        &lab,
        "CreateVolume&AvailabilityZone=us-east-1a",
        expect!["MissingParameter: The request must contain the parameter size/snapshot"],
    )
    .await;
    check(
        &lab,
        "CreateVolume&Size=1",
        expect!["MissingParameter: The request must contain the parameter availabilityZone"],
    )
    .await;
    check(
        &lab,
        "CreateVolume&Size=1&AvailabilityZone=us-east-1z",
        expect!["InvalidZone.NotFound: The zone 'us-east-1z' does not exist."],
    )
    .await;
    check(
        &lab,
        "CreateVolume&Size=x&AvailabilityZone=us-east-1a",
        expect!["InvalidParameterValue: Value (x) for parameter size is invalid. size must be a whole number."],
    )
    .await;
    check(
        &lab,
        "CreateVolume&Size=0&AvailabilityZone=us-east-1a",
        expect!["InvalidParameterValue: Volume of 0GiB is too small for volume type gp2; minimum is 1GiB."],
    )
    .await;
    check(
        &lab,
        "CreateVolume&Size=1&AvailabilityZone=us-east-1a&VolumeType=gp9",
        expect!["UnknownVolumeType: Unsupported volume type 'gp9' for volume creation."],
    )
    .await;
    check(
        &lab,
        "CreateVolume&Size=4&AvailabilityZone=us-east-1a&VolumeType=io1",
        expect!["MissingParameter: The request must contain the parameter iops"],
    )
    .await;
    check(
        &lab,
        "CreateVolume&Size=1&AvailabilityZone=us-east-1a&KmsKeyId=$KEY",
        expect!["InvalidParameterDependency: The parameter KmsKeyId requires the parameter Encrypted to be set."],
    )
    .await;
    check(
        &lab,
        "CreateVolume&Size=1&AvailabilityZone=us-east-1a&SnapshotId=snap-12345678",
        expect!["InvalidSnapshot.NotFound: The snapshot 'snap-12345678' does not exist."],
    )
    .await;
}

#[tokio::test]
async fn what_is_not_there_or_not_an_id() {
    let lab = Lab::new();
    check(
        &lab,
        "DeleteVolume&VolumeId=vol-00000000",
        expect!["InvalidVolume.NotFound: The volume 'vol-00000000' does not exist."],
    )
    .await;
    check(
        &lab,
        "DeleteVolume&VolumeId=vol-../../etc",
        expect![[r#"InvalidVolumeID.Malformed: Invalid id: "vol-../../etc" (expecting "vol-...")"#]],
    )
    .await;
    check(
        &lab,
        "DescribeInstances&InstanceId.1=x",
        expect![[r#"InvalidInstanceID.Malformed: Invalid id: "x" (expecting "i-...")"#]],
    )
    .await;
    check(&lab, "DescribeVolumes&Filter.1.Name=colour&Filter.1.Value.1=red", expect!["200 <volumeSet/>"]).await;
    check(
        &lab,
        "CreateTags&ResourceId.1=sg-1&Tag.1.Key=a&Tag.1.Value=b",
        expect!["InvalidID: The ID 'sg-1' is not valid"],
    )
    .await;
}

#[tokio::test]
async fn what_is_too_much_or_unheard_of() {
    let lab = Lab::new();
    let vast = lab.ask("CreateVolume&Size=65536&AvailabilityZone=us-east-1a&VolumeType=gp3").await;
    // Where the file system of the test takes files of 64 TiB, such a volume is made.
    let refusal = "UnsupportedOperation: The file system of the state folder cannot hold a volume of 65536GiB.";
    assert!(vast.as_ref().map_or_else(|fault| fault == refusal, |made| made.contains("creating")), "{vast:?}");
    assert_eq!(vast.is_ok(), lab.do_("DescribeVolumes").await.contains("<size>65536</size>"));
    check(&lab, "MakeTea", expect!["InvalidAction: The action MakeTea is not valid for this web service."]).await;
    check(&lab, "TerminateInstances", expect!["MissingParameter: The request must contain the parameter instancesSet"])
        .await;
    check(&lab, "RunInstances&ImageId=ami-1&MinCount=2&MaxCount=1", expect!["InvalidParameterValue: Value (2) for parameter minCount is invalid. minCount must be at least 1 and at most MaxCount."]).await;
}

#[tokio::test]
async fn what_does_not_fit_together() {
    let lab = Lab::new();
    let (instance, volume) = (lab.instance().await, lab.encrypted_volume().await);
    let there = field(&lab.do_("CreateVolume&Size=1&AvailabilityZone=us-east-1b").await, "volumeId");
    let plain = |text: Result<String, String>| {
        text.unwrap_err().replace(&volume, "VOL").replace(&there, "THERE").replace(&instance, "INST")
    };
    let attach =
        |volume: &str, device: &str| format!("AttachVolume&VolumeId={volume}&InstanceId={instance}&Device={device}");

    let zone = plain(lab.ask(&attach(&there, "/dev/sdf")).await);
    expect!["InvalidVolume.ZoneMismatch: The volume 'THERE' is not in the same availability zone as instance 'INST'"]
        .assert_eq(&zone);
    let name = plain(lab.ask(&attach(&volume, "/dev/../sdf")).await);
    expect!["InvalidParameterValue: Value (/dev/../sdf) for parameter device is invalid. /dev/../sdf is not a valid EBS device name."].assert_eq(&name);
    let root = plain(lab.ask(&attach(&volume, "/dev/sda")).await);
    expect![
        "InvalidParameterValue: Invalid value '/dev/sda' for unixDevice. Attachment point /dev/sda is already in use"
    ]
    .assert_eq(&root);
    let idle = plain(lab.ask(&format!("DetachVolume&VolumeId={volume}")).await);
    expect!["IncorrectState: Volume 'VOL' is in the 'available' state."].assert_eq(&idle);

    lab.do_(&attach(&volume, "/dev/sdf")).await;
    let twice = plain(lab.ask(&attach(&volume, "/dev/sdg")).await);
    expect!["VolumeInUse: VOL is already attached to an instance"].assert_eq(&twice);
    let delete = plain(lab.ask(&format!("DeleteVolume&VolumeId={volume}")).await);
    expect!["VolumeInUse: Volume VOL is currently attached to INST"].assert_eq(&delete);
    let elsewhere = plain(lab.ask(&format!("DetachVolume&VolumeId={volume}&Device=/dev/sdq")).await);
    expect!["InvalidAttachment.NotFound: The volume 'VOL' is not attached to instance 'INST' as device '/dev/sdq'."]
        .assert_eq(&elsewhere);
    lab.do_(&format!("TerminateInstances&InstanceId.1={instance}")).await;
    let ended = plain(lab.ask(&attach(&volume, "/dev/sdf")).await);
    expect!["IncorrectState: Instance 'INST' is not 'running'."].assert_eq(&ended);
    let start = plain(lab.ask(&format!("StartInstances&InstanceId.1={instance}")).await);
    expect!["IncorrectInstanceState: The instance 'INST' is not in a state from which it can be started."]
        .assert_eq(&start);
}

#[tokio::test]
async fn a_dry_run_does_nothing_and_says_that_it_could() {
    let lab = Lab::new();
    check(
        &lab,
        "CreateVolume&Size=1&AvailabilityZone=us-east-1a&Encrypted=true&DryRun=true",
        expect!["DryRunOperation: Request would have succeeded, but DryRun flag is set."],
    )
    .await;
    check(&lab, "DescribeVolumes", expect!["200 <volumeSet/>"]).await;
    assert_eq!(lab.kms.operations(), Vec::<&str>::new());
    assert_eq!(lab.trail(), ["CreateVolume Client.DryRunOperation", "DescribeVolumes"]);
}

#[tokio::test]
async fn other_accounts_things_do_not_exist() {
    let mut lab = Lab::new();
    let volume = lab.encrypted_volume().await;
    lab.caller = Principal::Root { account: AccountId::parse("111122223333").unwrap() };
    check(&lab, "DescribeVolumes", expect!["200 <volumeSet/>"]).await;
    let refused = lab.ask(&format!("DeleteVolume&VolumeId={volume}")).await.unwrap_err();
    assert!(refused.starts_with("InvalidVolume.NotFound"));
}

/// One user with one policy.
struct OneUser(&'static str);

impl Identities for OneUser {
    fn credential(&self, _: &str) -> Option<Credential> {
        None
    }

    fn policies(&self, caller: &Caller) -> IdentityPolicies {
        let document = Arc::new(PolicyDocument::parse(self.0).unwrap());
        let identity = vec![NamedPolicy { name: "inline policy ebs".into(), document }];
        if caller.principal.is_root() {
            IdentityPolicies::default()
        } else {
            IdentityPolicies { identity, ..IdentityPolicies::default() }
        }
    }

    fn principal_exists(&self, _: &Arn) -> bool {
        true
    }

    fn unique_id(&self, _: &Arn) -> Option<String> {
        None
    }
}

#[tokio::test]
async fn a_user_may_do_what_the_policies_say_and_no_more() {
    let policy = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["ec2:DescribeVolumes", "ec2:CreateVolume"], "Resource": "*",
         "Condition": {"StringEqualsIfExists": {"ec2:Encrypted": "true"}}}]}"#;
    let mut lab = Lab::with(FuseMode::Off, Arc::new(OneUser(policy)));
    let account = AccountId::default_account();
    lab.caller = Principal::User { account, id: "AIDA1".into(), path: "/".into(), name: "student".into() };
    check(&lab, "DescribeVolumes", expect!["200 <volumeSet/>"]).await;
    assert_eq!(
        field(&lab.do_("CreateVolume&Size=1&AvailabilityZone=us-east-1a&Encrypted=true").await, "encrypted"),
        "true"
    );
    check(&lab, "CreateVolume&Size=1&AvailabilityZone=us-east-1a", expect!["UnauthorizedOperation: You are not authorized to perform this operation. User: arn:aws:iam::000000000000:user/student is not authorized to perform: ec2:CreateVolume on resource: arn:aws:ec2:us-east-1:000000000000:volume/* because no identity-based policy allows the ec2:CreateVolume action"]).await;
    check(&lab, "DescribeInstances&DryRun=true", expect!["UnauthorizedOperation: You are not authorized to perform this operation. User: arn:aws:iam::000000000000:user/student is not authorized to perform: ec2:DescribeInstances because no identity-based policy allows the ec2:DescribeInstances action"]).await;
    assert_eq!(lab.trail().last().unwrap(), "DescribeInstances Client.UnauthorizedOperation");
}
