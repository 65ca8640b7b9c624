"""State: acknowledged means durable, one server keeps a folder, and a restart resumes what was attached."""

import os
import signal
import subprocess

import pytest
from support import People, Server, executable, wait_until
from test_ebs import device_of

CONTEXT = {"purpose": "test"}


@pytest.fixture
def server():
    """A server of this test's own, to be killed."""
    server = Server()
    yield server
    server.close()


def attach(people, **volume):
    """An instance and an attached volume: their ids."""
    ec2 = people.root("ec2")
    image = {"ImageId": "ami-0123456789abcdef0", "MinCount": 1, "MaxCount": 1}
    zone = {"AvailabilityZone": "us-east-1a"}
    host = ec2.run_instances(Placement=zone, **image)["Instances"][0]["InstanceId"]
    volume = ec2.create_volume(Size=1, Encrypted=True, **zone, **volume)["VolumeId"]
    ec2.attach_volume(VolumeId=volume, InstanceId=host, Device="/dev/sdf")
    return host, volume


def test_what_was_acknowledged_survives_a_crash(server):
    people = People(server)
    kms, s3 = people.root("kms"), people.root("s3")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName="alias/kept", TargetKeyId=key)
    blob = kms.encrypt(KeyId="alias/kept", Plaintext=b"secret", EncryptionContext=CONTEXT)["CiphertextBlob"]
    s3.create_bucket(Bucket="kept")
    large = os.urandom(300_000)
    s3.put_object(Bucket="kept", Key="small", Body=b"small", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    s3.put_object(Bucket="kept", Key="large", Body=large, ServerSideEncryption="aws:kms")
    user = people.user("kept", ["kms:Decrypt", "sts:*"])
    server.stop(signal.SIGKILL)
    server.start()
    kms, s3 = people.root("kms"), people.root("s3")
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"] == b"secret"
    assert s3.get_object(Bucket="kept", Key="small")["Body"].read() == b"small"
    assert s3.get_object(Bucket="kept", Key="large")["Body"].read() == large
    assert user("kms").decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"] == b"secret"


def test_records_are_durable_within_a_second(server):
    people = People(server)
    key = people.root("kms").create_key()["KeyMetadata"]["Arn"]
    trail = people.root("cloudtrail")

    def recorded():
        asked = {"AttributeKey": "EventName", "AttributeValue": "CreateKey"}
        return [event["EventId"] for event in trail.lookup_events(LookupAttributes=[asked])["Events"]]

    assert len(recorded()) == 1
    before = recorded()
    subprocess.run(["sleep", "1.2"], check=True)
    server.stop(signal.SIGKILL)
    server.start()
    trail = people.root("cloudtrail")
    assert recorded() == before
    why = server.control(f"/_sim/why/{before[0]}")
    assert why["decision"]["action"] == "kms:CreateKey", why
    assert people.root("kms").describe_key(KeyId=key)["KeyMetadata"]["Arn"] == key


def test_an_attached_volume_resumes_through_its_grant(server):
    people = People(server)
    key = people.root("kms").create_key()["KeyMetadata"]["KeyId"]
    _, volume = attach(people, KmsKeyId=key)
    with open(device_of(server, volume), "r+b", buffering=0) as device:
        device.write(b"kept".ljust(512, b"."))
        os.fsync(device.fileno())
    server.stop(signal.SIGKILL)
    server.start()
    with open(wait_until(lambda: device_of(server, volume)), "rb", buffering=0) as device:
        assert device.read(512) == b"kept".ljust(512, b".")
    events = [e for e in server.control("/_sim/events?format=json")["events"] if e["kind"] == "api"]
    assert [event["name"] for event in events] == ["Decrypt"], "no new grant: the host decrypts through the old one"
    assert len(people.root("kms").list_grants(KeyId=key)["Grants"]) == 1


def test_a_key_disabled_while_down_leaves_the_attachment_without_a_device(server):
    people = People(server)
    kms = people.root("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    _, volume = attach(people, KmsKeyId=key)
    kms.disable_key(KeyId=key)
    server.stop(signal.SIGKILL)
    server.start()
    [described] = people.root("ec2").describe_volumes(VolumeIds=[volume])["Volumes"]
    assert described["Attachments"][0]["State"] == "attached"
    [entry] = [device for device in server.control("/_sim/health")["ebs"]["devices"] if device["volume"] == volume]
    assert entry.get("path") is None
    reason = {tag["Key"]: tag["Value"] for tag in described["Tags"]}["sse-sim:device"]
    assert "DisabledException" in reason and entry["reason"] == reason
    events = server.control("/_sim/events?format=json")["events"]
    [decrypt] = [event for event in events if event["kind"] == "api" and event["name"] == "Decrypt"]
    assert decrypt["error"]["code"] == "DisabledException"
    people.root("ec2").detach_volume(VolumeId=volume)
    assert people.root("ec2").describe_volumes(VolumeIds=[volume])["Volumes"][0]["State"] == "available"


def test_one_server_keeps_a_folder(server):
    second = [executable(), "up", "--port", "0", "--state", server.state]
    ran = subprocess.run(second, capture_output=True, text=True, timeout=60)
    assert ran.returncode != 0
    assert "in use by another sse-sim" in ran.stderr and "--ephemeral" in ran.stderr


def test_nothing_stays_of_an_ephemeral_server():
    ran = subprocess.Popen([executable(), "up", "--port", "0", "--ephemeral"], stdout=subprocess.PIPE, text=True)
    lines = [ran.stdout.readline() for _ in range(2)]
    folder = lines[1].rsplit(" ", 1)[1].strip()
    assert os.path.isdir(folder)
    ran.send_signal(signal.SIGTERM)
    assert ran.wait(timeout=30) == 0
    ran.stdout.close()
    assert not os.path.exists(folder)


def test_a_server_that_refuses_unknown_keys_writes_down_its_first(monkeypatch):
    server = Server("--auth", "verify")
    file = os.path.join(server.state, "root.credentials")
    assert os.stat(file).st_mode & 0o777 == 0o600
    words = dict(line.split(" = ") for line in open(file).read().splitlines() if " = " in line)
    root = {"key": words["aws_access_key_id"], "secret": words["aws_secret_access_key"]}
    assert server.client("sts", **root).get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:root"
    server.stop()
    server.start()
    assert server.client("iam", **root).list_users()["Users"] == []
    server.close()


def test_device_files_asked_for_in_so_many_words_are_needed(tmp_path):
    flags = ["--port", "0", "--ephemeral", "--fuse", "off", "--mount", str(tmp_path / "mnt")]
    ran = subprocess.run([executable(), "up", *flags], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 3 and "device files" in ran.stderr
