"""EBS and the EC2 calls around it: who asks KMS for what, and when a volume is refused."""

import json
import os

import pytest

ZONE = "us-east-1a"


@pytest.fixture
def instance(ec2):
    """A running instance in the zone of the tests."""
    request = {"ImageId": "ami-0123456789abcdef0", "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro"}
    [instance] = ec2.run_instances(Placement={"AvailabilityZone": ZONE}, **request)["Instances"]
    yield instance["InstanceId"]
    ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])


@pytest.fixture
def volume(ec2, key):
    """An encrypted volume under the account's key."""
    return ec2.create_volume(AvailabilityZone=ZONE, Size=1, Encrypted=True, KmsKeyId=key["KeyId"])["VolumeId"]


def calls(server, people, since):
    """Names, callers and parameters of the account's calls since a place in the stream."""
    events = server.control(f"/_sim/events?format=json&since={since}")["events"]
    api = [event for event in events if event["kind"] == "api"]
    mine = [call for call in api if people.account in json.dumps(call["context"]["caller"])]
    return [(call["name"], (call.get("error") or {}).get("code")) for call in mine]


def position(server):
    return server.control("/_sim/events?format=json&since=0")["next"]


def test_a_volume_is_created_under_its_key(server, people, ec2, key):
    since = position(server)
    made = ec2.create_volume(AvailabilityZone=ZONE, Size=1, Encrypted=True, KmsKeyId=key["KeyId"])
    assert (made["Encrypted"], made["KmsKeyId"], made["Size"], made["State"]) == (True, key["Arn"], 1, "creating")
    assert calls(server, people, since) == [("CreateVolume", None), ("GenerateDataKeyWithoutPlaintext", None)]
    [seen] = ec2.describe_volumes(VolumeIds=[made["VolumeId"]])["Volumes"]
    assert (seen["State"], seen["KmsKeyId"], seen["Attachments"]) == ("available", key["Arn"], [])


def test_an_attachment_is_a_grant_and_a_decrypt(server, people, ec2, kms, key, volume, instance):
    since = position(server)
    attached = ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
    assert attached["State"] in ("attaching", "attached") and attached["Device"] == "/dev/sdf"
    assert calls(server, people, since) == [("AttachVolume", None), ("CreateGrant", None), ("Decrypt", None)]
    [grant] = kms.list_grants(KeyId=key["KeyId"])["Grants"]
    assert grant["Operations"] == ["Decrypt"]
    assert grant["Constraints"] == {"EncryptionContextSubset": {"aws:ebs:id": volume}}
    assert grant["GranteePrincipal"].endswith(f":assumed-role/aws:ec2-infrastructure/{instance}")
    [seen] = ec2.describe_volumes(VolumeIds=[volume])["Volumes"]
    assert (seen["State"], seen["Attachments"][0]["State"]) == ("in-use", "attached")


def test_the_records_of_an_attachment(people, ec2, volume, instance):
    ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
    events = people.root("cloudtrail").lookup_events()["Events"]
    records = {event["EventName"]: json.loads(event["CloudTrailEvent"]) for event in events}
    grant, decrypt = records["CreateGrant"], records["Decrypt"]
    assert grant["userIdentity"]["invokedBy"] == grant["sourceIPAddress"] == "ec2-frontend-api.amazonaws.com"
    assert grant["requestParameters"]["retiringPrincipal"] == "ec2.us-east-1.amazonaws.com"
    assert decrypt["requestID"] == grant["requestID"]
    assert decrypt["userIdentity"]["invokedBy"] == "AWS Internal"
    scope = decrypt["userIdentity"]["inScopeOf"]
    assert scope["credentialsIssuedTo"] == f"arn:aws:ec2:us-east-1:{people.account}:instance/{instance}"
    assert decrypt["requestParameters"]["encryptionContext"] == {"aws:ebs:id": volume}


def test_detaching_wipes_the_key_and_retires_the_grant(server, ec2, kms, key, volume, instance):
    def places():
        return {place: standing["form"] for place, standing in server.control("/_sim/keys")["subjects"][f"volume/{volume}"].items()}

    wrapped = {"ebs.metadata": {"wrapped": {"by": key["Arn"]}}}
    assert places() == wrapped
    ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
    assert places() == {**wrapped, "hypervisor.memory": "plaintext"}
    ec2.detach_volume(VolumeId=volume)
    assert places() == wrapped
    assert kms.list_grants(KeyId=key["KeyId"])["Grants"] == []


def test_a_disabled_key_refuses_the_next_attachment(server, people, ec2, kms, key, volume, instance, refused):
    kms.disable_key(KeyId=key["KeyId"])
    since = position(server)
    request = {"VolumeId": volume, "InstanceId": instance, "Device": "/dev/sdf"}
    error = refused("CustomerKeyHasBeenRevoked", ec2.attach_volume, **request)["Error"]
    assert error["Message"] == (
        f"Volume {volume} cannot be attached. The encrypted volume was unable to access the KMS key."
    )
    assert calls(server, people, since) == [
        ("AttachVolume", "Client.CustomerKeyHasBeenRevoked"),
        ("CreateGrant", "DisabledException"),
    ]
    kms.enable_key(KeyId=key["KeyId"])
    ec2.attach_volume(**request)


def test_a_volume_under_a_disabled_key_vanishes(ec2, kms, key, refused):
    kms.disable_key(KeyId=key["KeyId"])
    made = ec2.create_volume(AvailabilityZone=ZONE, Size=1, Encrypted=True, KmsKeyId=key["KeyId"])
    assert made["State"] == "creating"
    refused("InvalidVolume.NotFound", ec2.describe_volumes, VolumeIds=[made["VolumeId"]])


def test_without_create_grant_a_volume_is_made_but_not_attached(people, ec2, key, instance, refused):
    actions = ["ec2:*", "kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey"]
    user = people.user("almost", actions)("ec2")
    volume = user.create_volume(AvailabilityZone=ZONE, Size=1, Encrypted=True, KmsKeyId=key["KeyId"])["VolumeId"]
    user.describe_volumes(VolumeIds=[volume])
    request = {"VolumeId": volume, "InstanceId": instance, "Device": "/dev/sdf"}
    refused("CustomerKeyHasBeenRevoked", user.attach_volume, **request)


def test_encryption_by_default_brings_the_managed_key_into_being(people, refused):
    ec2, kms = people.root("ec2"), people.root("kms")
    assert ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"] is False
    ec2.enable_ebs_encryption_by_default()
    made = ec2.create_volume(AvailabilityZone=ZONE, Size=1)
    assert made["Encrypted"] is True
    managed = kms.describe_key(KeyId="alias/aws/ebs")["KeyMetadata"]
    assert (managed["KeyManager"], managed["Arn"]) == ("AWS", made["KmsKeyId"])
    ec2.disable_ebs_encryption_by_default()
    assert ec2.create_volume(AvailabilityZone=ZONE, Size=1)["Encrypted"] is False


def test_the_default_key_can_be_chosen(ec2, key):
    assert ec2.modify_ebs_default_kms_key_id(KmsKeyId=key["KeyId"])["KmsKeyId"] == key["Arn"]
    assert ec2.create_volume(AvailabilityZone=ZONE, Size=1, Encrypted=True)["KmsKeyId"] == key["Arn"]
    assert ec2.reset_ebs_default_kms_key_id()["KmsKeyId"] != key["Arn"]


@pytest.mark.parametrize(
    "code, call, request_",
    [
        ("InvalidParameterDependency", "create_volume", {"AvailabilityZone": ZONE, "Size": 1, "KmsKeyId": "k"}),
        ("MissingParameter", "create_volume", {"AvailabilityZone": ZONE}),
        ("InvalidVolume.NotFound", "delete_volume", {"VolumeId": "vol-0123456789abcdef0"}),
        ("InvalidVolume.NotFound", "describe_volumes", {"VolumeIds": ["vol-0123456789abcdef0"]}),
        ("InvalidInstanceID.NotFound", "terminate_instances", {"InstanceIds": ["i-0123456789abcdef0"]}),
        ("DryRunOperation", "create_volume", {"AvailabilityZone": ZONE, "Size": 1, "DryRun": True}),
    ],
)
def test_bad_requests(ec2, refused, code, call, request_):
    refused(code, getattr(ec2, call), **request_)


def test_attachments_that_cannot_be(ec2, volume, instance, refused):
    other = ec2.create_volume(AvailabilityZone="us-east-1b", Size=1)["VolumeId"]
    request = {"InstanceId": instance, "Device": "/dev/sdf"}
    refused("InvalidVolume.ZoneMismatch", ec2.attach_volume, VolumeId=other, **request)
    ec2.attach_volume(VolumeId=volume, **request)
    second = ec2.create_volume(AvailabilityZone=ZONE, Size=1)["VolumeId"]
    refused("InvalidParameterValue", ec2.attach_volume, VolumeId=second, **request)
    refused("VolumeInUse", ec2.attach_volume, VolumeId=volume, InstanceId=instance, Device="/dev/sdg")
    refused("VolumeInUse", ec2.delete_volume, VolumeId=volume)


def test_waiters_of_boto3_are_satisfied_at_once(ec2, volume, instance):
    ec2.get_waiter("volume_available").wait(VolumeIds=[volume])
    ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
    ec2.get_waiter("volume_in_use").wait(VolumeIds=[volume])
    ec2.detach_volume(VolumeId=volume)
    ec2.delete_volume(VolumeId=volume)
    ec2.get_waiter("volume_deleted").wait(VolumeIds=[volume])


def device_of(server, volume):
    """The device file of an attached volume, or skips the test where there is none."""
    status = server.control("/_sim/health")["ebs"]
    entry = next(device for device in status["devices"] if device["volume"] == volume)
    if not entry.get("path"):
        pytest.skip("no device files here: " + json.dumps(status.get("fuse")))
    return entry["path"]


def test_what_is_written_to_the_device_is_ciphertext_on_the_disk(server, ec2, volume, instance):
    ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
    path = device_of(server, volume)
    assert os.path.getsize(path) == 1 << 30
    text = b"TOP SECRET payroll ".ljust(4096, b".")
    with open(path, "r+b", buffering=0) as device:
        device.seek(1 << 20)
        device.write(text)
        os.fsync(device.fileno())
        device.seek(1 << 20)
        assert device.read(4096) == text
        device.seek(3 << 20)
        assert device.read(4096) == bytes(4096), "never written, so zeros"
    [data] = server.control(f"/_sim/disk?subject=volume/{volume}")["files"]
    with open(data, "rb") as file:
        file.seek(1 << 20)
        stored = file.read(4096)
    assert b"TOP SECRET" not in stored and len(set(stored)) > 200
    assert stored[512:1024] != stored[1024:1536], "equal sectors look different"


def test_io_goes_on_when_the_key_is_disabled(server, ec2, kms, key, volume, instance):
    ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/sdf")
    with open(device_of(server, volume), "r+b", buffering=0) as device:
        device.write(b"before".ljust(512))
        kms.disable_key(KeyId=key["KeyId"])
        device.write(b"after".ljust(512))
        device.seek(0)
        assert device.read(1024) == b"before".ljust(512) + b"after".ljust(512)


def test_an_attached_volume_survives_a_crash_of_the_server():
    import signal
    import subprocess
    import tempfile

    from support import People, Server

    mount = tempfile.mkdtemp(prefix="sse-sim-crash-")
    server = Server("--mount", mount)
    try:
        people = People(server)
        ec2, kms = people.root("ec2"), people.root("kms")
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        request = {"ImageId": "ami-0123456789abcdef0", "MinCount": 1, "MaxCount": 1}
        host = ec2.run_instances(Placement={"AvailabilityZone": ZONE}, **request)["Instances"][0]["InstanceId"]
        volume = ec2.create_volume(AvailabilityZone=ZONE, Size=1, Encrypted=True, KmsKeyId=key)["VolumeId"]
        ec2.attach_volume(VolumeId=volume, InstanceId=host, Device="/dev/sdf")
        path = device_of(server, volume)
        with open(path, "r+b", buffering=0) as device:
            device.write(b"kept".ljust(512))
            os.fsync(device.fileno())
        server.stop(signal.SIGKILL)
        server.start()
        assert people.root("ec2").describe_volumes(VolumeIds=[volume])["Volumes"][0]["State"] == "in-use"
        with open(path, "rb") as device:
            assert device.read(4) == b"kept"
        [grant] = people.root("kms").list_grants(KeyId=key)["Grants"]
        assert grant["GranteePrincipal"].endswith(host), "the attachment came back through the grant it had"
    finally:
        server.close()
        subprocess.run(["umount", "-l", mount], capture_output=True, check=False)
        os.rmdir(mount)
