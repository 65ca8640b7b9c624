//! Snapshots and volumes from them, as EC2's callers, KMS, the trail and the ledger see it; and growth.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use expect_test::expect;
use support::{Lab, field, fuse_is_here, root_is_here};

const MIB: u64 = 1 << 20;

async fn outside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

async fn write(device: PathBuf, at: u64, data: Vec<u8>) {
    outside(move || {
        let file = OpenOptions::new().write(true).open(device).unwrap();
        file.write_all_at(&data, at).unwrap();
    })
    .await;
}

async fn read(device: PathBuf, at: u64, len: usize) -> Vec<u8> {
    outside(move || {
        let mut back = vec![0; len];
        File::open(device).unwrap().read_exact_at(&mut back, at).unwrap();
        back
    })
    .await
}

fn stored_at(file: PathBuf, at: u64, len: usize) -> Vec<u8> {
    let mut back = vec![0; len];
    File::open(file).unwrap().read_exact_at(&mut back, at).unwrap();
    back
}

async fn attach(lab: &Lab, volume: &str, instance: &str, device: &str) -> PathBuf {
    lab.do_(&format!("AttachVolume&VolumeId={volume}&InstanceId={instance}&Device={device}")).await;
    lab.sim.device_path(volume).unwrap()
}

async fn snapshot(lab: &Lab, volume: &str) -> String {
    let answer = lab.do_(&format!("CreateSnapshot&VolumeId={volume}&Description=of+{volume}")).await;
    assert_eq!(field(&answer, "status"), "pending");
    field(&answer, "snapshotId")
}

/// Waits until the snapshot is what it is going to be.
async fn outcome(lab: &Lab, snapshot: &str) -> String {
    for _ in 0..100 {
        let described = lab.do_(&format!("DescribeSnapshots&SnapshotId.1={snapshot}")).await;
        match field(&described, "status").as_str() {
            "pending" => {}
            _ => return described,
        }
    }
    panic!("{snapshot} stays pending");
}

async fn completed(lab: &Lab, volume: &str) -> String {
    let id = snapshot(lab, volume).await;
    let described = outcome(lab, &id).await;
    assert_eq!((field(&described, "status").as_str(), field(&described, "progress").as_str()), ("completed", "100%"));
    id
}

async fn restored(lab: &Lab, snapshot: &str, more: &str) -> String {
    let form = format!("CreateVolume&AvailabilityZone=us-east-1a&SnapshotId={snapshot}{more}");
    field(&lab.do_(&form).await, "volumeId")
}

/// Every file on the shelf.
fn chunks(lab: &Lab) -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.path().is_dir() {
                true => walk(&entry.path(), found),
                false => found.push(entry.file_name().to_string_lossy().into_owned()),
            }
        }
    }
    let mut found = Vec::new();
    walk(&lab.folder.path().join("state/chunks"), &mut found);
    found.sort();
    found
}

/// The whole walk: written, frozen, overwritten, restored; the same data key in a new wrapping, the same ciphertext.
#[tokio::test(flavor = "multi_thread")]
async fn a_volume_from_a_snapshot_is_what_the_volume_was() {
    if !fuse_is_here() {
        return;
    }
    let lab = Lab::with_fuse();
    let (instance, volume) = (lab.instance().await, lab.encrypted_volume().await);
    let device = attach(&lab, &volume, &instance, "/dev/sdf").await;
    write(device.clone(), 3 * MIB - 100, vec![b'S'; 1000]).await;
    let calls_before = lab.kms.operations().len();
    let snapshot = snapshot(&lab, &volume).await;
    write(device.clone(), 3 * MIB - 100, vec![b'X'; 1000]).await;
    let described = outcome(&lab, &snapshot).await;
    assert_eq!(lab.kms.operations().len(), calls_before, "a snapshot inherits its data key");
    assert_eq!(lab.places_of(&format!("snapshot/{snapshot}")), "EbsMetadata wrapped");
    for (name, value) in
        [("volumeId", volume.as_str()), ("volumeSize", "1"), ("encrypted", "true"), ("kmsKeyId", &lab.key)]
    {
        assert_eq!(field(&described, name), value);
    }
    assert_eq!(field(&described, "fullSnapshotSizeInBytes"), MIB.to_string());
    assert_eq!(field(&described, "description"), format!("of {volume}"));

    let again = restored(&lab, &snapshot, "").await;
    let calls = lab.kms.calls();
    let [rewrapped] = &calls[calls_before..] else { panic!("{calls:?}") };
    assert_eq!(rewrapped.operation, "ReEncrypt");
    assert_eq!(rewrapped.encryption_context["aws:ebs:id"], again);
    assert_eq!(rewrapped.context.via.clone().unwrap().invoked_by, "ec2-frontend-api.amazonaws.com");
    let shown = lab.do_(&format!("DescribeVolumes&VolumeId.1={again}")).await;
    assert_eq!((field(&shown, "snapshotId"), field(&shown, "size")), (snapshot.clone(), "1".into()));
    assert_ne!(lab.wrapped_key(&volume), lab.wrapped_key(&again));

    let restored = attach(&lab, &again, &instance, "/dev/sdg").await;
    let back = read(restored.clone(), 3 * MIB - 512, 2048).await;
    assert!(back[..412].iter().chain(&back[1412..]).all(|byte| *byte == 0));
    assert!(back[412..1412].iter().all(|byte| *byte == b'S'));
    // Each goes its own way.
    write(restored, 0, vec![b'R'; 512]).await;
    assert_eq!(read(device.clone(), 0, 512).await, vec![0; 512]);
    assert_eq!(read(device, 3 * MIB - 100, 1000).await, vec![b'X'; 1000]);
    let relative = completed(&lab, &again).await;
    let lineage = |described: &str| field(described, "dataEncryptionKeyId");
    let relatives = lab.do_(&format!("DescribeSnapshots&SnapshotId.1={relative}")).await;
    assert_eq!(lineage(&relatives), lineage(&described), "one data key, one lineage");
    assert_eq!(chunks(&lab).iter().filter(|file| file.starts_with(&relative)).count(), 1, "the rest is shared");
    lab.sim.shutdown().await;
}

/// Another key: a new data key, opened beside the old one for as long as the copy takes.
#[tokio::test(flavor = "multi_thread")]
async fn a_volume_under_another_key_is_sealed_anew() {
    if !fuse_is_here() {
        return;
    }
    let lab = Lab::with_fuse();
    let (instance, volume) = (lab.instance().await, lab.encrypted_volume().await);
    let device = attach(&lab, &volume, &instance, "/dev/sdf").await;
    write(device, MIB, vec![b'S'; 100_000]).await;
    let snapshot = completed(&lab, &volume).await;
    let other = lab.kms.create_key();
    lab.kms.alias("alias/other", &other);
    let calls_before = lab.kms.operations().len();
    let again = restored(&lab, &snapshot, "&Encrypted=true&KmsKeyId=alias/other").await;
    expect![
        "DescribeKey GenerateDataKeyWithoutPlaintext CreateGrant Decrypt RetireGrant CreateGrant Decrypt RetireGrant"
    ]
    .assert_eq(&lab.kms.operations()[calls_before..].join(" "));
    let contexts: Vec<_> = lab.kms.calls()[calls_before..]
        .iter()
        .filter(|call| call.operation == "Decrypt")
        .map(|call| call.encryption_context["aws:ebs:id"].clone())
        .collect();
    assert_eq!(contexts, [volume.clone(), again.clone()]);
    assert_eq!(lab.places(&again), "EbsMetadata wrapped", "the key of the copy does not stay");
    assert_eq!(lab.places_of(&format!("snapshot/{snapshot}")), "EbsMetadata wrapped");
    let shown = lab.do_(&format!("DescribeVolumes&VolumeId.1={again}")).await;
    assert_eq!(field(&shown, "kmsKeyId"), other);
    let device = attach(&lab, &again, &instance, "/dev/sdg").await;
    assert_eq!(read(device, MIB, 100_000).await, vec![b'S'; 100_000]);
    let stored = |volume: &str| stored_at(lab.sim.data_path(volume).unwrap(), MIB, 512);
    assert_ne!(stored(&volume), stored(&again));
    lab.sim.shutdown().await;
}

/// From plaintext to ciphertext, and never back.
#[tokio::test(flavor = "multi_thread")]
async fn encryption_can_be_added_and_not_taken_away() {
    if !fuse_is_here() {
        return;
    }
    let lab = Lab::with_fuse();
    let instance = lab.instance().await;
    let plain = field(&lab.do_("CreateVolume&Size=1&AvailabilityZone=us-east-1a").await, "volumeId");
    let device = attach(&lab, &plain, &instance, "/dev/sdf").await;
    write(device, MIB, b"TOP SECRET payroll".repeat(100)).await;
    let snapshot = completed(&lab, &plain).await;
    let described = lab.do_(&format!("DescribeSnapshots&SnapshotId.1={snapshot}")).await;
    assert!(field(&described, "encrypted") == "false" && !described.contains("dataEncryptionKeyId"));
    let stored = |volume: &str| stored_at(lab.sim.data_path(volume).unwrap(), MIB, 4096);
    let shows = |bytes: &[u8]| bytes.windows(10).any(|window| window == b"TOP SECRET");

    let copy = restored(&lab, &snapshot, "").await;
    assert!(shows(&stored(&copy)) && lab.places(&copy).is_empty());
    let calls_before = lab.kms.operations().len();
    let sealed = restored(&lab, &snapshot, "&Encrypted=true&KmsKeyId=$KEY").await;
    expect!["GenerateDataKeyWithoutPlaintext CreateGrant Decrypt RetireGrant"]
        .assert_eq(&lab.kms.operations()[calls_before..].join(" "));
    assert!(!shows(&stored(&sealed)));
    let device = attach(&lab, &sealed, &instance, "/dev/sdg").await;
    assert_eq!(read(device, MIB, 18).await, b"TOP SECRET payroll");

    let snapshot = completed(&lab, &sealed).await;
    let still = restored(&lab, &snapshot, "&Encrypted=false").await;
    assert_eq!(field(&lab.do_(&format!("DescribeVolumes&VolumeId.1={still}")).await, "encrypted"), "true");
    lab.sim.shutdown().await;
}

/// A key that cannot be used: the volume from the snapshot vanishes, and nothing of it stays.
#[tokio::test]
async fn without_the_key_a_snapshot_is_noise() {
    let lab = Lab::new();
    let volume = lab.encrypted_volume().await;
    let snapshot = completed(&lab, &volume).await;
    lab.kms.disable(&lab.key);
    let answer = lab.do_(&format!("CreateVolume&AvailabilityZone=us-east-1a&SnapshotId={snapshot}")).await;
    assert_eq!(field(&answer, "status"), "creating");
    let gone = lab.ask(&format!("DescribeVolumes&VolumeId.1={}", field(&answer, "volumeId"))).await.unwrap_err();
    assert!(gone.starts_with("InvalidVolume.NotFound"), "{gone}");
    lab.kms.enable(&lab.key);
    restored(&lab, &snapshot, "").await;
}

/// Incremental, and deletion in any order keeps what others need.
#[tokio::test(flavor = "multi_thread")]
async fn snapshots_share_chunks_and_outlive_each_other() {
    if !fuse_is_here() {
        return;
    }
    let lab = Lab::with_fuse();
    let (instance, volume) = (lab.instance().await, lab.encrypted_volume().await);
    let device = attach(&lab, &volume, &instance, "/dev/sdf").await;
    write(device.clone(), 0, vec![1; 4 << 20]).await;
    let first = completed(&lab, &volume).await;
    assert_eq!(chunks(&lab).len(), 8);
    write(device.clone(), MIB, vec![2; 512]).await;
    let second = completed(&lab, &volume).await;
    assert_eq!(chunks(&lab).len(), 9, "one chunk has changed");
    lab.do_(&format!("DeleteSnapshot&SnapshotId={first}")).await;
    assert!(lab.ask(&format!("DescribeSnapshots&SnapshotId.1={first}")).await.is_err());
    assert_eq!(lab.places_of(&format!("snapshot/{first}")), "");
    until(|| chunks(&lab).len() == 8).await;

    lab.do_(&format!("DetachVolume&VolumeId={volume}&Force=true")).await;
    lab.do_(&format!("DeleteVolume&VolumeId={volume}")).await;
    let again = restored(&lab, &second, "&Size=2").await;
    let device = attach(&lab, &again, &instance, "/dev/sdf").await;
    assert_eq!(device.metadata().unwrap().len(), 2 << 30);
    let mut expected = vec![1; 4 << 20];
    expected[1 << 20..][..512].fill(2);
    assert!(read(device, 0, 4 << 20).await == expected);
    lab.do_(&format!("DeleteSnapshot&SnapshotId={second}")).await;
    until(|| chunks(&lab).is_empty()).await;
    lab.sim.shutdown().await;
}

async fn until(true_: impl Fn() -> bool) {
    for _ in 0..1000 {
        if true_() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("it did not become true");
}

/// All volumes of an instance at once, with or without the first.
#[tokio::test]
async fn an_instance_is_snapshotted_as_a_whole() {
    let lab = Lab::new();
    let (instance, volume) = (lab.instance().await, lab.encrypted_volume().await);
    lab.do_(&format!("CreateTags&ResourceId.1={volume}&Tag.1.Key=team&Tag.1.Value=payroll")).await;
    lab.do_(&format!("AttachVolume&VolumeId={volume}&InstanceId={instance}&Device=/dev/sdf")).await;
    let form = format!("CreateSnapshots&InstanceSpecification.InstanceId={instance}&CopyTagsFromSource=volume");
    let all = lab.do_(&form).await;
    assert_eq!(all.matches("<snapshotId>").count(), 2);
    assert!(all.contains("<state>pending</state>") && all.contains("<value>payroll</value>"));
    let some = lab.do_(&format!("{form}&InstanceSpecification.ExcludeBootVolume=true")).await;
    assert_eq!((some.matches("<snapshotId>").count(), field(&some, "volumeId")), (1, volume.clone()));
    outcome(&lab, &field(&some, "snapshotId")).await;
    let found = lab.do_("DescribeSnapshots&Filter.1.Name=tag:team&Filter.1.Value.1=payroll&Owner.1=self").await;
    assert_eq!(found.matches("<snapshotId>").count(), 2);
    let none = lab.do_("DescribeSnapshots&Owner.1=amazon").await;
    assert_eq!(none.matches("<snapshotId>").count(), 0);
}

/// The process ends while a snapshot is pending. The next one finishes it, exactly.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_snapshot_goes_on_after_a_restart() {
    if !fuse_is_here() {
        return;
    }
    let mut lab = Lab::with_fuse();
    let (instance, volume) = (lab.instance().await, lab.encrypted_volume().await);
    let device = attach(&lab, &volume, &instance, "/dev/sdf").await;
    write(device.clone(), 0, vec![1; 8 << 20]).await;
    let interrupted = completed(&lab, &volume).await;
    write(device.clone(), 0, vec![2; 512 << 10]).await;
    lab.sim.shutdown().await;
    // As if it had died after chunk 0 was safe and its sector overwritten, and before anything else was.
    lab.unfinish(&interrupted);
    chunks(&lab).iter().filter(|file| !file.ends_with(".0")).for_each(|file| lab.lose_chunk(file));
    assert_eq!(chunks(&lab).len(), 1);
    lab.begin_again().await;
    let device = lab.sim.device_path(&volume).unwrap();
    write(device, 4 << 20, vec![3; 4096]).await;
    let described = outcome(&lab, &interrupted).await;
    assert_eq!(field(&described, "status"), "completed");
    let again = restored(&lab, &interrupted, "").await;
    let device = attach(&lab, &again, &instance, "/dev/sdg").await;
    let back = read(device, 0, 8 << 20).await;
    assert!(back[..512 << 10].iter().all(|byte| *byte == 1), "from the shelf");
    assert!(back[512 << 10..].iter().all(|byte| *byte == 1), "from the file, before it changed");
    lab.sim.shutdown().await;
}

/// A snapshot that a dead process had not made safe is an error, and says so; it can be deleted.
#[tokio::test]
async fn a_snapshot_that_was_not_safe_is_an_error() {
    let mut lab = Lab::new();
    let volume = lab.encrypted_volume().await;
    let lost = completed(&lab, &volume).await;
    lab.sim.shutdown().await;
    lab.unfinish_unsettled(&lost);
    lab.begin_again().await;
    let described = outcome(&lab, &lost).await;
    assert_eq!(field(&described, "status"), "error");
    assert_eq!(field(&described, "statusMessage"), "The snapshot was interrupted before its point in time was safe.");
    let refused = lab.ask(&format!("CreateVolume&AvailabilityZone=us-east-1a&SnapshotId={lost}")).await.unwrap_err();
    assert_eq!(refused, "IncorrectState: Snapshot is in invalid state - error");
    lab.do_(&format!("DeleteSnapshot&SnapshotId={lost}")).await;
}

/// A volume in use grows: its device file, the loop device on it, the file system on that.
#[tokio::test(flavor = "multi_thread")]
async fn a_volume_grows_under_its_user() {
    if !root_is_here() {
        return;
    }
    let lab = Lab::with_fuse();
    let (instance, volume) = (lab.instance().await, lab.encrypted_volume().await);
    let device = attach(&lab, &volume, &instance, "/dev/sdf").await;
    let mount = lab.folder.path().join("fs").display().to_string();
    let name = device.display().to_string();
    let loop_device = {
        let (mount, name) = (mount.clone(), name.clone());
        outside(move || {
            let loop_device = sh(&format!("losetup -f --show --direct-io=on {name}"));
            sh(&format!("mkfs.ext4 -q -F {loop_device} && mkdir -p {mount} && mount {loop_device} {mount}"));
            sh(&format!("echo small > {mount}/file && sync -f {mount}"));
            loop_device
        })
        .await
    };
    let answer = lab.do_(&format!("ModifyVolume&VolumeId={volume}&Size=2")).await;
    assert_eq!((field(&answer, "modificationState"), field(&answer, "targetSize")), ("modifying".into(), "2".into()));
    let shown = lab.do_(&format!("DescribeVolumesModifications&VolumeId.1={volume}")).await;
    assert_eq!((field(&shown, "modificationState"), field(&shown, "progress")), ("completed".into(), "100".into()));
    outside(move || {
        assert_eq!(std::fs::metadata(&name).unwrap().len(), 2 << 30);
        // The loop device takes the new size over while it is mounted. Growing ext4 in place asks for a capability that
        // containers lack, so that it is grown between two mounts.
        sh(&format!("losetup -c {loop_device}"));
        assert_eq!(sh(&format!("blockdev --getsize64 {loop_device}")), (2u64 << 30).to_string());
        sh(&format!("umount {mount} && e2fsck -fy {loop_device} && resize2fs {loop_device}"));
        sh(&format!("mount {loop_device} {mount} && fallocate -l 1200M {mount}/big && grep -q small {mount}/file"));
        sh(&format!("umount {mount} && fsck.ext4 -fn {loop_device} && losetup -d {loop_device}"));
    })
    .await;
    lab.sim.shutdown().await;
}

fn sh(line: &str) -> String {
    let output = Command::new("sh").args(["-ec", line]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// What does not fit.
#[tokio::test]
async fn refusals() {
    let lab = Lab::new();
    let volume = lab.encrypted_volume().await;
    let big = field(&lab.do_("CreateVolume&Size=4&AvailabilityZone=us-east-1a&VolumeType=gp3").await, "volumeId");
    let snapshot = completed(&lab, &big).await;
    let mut told = Vec::new();
    for form in [
        "CreateSnapshot".to_owned(),
        "CreateSnapshot&VolumeId=vol-0123456789abcdef0".into(),
        "DeleteSnapshot&SnapshotId=snap-0123456789abcdef0".into(),
        "DeleteSnapshot&SnapshotId=snap-x".into(),
        format!("CreateVolume&AvailabilityZone=us-east-1a&Size=1&SnapshotId={snapshot}"),
        "CreateSnapshots".into(),
        format!("ModifyVolume&VolumeId={big}"),
        format!("ModifyVolume&VolumeId={big}&Size=3"),
        format!("ModifyVolume&VolumeId={big}&Iops=1"),
        format!("ModifyVolume&VolumeId={volume}&Size=4&VolumeType=io2"),
        format!("DescribeVolumesModifications&VolumeId.1={volume}"),
    ] {
        let refusal = lab.ask(&form).await.unwrap_err();
        told.push(refusal.replace(&snapshot, "snap-1").replace(&volume, "vol-1"));
    }
    expect![[r#"
        MissingParameter: The request must contain the parameter volumeId
        InvalidVolume.NotFound: The volume 'vol-0123456789abcdef0' does not exist.
        InvalidSnapshot.NotFound: The snapshot 'snap-0123456789abcdef0' does not exist.
        InvalidSnapshotID.Malformed: Invalid id: "snap-x" (expecting "snap-...")
        InvalidParameterValue: Volume of size 1GB is smaller than snapshot 'snap-1', expect size >= 4GB
        MissingParameter: The request must contain the parameter instanceId
        MissingParameter: The request must contain the parameter size/volumeType/iops/throughput
        InvalidParameterValue: New size cannot be smaller than existing size
        InvalidParameterValue: Volume iops of 1 is too low for volume type gp3; minimum is 3000.
        MissingParameter: The request must contain the parameter iops
        InvalidVolumeModification.NotFound: Modification for volume 'vol-1' does not exist."#]]
    .assert_eq(&told.join("\n"));

    for size in 5..9 {
        lab.do_(&format!("ModifyVolume&VolumeId={big}&Size={size}")).await;
    }
    let fifth = lab.ask(&format!("ModifyVolume&VolumeId={big}&Size=9")).await.unwrap_err();
    assert!(fifth.starts_with("VolumeModificationRateExceeded"), "{fifth}");
    lab.clock.advance(aws_core::time::SignedDuration::from_hours(25));
    lab.do_(&format!("ModifyVolume&VolumeId={big}&Size=9&VolumeType=gp2")).await;
    let shown = lab.do_(&format!("DescribeVolumesModifications&VolumeId.1={big}")).await;
    assert_eq!((field(&shown, "originalIops"), field(&shown, "targetIops")), ("3000".into(), "100".into()));
}
