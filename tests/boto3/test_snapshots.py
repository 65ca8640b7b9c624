"""Snapshots in earnest: real keys, real devices, a server that is killed."""

import json
import os
import signal
import threading
import time

import pytest

from support import People, Server, wait_until

ZONE = "us-east-1a"
MIB = 1 << 20
CHUNK = 512 * 1024

needs_fuse = pytest.mark.skipif(
    os.geteuid() != 0 or not os.access("/dev/fuse", os.R_OK | os.W_OK), reason="needs /dev/fuse and root"
)


def launch(ec2):
    """A running instance in the zone of the tests."""
    request = {"ImageId": "ami-0123456789abcdef0", "MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro"}
    [instance] = ec2.run_instances(Placement={"AvailabilityZone": ZONE}, **request)["Instances"]
    return instance["InstanceId"]


@pytest.fixture
def instance(ec2):
    """An instance that goes with the test."""
    instance = launch(ec2)
    yield instance
    ec2.terminate_instances(InstanceIds=[instance])


@pytest.fixture
def volume(ec2, key):
    """An encrypted volume under the account's key."""
    return ec2.create_volume(AvailabilityZone=ZONE, Size=1, Encrypted=True, KmsKeyId=key["KeyId"])["VolumeId"]


def attach(server, ec2, volume, instance, device):
    """Attaches, and gives the device file."""
    ec2.attach_volume(VolumeId=volume, InstanceId=instance, Device="/dev/" + device)
    return os.path.join(mount_of(server), instance, "dev", device)


def mount_of(server):
    """Where devices appear, as the health page says."""
    return server.control("/_sim/health")["ebs"]["mountPoint"]


def write(path, at, data, sync=True):
    """Writes to a device file."""
    file = os.open(path, os.O_WRONLY)
    try:
        assert os.pwrite(file, data, at) == len(data)
        if sync:
            os.fsync(file)
    finally:
        os.close(file)


def read(path, at, length):
    """Reads from a device file."""
    with open(path, "rb", buffering=0) as file:
        file.seek(at)
        data = b""
        while len(data) < length and (piece := file.read(length - len(data))):
            data += piece
        return data


def completed(ec2, volume):
    """A new snapshot, when it is whole."""
    snapshot = ec2.create_snapshot(VolumeId=volume, Description="a test")["SnapshotId"]
    ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[snapshot], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    return snapshot


@needs_fuse
def test_a_snapshot_is_the_volume_of_that_moment(server, people, ec2, key, volume, instance):
    device = attach(server, ec2, volume, instance, "sdf")
    write(device, MIB, b"before" * 1000)
    made = ec2.create_snapshot(VolumeId=volume)
    write(device, MIB, b"after " * 1000)
    assert (made["State"], made["Encrypted"], made["VolumeSize"]) == ("pending", True, 1)
    ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[made["SnapshotId"]])
    [seen] = ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    assert (seen["State"], seen["Progress"], seen["KmsKeyId"]) == ("completed", "100%", key["Arn"])

    again = ec2.create_volume(AvailabilityZone=ZONE, SnapshotId=made["SnapshotId"])
    assert (again["Encrypted"], again["KmsKeyId"], again["SnapshotId"]) == (True, key["Arn"], made["SnapshotId"])
    assert read(attach(server, ec2, again["VolumeId"], instance, "sdg"), MIB, 6000) == b"before" * 1000
    assert read(device, MIB, 6000) == b"after " * 1000


def test_a_volume_from_a_snapshot_is_rewrapped_in_the_callers_name(people, ec2, key, volume):
    snapshot = completed(ec2, volume)
    again = ec2.create_volume(AvailabilityZone=ZONE, SnapshotId=snapshot)["VolumeId"]
    events = people.root("cloudtrail").lookup_events()["Events"]
    records = {event["EventName"]: json.loads(event["CloudTrailEvent"]) for event in events}
    rewrapped = records["ReEncrypt"]
    assert rewrapped["userIdentity"]["invokedBy"] == rewrapped["sourceIPAddress"] == "ec2-frontend-api.amazonaws.com"
    parameters = rewrapped["requestParameters"]
    assert parameters["sourceEncryptionContext"] == {"aws:ebs:id": volume}
    assert parameters["destinationEncryptionContext"] == {"aws:ebs:id": again}
    assert records["CreateSnapshot"]["responseElements"]["snapshotId"] == snapshot


@needs_fuse
def test_another_key_and_encryption_afterwards(server, ec2, kms, key, instance):
    plain = ec2.create_volume(AvailabilityZone=ZONE, Size=1)["VolumeId"]
    write(attach(server, ec2, plain, instance, "sdf"), 5 * MIB, b"payroll" * 10_000)
    snapshot = completed(ec2, plain)
    request = {"AvailabilityZone": ZONE, "Encrypted": True}
    sealed = ec2.create_volume(SnapshotId=snapshot, KmsKeyId=key["KeyId"], **request)["VolumeId"]
    assert read(attach(server, ec2, sealed, instance, "sdg"), 5 * MIB, 70_000) == b"payroll" * 10_000
    other = kms.create_key()["KeyMetadata"]
    again = ec2.create_volume(SnapshotId=completed(ec2, sealed), KmsKeyId=other["Arn"], **request)
    assert again["KmsKeyId"] == other["Arn"]
    assert read(attach(server, ec2, again["VolumeId"], instance, "sdh"), 5 * MIB, 70_000) == b"payroll" * 10_000
    grants = kms.list_grants(KeyId=key["KeyId"])["Grants"] + kms.list_grants(KeyId=other["KeyId"])["Grants"]
    assert len(grants) == 2, "one per attachment; those of the copies have ended"


def test_without_re_encrypt_no_volume_comes_from_a_snapshot(people, ec2, volume, refused):
    snapshot = completed(ec2, volume)
    actions = ["ec2:*", "kms:Decrypt", "kms:CreateGrant", "kms:GenerateDataKeyWithoutPlaintext", "kms:DescribeKey"]
    user = people.user("almost", actions)("ec2")
    vanished = user.create_volume(AvailabilityZone=ZONE, SnapshotId=snapshot)["VolumeId"]
    refused("InvalidVolume.NotFound", ec2.describe_volumes, VolumeIds=[vanished])
    user = people.user("enough", [*actions, "kms:ReEncrypt*"])("ec2")
    made = user.create_volume(AvailabilityZone=ZONE, SnapshotId=snapshot)["VolumeId"]
    assert ec2.describe_volumes(VolumeIds=[made])["Volumes"][0]["State"] == "available"


def test_a_volume_grows_and_says_so(ec2, volume, refused):
    answer = ec2.modify_volume(VolumeId=volume, Size=3, VolumeType="gp3")["VolumeModification"]
    assert (answer["ModificationState"], answer["OriginalSize"], answer["TargetSize"]) == ("modifying", 1, 3)
    [seen] = ec2.describe_volumes_modifications(VolumeIds=[volume])["VolumesModifications"]
    assert (seen["ModificationState"], seen["Progress"], seen["TargetVolumeType"]) == ("completed", 100, "gp3")
    [seen] = ec2.describe_volumes(VolumeIds=[volume])["Volumes"]
    assert (seen["Size"], seen["VolumeType"], seen["Iops"]) == (3, "gp3", 3000)
    refused("InvalidParameterValue", ec2.modify_volume, VolumeId=volume, Size=2)


def counters(data):
    """The counter at the start of each chunk."""
    return [int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data), CHUNK)]


class Counting:
    """Counts up in every chunk of a device, one after the other, as fast as it can, until it is stopped or cut off."""

    def __init__(self, device, chunks):
        self.device, self.chunks = device, chunks
        self.stopping = threading.Event()
        self.count = 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        """One round after the other."""
        try:
            file = os.open(self.device, os.O_WRONLY)
            while not self.stopping.is_set():
                for chunk in range(self.chunks):
                    os.pwrite(file, (self.count + 1).to_bytes(8, "little") * 64, chunk * CHUNK)
                self.count += 1
            os.close(file)
        except OSError:
            pass

    def stop(self):
        """Waits for the end of the round."""
        self.stopping.set()
        self.thread.join()


def is_one_moment(data):
    """Counters fall along the chunks, by one at most."""
    counts = counters(data)
    return counts == sorted(counts, reverse=True) and counts[0] - counts[-1] <= 1


@needs_fuse
def test_snapshots_under_load_are_each_one_moment(server, ec2, volume, instance):
    device = attach(server, ec2, volume, instance, "sdf")
    writer = Counting(device, 16)
    snapshots = []
    for _ in range(4):
        seen = writer.count
        wait_until(lambda: writer.count > seen)
        snapshots.append((writer.count, ec2.create_snapshot(VolumeId=volume)["SnapshotId"], writer.count))
    ids = [snapshot for _, snapshot, _ in snapshots]
    ec2.get_waiter("snapshot_completed").wait(SnapshotIds=ids, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    writer.stop()
    for before, snapshot, after in snapshots:
        restored = ec2.create_volume(AvailabilityZone=ZONE, SnapshotId=snapshot)["VolumeId"]
        data = read(attach(server, ec2, restored, instance, "sdg"), 0, 16 * CHUNK)
        assert is_one_moment(data) and before <= counters(data)[0] <= after + 1
        ec2.detach_volume(VolumeId=restored, Force=True)


@needs_fuse
def test_a_killed_server_leaves_snapshots_exact_or_none():
    server = Server()
    try:
        people = People(server)
        ec2, kms = people.root("ec2"), people.root("kms")
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        volume = ec2.create_volume(AvailabilityZone=ZONE, Size=1, Encrypted=True, KmsKeyId=key)["VolumeId"]
        instance = launch(ec2)
        device = attach(server, ec2, volume, instance, "sdf")
        states = []
        for round_ in range(6):
            writer = Counting(device, 24)
            wait_until(lambda: writer.count > 0)
            snapshot = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
            time.sleep(0.012 * round_)
            server.stop(signal.SIGKILL)
            writer.stop()
            server.start()
            ec2 = People.root(people, "ec2")
            device = wait_until(lambda: os.path.exists(path := os.path.join(mount_of(server), instance, "dev/sdf")) and path)

            def ended():
                [seen] = ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"]
                return seen["State"] != "pending" and seen["State"]

            states.append(wait_until(ended))
            if states[-1] == "completed":
                restored = ec2.create_volume(AvailabilityZone=ZONE, SnapshotId=snapshot)["VolumeId"]
                assert is_one_moment(read(attach(server, ec2, restored, instance, "sdg"), 0, 24 * CHUNK))
                ec2.detach_volume(VolumeId=restored, Force=True)
            ec2.delete_snapshot(SnapshotId=snapshot)
        assert set(states) <= {"completed", "error"} and "completed" in states, states
    finally:
        server.close()
