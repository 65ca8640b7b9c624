//! The life of encrypted volumes, as EC2's callers, KMS, the trail and the ledger see it.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::atomic::Ordering;

use aws_core::event::Event;
use aws_core::time::SignedDuration;
use expect_test::expect;
use support::{Lab, field};

/// The key flow of the lesson: data key without plaintext at creation; grant, then decrypt at attach; retire at detach.
#[tokio::test]
async fn the_key_walks_from_kms_to_memory_and_is_gone_after_detach() {
    let lab = Lab::new();
    let (instance, volume) = (lab.instance().await, lab.encrypted_volume().await);
    assert_eq!(lab.kms.operations(), ["GenerateDataKeyWithoutPlaintext"]);
    assert_eq!(lab.places(&volume), "EbsMetadata wrapped");

    let answer = lab.do_(&format!("AttachVolume&VolumeId={volume}&InstanceId={instance}&Device=/dev/sdf")).await;
    assert_eq!(field(&answer, "status"), "attaching");
    assert_eq!(lab.kms.operations(), ["GenerateDataKeyWithoutPlaintext", "CreateGrant", "Decrypt"]);
    assert_eq!(lab.places(&volume), "EbsMetadata wrapped, HypervisorMemory plaintext");
    let described = lab.do_(&format!("DescribeVolumes&VolumeId.1={volume}")).await;
    assert!(described.contains("<status>in-use</status>") && described.contains("<status>attached</status>"));

    let answer = lab.do_(&format!("DetachVolume&VolumeId={volume}")).await;
    assert_eq!(field(&answer, "status"), "detaching");
    assert_eq!(lab.kms.operations()[3..], ["RetireGrant"]);
    assert!(lab.kms.grants().iter().all(|grant| grant.retired));
    assert_eq!(lab.places(&volume), "EbsMetadata wrapped");
    assert!(lab.do_("DescribeVolumes&Filter.1.Name=status&Filter.1.Value.1=available").await.contains(&volume));

    lab.do_(&format!("DeleteVolume&VolumeId={volume}")).await;
    assert_eq!(lab.places(&volume), "");
    let gone = lab.ask(&format!("DescribeVolumes&VolumeId.1={volume}")).await.unwrap_err();
    assert_eq!(gone, format!("InvalidVolume.NotFound: The volume '{volume}' does not exist."));
}

/// Who asks KMS for what is what CloudTrail shows of real EC2.
#[tokio::test]
async fn each_call_to_kms_is_made_under_the_right_name() {
    let lab = Lab::new();
    let (instance, volume) = (lab.instance().await, lab.encrypted_volume().await);
    lab.do_(&format!("AttachVolume&VolumeId={volume}&InstanceId={instance}&Device=/dev/sdf")).await;
    lab.do_(&format!("DetachVolume&VolumeId={volume}")).await;

    let calls = lab.kms.calls();
    let [made, granted, decrypted, retired] = calls.as_slice() else { panic!("{calls:?}") };
    let via = |call: &kms_api::double::Call| call.context.via.clone().unwrap();
    for call in [made, granted] {
        assert_eq!(call.context.principal_arn(), "arn:aws:iam::000000000000:root");
        assert_eq!(via(call).invoked_by, "ec2-frontend-api.amazonaws.com");
        assert_eq!(via(call).via_service.as_deref(), Some("ec2.us-east-1.amazonaws.com"));
    }
    assert!(via(granted).for_aws_resource && !via(made).for_aws_resource);
    let host = format!("arn:aws:sts::000000000000:assumed-role/aws:ec2-infrastructure/{instance}");
    assert_eq!(decrypted.context.principal_arn(), host);
    let principal_id = decrypted.context.caller.principal.principal_id();
    assert_eq!(principal_id, format!("000000000000:aws:ec2-infrastructure:{instance}"));
    assert_eq!(via(decrypted).invoked_by, "AWS Internal");
    let scope = via(decrypted).in_scope_of_instance.unwrap();
    assert_eq!(scope, format!("arn:aws:ec2:us-east-1:000000000000:instance/{instance}"));
    assert_eq!(decrypted.context.request_id, granted.context.request_id, "one request, two records");
    assert_ne!(made.context.request_id, granted.context.request_id);
    assert_eq!(retired.context.principal_arn(), "ec2.us-east-1.amazonaws.com");
    assert_eq!(made.encryption_context["aws:ebs:id"], volume);
    assert_eq!(decrypted.encryption_context["aws:ebs:id"], volume);

    let grant = &lab.kms.grants()[0].request;
    assert_eq!(grant.grantee_principal, host);
    assert_eq!(grant.retiring_principal.as_deref(), Some("ec2.us-east-1.amazonaws.com"));
    assert_eq!(grant.operations, ["Decrypt"]);
    let subset = grant.constraints.clone().unwrap().encryption_context_subset.unwrap();
    assert_eq!(subset["aws:ebs:id"], volume);
    assert_eq!(decrypted.grant_tokens, [lab.kms.grants()[0].grant_token.clone()]);
}

/// The lesson of the lab: disable the key while attached, go on, detach, be refused, enable, come back.
#[tokio::test]
async fn a_disabled_key_is_felt_at_the_next_attach_only() {
    let lab = Lab::new();
    let (instance, volume) = (lab.instance().await, lab.encrypted_volume().await);
    let attach = format!("AttachVolume&VolumeId={volume}&InstanceId={instance}&Device=/dev/sdf");
    lab.do_(&attach).await;
    lab.kms.disable(&lab.key);
    assert_eq!(lab.places(&volume), "EbsMetadata wrapped, HypervisorMemory plaintext");
    lab.do_(&format!("DetachVolume&VolumeId={volume}")).await;

    let refused = lab.ask(&attach).await.unwrap_err();
    let text = "cannot be attached. The encrypted volume was unable to access the KMS key.";
    assert_eq!(refused, format!("CustomerKeyHasBeenRevoked: Volume {volume} {text}"));
    assert_eq!(lab.trail().last().unwrap(), "AttachVolume Client.CustomerKeyHasBeenRevoked");
    assert_eq!(lab.places(&volume), "EbsMetadata wrapped");
    assert!(lab.do_("DescribeVolumes&Filter.1.Name=status&Filter.1.Value.1=available").await.contains(&volume));

    lab.kms.enable(&lab.key);
    lab.do_(&attach).await;
    assert_eq!(lab.kms.grants().iter().filter(|grant| !grant.retired).count(), 1);
}

/// If the second of the two calls fails, the first is undone: no grant without attachment.
#[tokio::test]
async fn a_grant_does_not_outlive_a_failed_attach() {
    let lab = Lab::new();
    let (instance, volume) = (lab.instance().await, lab.encrypted_volume().await);
    let attach = format!("AttachVolume&VolumeId={volume}&InstanceId={instance}&Device=/dev/sdf");
    lab.kms.forget_calls();
    lab.decrypt_fails.store(true, Ordering::Relaxed);
    assert!(lab.ask(&attach).await.unwrap_err().starts_with("CustomerKeyHasBeenRevoked"));
    assert_eq!(lab.kms.operations(), ["CreateGrant", "RetireGrant"]);
    assert!(lab.kms.grants().iter().all(|grant| grant.retired));
    assert_eq!(lab.places(&volume), "EbsMetadata wrapped");

    lab.decrypt_fails.store(false, Ordering::Relaxed);
    lab.do_(&attach).await;
}

/// As on AWS: the answer is 200 and "creating", and then there is no such volume.
#[tokio::test]
async fn a_volume_whose_key_cannot_be_used_vanishes() {
    let lab = Lab::new();
    lab.kms.disable(&lab.key);
    let form = "CreateVolume&Size=1&AvailabilityZone=us-east-1a&Encrypted=true&KmsKeyId=$KEY";
    let answer = lab.do_(form).await;
    assert_eq!((field(&answer, "status"), field(&answer, "kmsKeyId")), ("creating".into(), lab.key.clone()));
    let volume = field(&answer, "volumeId");
    assert_eq!(lab.kms.operations(), ["GenerateDataKeyWithoutPlaintext"]);
    let gone = lab.ask(&format!("DescribeVolumes&VolumeId.1={volume}")).await.unwrap_err();
    assert!(gone.starts_with("InvalidVolume.NotFound"));
    assert_eq!(lab.sim.data_path(&volume), None);
    assert_eq!(lab.places(&volume), "");
}

#[tokio::test]
async fn stop_lets_go_of_the_keys_and_start_asks_for_them_again() {
    let lab = Lab::new();
    let (instance, volume) = (lab.instance().await, lab.encrypted_volume().await);
    lab.do_(&format!("AttachVolume&VolumeId={volume}&InstanceId={instance}&Device=/dev/sdf")).await;
    lab.do_(&format!("StopInstances&InstanceId.1={instance}")).await;
    assert_eq!(lab.places(&volume), "EbsMetadata wrapped");
    assert!(lab.kms.grants().iter().all(|grant| grant.retired));
    assert!(lab.do_("DescribeVolumes&Filter.1.Name=status&Filter.1.Value.1=in-use").await.contains(&volume));

    lab.kms.disable(&lab.key);
    lab.do_(&format!("StartInstances&InstanceId.1={instance}")).await;
    let described = lab.do_(&format!("DescribeInstances&InstanceId.1={instance}")).await;
    assert!(described.contains("<name>stopped</name>") && described.contains("Client.InvalidKMSKey.InvalidState"));
    assert_eq!(lab.places(&volume), "EbsMetadata wrapped");

    lab.kms.enable(&lab.key);
    lab.do_(&format!("StartInstances&InstanceId.1={instance}")).await;
    assert_eq!(lab.places(&volume), "EbsMetadata wrapped, HypervisorMemory plaintext");
    lab.do_(&format!("TerminateInstances&InstanceId.1={instance}")).await;
    assert_eq!(lab.places(&volume), "EbsMetadata wrapped");
    assert!(lab.kms.grants().iter().all(|grant| grant.retired));
    assert!(lab.do_("DescribeVolumes&Filter.1.Name=status&Filter.1.Value.1=available").await.contains(&volume));
}

#[tokio::test]
async fn a_root_volume_comes_and_goes_with_its_instance() {
    let lab = Lab::new();
    let instance = lab.instance().await;
    let on_it = format!("DescribeVolumes&Filter.1.Name=attachment.instance-id&Filter.1.Value.1={instance}");
    let root = lab.do_(&on_it).await;
    assert_eq!(
        (field(&root, "device"), field(&root, "size"), field(&root, "encrypted")),
        ("/dev/xvda".into(), "8".into(), "false".into())
    );
    let root = field(&root, "volumeId");
    let refused = lab.ask(&format!("DetachVolume&VolumeId={root}")).await.unwrap_err();
    assert!(refused.starts_with("OperationNotPermitted"), "{refused}");
    let file = lab.sim.data_path(&root).unwrap();
    assert!(file.exists() && lab.sim.instance_home(&instance).unwrap().is_dir());

    lab.do_(&format!("TerminateInstances&InstanceId.1={instance}")).await;
    assert!(!file.exists() && !lab.sim.instance_home(&instance).unwrap().exists());
    assert!(lab.do_(&format!("DescribeInstances&InstanceId.1={instance}")).await.contains("<name>terminated</name>"));
    lab.clock.advance(SignedDuration::from_mins(61));
    let gone = lab.ask(&format!("DescribeInstances&InstanceId.1={instance}")).await.unwrap_err();
    assert_eq!(gone, format!("InvalidInstanceID.NotFound: The instance ID '{instance}' does not exist"));
}

#[tokio::test]
async fn encryption_by_default_concerns_what_is_made_afterwards() {
    let lab = Lab::new();
    let create = "CreateVolume&Size=1&AvailabilityZone=us-east-1a";
    assert_eq!(field(&lab.do_(create).await, "encrypted"), "false");
    assert_eq!(field(&lab.do_("EnableEbsEncryptionByDefault").await, "ebsEncryptionByDefault"), "true");
    assert_eq!(field(&lab.do_("GetEbsDefaultKmsKeyId").await, "kmsKeyId"), "alias/aws/ebs");
    let managed = field(&lab.do_(create).await, "kmsKeyId");
    assert!(managed.starts_with("arn:aws:kms:us-east-1:000000000000:key/") && managed != lab.key);
    assert_eq!(field(&lab.do_("ModifyEbsDefaultKmsKeyId&KmsKeyId=$KEY").await, "kmsKeyId"), lab.key);
    assert_eq!(field(&lab.do_(create).await, "kmsKeyId"), lab.key);
    lab.do_("RunInstances&ImageId=ami-12345678&MinCount=1&MaxCount=1").await;
    assert_eq!(lab.kms.operations()[2..], ["GenerateDataKeyWithoutPlaintext", "CreateGrant", "Decrypt"]);
    assert_eq!(field(&lab.do_("ResetEbsDefaultKmsKeyId").await, "kmsKeyId"), "alias/aws/ebs");
    assert_eq!(field(&lab.do_("DisableEbsEncryptionByDefault").await, "ebsEncryptionByDefault"), "false");
    assert_eq!(field(&lab.do_("GetEbsEncryptionByDefault").await, "sseType"), "none");
    assert_eq!(field(&lab.do_(create).await, "encrypted"), "false");
}

#[tokio::test]
async fn a_launch_whose_key_cannot_be_used_ends_terminated() {
    let lab = Lab::new();
    lab.kms.disable(&lab.key);
    let form = "RunInstances&ImageId=ami-12345678&MinCount=1&MaxCount=1&BlockDeviceMapping.1.DeviceName=/dev/xvda\
                &BlockDeviceMapping.1.Ebs.Encrypted=true&BlockDeviceMapping.1.Ebs.KmsKeyId=$KEY";
    let answer = lab.do_(form).await;
    assert!(answer.contains("<name>pending</name>"));
    let described = lab.do_(&format!("DescribeInstances&InstanceId.1={}", field(&answer, "instanceId"))).await;
    assert!(described.contains("<name>terminated</name>") && described.contains("Client error on launch"));
    assert!(!lab.do_("DescribeVolumes").await.contains("vol-"));
}

/// The host comes back by itself: the users are not asked, the grants that exist are enough.
#[tokio::test]
async fn a_restart_resumes_attachments_through_their_grants() {
    let mut lab = Lab::new();
    let (instance, volume) = (lab.instance().await, lab.encrypted_volume().await);
    lab.do_(&format!("AttachVolume&VolumeId={volume}&InstanceId={instance}&Device=/dev/sdf")).await;
    lab.kms.forget_calls();
    lab.restart().await;
    assert_eq!(lab.kms.operations(), ["Decrypt"]);
    assert_eq!(lab.places(&volume), "EbsMetadata wrapped, HypervisorMemory plaintext");
    lab.do_(&format!("DetachVolume&VolumeId={volume}")).await;
    assert!(lab.kms.grants().iter().all(|grant| grant.retired));
}

#[tokio::test]
async fn a_restart_with_an_unusable_key_keeps_the_attachment_and_says_why_there_is_no_device() {
    let mut lab = Lab::new();
    let (instance, volume) = (lab.instance().await, lab.encrypted_volume().await);
    lab.do_(&format!("AttachVolume&VolumeId={volume}&InstanceId={instance}&Device=/dev/sdf")).await;
    lab.kms.disable(&lab.key);
    lab.restart().await;
    let reason = format!("the volume's key cannot be had: DisabledException: {} is disabled.", lab.key);
    assert_eq!(lab.sim.device_status(&volume), Some(reason.clone()));
    assert_eq!(lab.places(&volume), "EbsMetadata wrapped");
    let described = lab.do_(&format!("DescribeVolumes&VolumeId.1={volume}")).await;
    assert!(described.contains("<status>attached</status>") && described.contains("is disabled."));
    let status = lab.do_(&format!("DescribeVolumeStatus&VolumeId.1={volume}")).await;
    assert!(status.contains("<status>impaired</status>") && status.contains("is disabled."));
    let health = lab.sim.status();
    let device = health["devices"].as_array().unwrap().iter().find(|device| device["volume"] == *volume).unwrap();
    assert_eq!(device["reason"], *reason);

    lab.do_(&format!("DetachVolume&VolumeId={volume}")).await;
    assert!(lab.kms.grants().iter().all(|grant| grant.retired));
}

#[tokio::test]
async fn a_retry_with_the_same_token_makes_nothing_new() {
    let lab = Lab::new();
    let form = "CreateVolume&Size=1&AvailabilityZone=us-east-1a&ClientToken=abc";
    let first = field(&lab.do_(form).await, "volumeId");
    assert_eq!(field(&lab.do_(form).await, "volumeId"), first);
    let other = lab.ask("CreateVolume&Size=2&AvailabilityZone=us-east-1a&ClientToken=abc").await.unwrap_err();
    assert!(other.starts_with("IdempotentParameterMismatch"));
    let run = "RunInstances&ImageId=ami-12345678&MinCount=1&MaxCount=1&ClientToken=abc";
    let first = field(&lab.do_(run).await, "instanceId");
    assert_eq!(field(&lab.do_(run).await, "instanceId"), first);
}

#[tokio::test]
async fn a_custom_id_is_given_once() {
    let lab = Lab::new();
    let run = "RunInstances&ImageId=ami-12345678&MinCount=1&MaxCount=1&TagSpecification.1.ResourceType=instance\
               &TagSpecification.1.Tag.1.Key=_custom_id_&TagSpecification.1.Tag.1.Value=i-0123456789abcdef0";
    let answer = lab.do_(run).await;
    assert_eq!(field(&answer, "instanceId"), "i-0123456789abcdef0");
    assert!(!answer.contains("_custom_id_"));
    assert!(lab.ask(run).await.unwrap_err().contains("already in use"));
    let create = "CreateVolume&Size=1&AvailabilityZone=us-east-1a&TagSpecification.1.ResourceType=volume\
                  &TagSpecification.1.Tag.1.Key=_custom_id_&TagSpecification.1.Tag.1.Value=";
    assert_eq!(field(&lab.do_(&format!("{create}vol-0123456789abcdef0")).await, "volumeId"), "vol-0123456789abcdef0");
    assert!(lab.ask(&format!("{create}vol-0123456789abcdef0")).await.unwrap_err().contains("already in use"));
    assert_eq!(
        lab.ask(&format!("{create}vol-../../x")).await.unwrap_err(),
        "InvalidID: The ID 'vol-../../x' is not valid"
    );
}

#[tokio::test]
async fn of_many_attaches_at_once_one_wins_and_no_grant_is_left_over() {
    let lab = std::sync::Arc::new(Lab::new());
    let (instance, volume) = (lab.instance().await, lab.encrypted_volume().await);
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let lab = lab.clone();
            let letter = char::from(b'f' + n);
            let form = format!("AttachVolume&VolumeId={volume}&InstanceId={instance}&Device=/dev/sd{letter}");
            tokio::spawn(async move { lab.ask(&form).await })
        })
        .collect();
    let mut won = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => won += 1,
            Err(fault) => assert_eq!(fault, format!("VolumeInUse: {volume} is already attached to an instance")),
        }
    }
    assert_eq!((won, lab.kms.grants().len()), (1, 1));
}

/// A client that hangs up in the middle of a call does not leave half an attach behind.
#[tokio::test]
async fn a_call_runs_to_its_end_though_nobody_waits_for_it() {
    let lab = Lab::new();
    let (instance, volume) = (lab.instance().await, lab.encrypted_volume().await);
    let attach = format!("AttachVolume&VolumeId={volume}&InstanceId={instance}&Device=/dev/sdf");
    {
        let call = lab.ask(&attach);
        tokio::pin!(call);
        // Polled once, then dropped.
        assert!(futures_poll_once(&mut call).await.is_none());
    }
    for _ in 0..2000 {
        if lab.trail().last().is_some_and(|line| line == "AttachVolume") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert!(
        lab.do_("DescribeVolumes&Filter.1.Name=attachment.status&Filter.1.Value.1=attached").await.contains(&volume)
    );
}

async fn futures_poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| match std::pin::Pin::new(&mut *future).poll(context) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}

#[tokio::test]
async fn each_call_is_one_event_and_a_call_precedes_those_it_causes() {
    let lab = Lab::new();
    let (instance, volume) = (lab.instance().await, lab.encrypted_volume().await);
    lab.do_(&format!("AttachVolume&VolumeId={volume}&InstanceId={instance}&Device=/dev/sdf")).await;
    assert!(lab.ask("AttachVolume&VolumeId=vol-00000000").await.is_err());
    assert_eq!(lab.trail(), ["RunInstances", "CreateVolume", "AttachVolume", "AttachVolume Client.MissingParameter"]);
    let ordinals: Vec<_> = lab
        .sink
        .events()
        .iter()
        .map(|event| match event {
            Event::Api(call) => (call.ordinal, call.name.clone()),
            Event::KeyPlaced(placed) => (placed.ordinal, format!("{:?}", placed.place)),
            Event::KeyDropped(dropped) => (dropped.ordinal, format!("-{:?}", dropped.place)),
            Event::Service(event) => (event.ordinal, event.name.clone()),
        })
        .collect();
    let at = |name: &str| ordinals.iter().find(|(_, found)| found == name).unwrap().0;
    assert!(at("CreateVolume") < at("EbsMetadata") && at("AttachVolume") < at("HypervisorMemory"));
}

/// What CloudTrail will print of the two calls that matter most.
#[tokio::test]
async fn the_trail_has_the_words_of_ec2() {
    let lab = Lab::new();
    let (instance, volume) = (lab.instance().await, lab.encrypted_volume().await);
    lab.do_(&format!("AttachVolume&VolumeId={volume}&InstanceId={instance}&Device=/dev/sdf")).await;
    let shown = |name: &str| {
        let event = lab.sink.events().into_iter().find_map(|event| match event {
            Event::Api(call) if call.name == name => Some(call),
            _ => None,
        });
        let call = event.unwrap();
        let text = serde_json::to_string_pretty(&(call.request_parameters, call.response_elements)).unwrap();
        text.replace(&volume, "VOL").replace(&instance, "INST").replace(&lab.key, "KEY")
    };
    expect![[r#"
        [
          {
            "size": "1",
            "zone": "us-east-1a",
            "kmsKeyId": "KEY",
            "encrypted": true
          },
          {
            "requestId": "request",
            "volumeId": "VOL",
            "size": "1",
            "zone": "us-east-1a",
            "status": "creating",
            "createTime": 1768467600000,
            "volumeType": "gp2",
            "iops": 100,
            "encrypted": true,
            "masterEncryptionKeyId": "KEY",
            "tagSet": {},
            "multiAttachEnabled": false
          }
        ]"#]]
    .assert_eq(&shown("CreateVolume"));
    expect![[r#"
        [
          {
            "volumeId": "VOL",
            "instanceId": "INST",
            "device": "/dev/sdf",
            "deleteOnTermination": false
          },
          {
            "requestId": "request",
            "volumeId": "VOL",
            "instanceId": "INST",
            "device": "/dev/sdf",
            "status": "attaching",
            "attachTime": 1768467600000,
            "deleteOnTermination": false
          }
        ]"#]]
    .assert_eq(&shown("AttachVolume"));
}
