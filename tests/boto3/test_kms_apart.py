"""KMS in another process: callers keep their identity between two of ours; elsewhere calls are the process's own."""

import json
import os

import pytest
from botocore.exceptions import ClientError
from support import People, Server
from test_ebs import device_of
from test_state import attach


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A KMS process and a storage process that share a secret."""
    secret = tmp_path_factory.mktemp("secret") / "shared"
    secret.write_text(os.urandom(32).hex())
    keys = Server("--services", "kms,iam,sts,cloudtrail", "--kms-secret", str(secret))
    storage = Server("--services", "ec2,ebs,s3", "--kms", keys.endpoint, "--kms-secret", str(secret))
    yield keys, storage
    storage.close()
    keys.close()


def events(server, since=0):
    """The API calls that a server has seen."""
    seen = server.control(f"/_sim/events?format=json&since={since}")["events"]
    return [event for event in seen if event["kind"] == "api"]


def client_of(user, server, service):
    """The same user's client on another server."""
    return server.client(service, key=user.key, secret=user.secret)


EBS_USER = ["ec2:*", "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext"]


def test_a_volume_gets_its_key_from_the_other_process(pair):
    keys, storage = pair
    people = People(keys)
    key = people.root("kms").create_key()["KeyMetadata"]
    user = people.user("student", EBS_USER)
    ec2 = client_of(user, storage, "ec2")
    zone = {"AvailabilityZone": "us-east-1a"}
    image = {"ImageId": "ami-0123456789abcdef0", "MinCount": 1, "MaxCount": 1}
    host = ec2.run_instances(Placement=zone, **image)["Instances"][0]["InstanceId"]
    volume = ec2.create_volume(Size=1, Encrypted=True, KmsKeyId=key["Arn"], **zone)["VolumeId"]
    ec2.attach_volume(VolumeId=volume, InstanceId=host, Device="/dev/sdf")
    with open(device_of(storage, volume), "r+b", buffering=0) as device:
        device.write(b"x" * 4096)
    [grant] = people.root("kms").list_grants(KeyId=key["KeyId"])["Grants"]
    assert grant["GranteePrincipal"].endswith(f"assumed-role/aws:ec2-infrastructure/{host}")
    ours = [event for event in events(keys) if event["context"]["caller"]["principal"].get("User", {}).get("account") == people.account]
    via = [(event["name"], (event["context"]["via"] or {}).get("invokedBy") or (event["context"]["via"] or {}).get("invoked_by")) for event in ours]
    assert ("GenerateDataKeyWithoutPlaintext", "ec2-frontend-api.amazonaws.com") in via
    assert ("CreateGrant", "ec2-frontend-api.amazonaws.com") in via
    ec2.detach_volume(VolumeId=volume)
    assert people.root("kms").list_grants(KeyId=key["KeyId"])["Grants"] == []


def test_policies_decide_as_in_one_process(pair):
    keys, storage = pair
    people = People(keys)
    key = people.root("kms").create_key()["KeyMetadata"]
    allowed = client_of(people.user("allowed", ["s3:*", "kms:GenerateDataKey", "kms:Decrypt"]), storage, "s3")
    without_key = client_of(people.user("without-key", ["s3:*"]), storage, "s3")
    without_s3 = client_of(people.user("without-s3", ["kms:*"]), storage, "s3")
    allowed.create_bucket(Bucket="apart")
    put = {"Bucket": "apart", "Key": "k", "Body": b"b", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["Arn"]}
    allowed.put_object(**put)
    assert allowed.get_object(Bucket="apart", Key="k")["Body"].read() == b"b"
    for client, action in ((without_key, "kms:Decrypt"), (without_s3, "s3:GetObject")):
        with pytest.raises(ClientError) as refused:
            client.get_object(Bucket="apart", Key="k")
        assert refused.value.response["Error"]["Code"] == "AccessDenied"
        assert action in refused.value.response["Error"]["Message"]
    record = people.root("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "GenerateDataKey"}]
    )["Events"][0]
    detail = json.loads(record["CloudTrailEvent"])
    assert detail["userIdentity"]["userName"] == "allowed"
    assert detail["userIdentity"]["invokedBy"] == "fas.s3.amazonaws.com"
    assert detail["requestParameters"]["encryptionContext"] == {"aws:s3:arn": "arn:aws:s3:::apart/k"}


def test_a_wrong_signature_is_refused_where_the_user_is_not_known(pair):
    keys, storage = pair
    people = People(keys)
    user = people.user("real", ["s3:*"])
    forged = storage.client("s3", key=user.key, secret="not the secret")
    with pytest.raises(ClientError) as refused:
        forged.list_buckets()
    assert refused.value.response["Error"]["Code"] == "SignatureDoesNotMatch"


def test_without_the_kms_process_nobody_gets_in(tmp_path):
    secret = tmp_path / "shared"
    secret.write_text(os.urandom(32).hex())
    keys = Server("--services", "kms,iam,sts", "--kms-secret", str(secret))
    storage = Server("--services", "s3", "--kms", keys.endpoint, "--kms-secret", str(secret))
    user = People(keys).user("real", ["s3:*"])
    assert client_of(user, storage, "s3").list_buckets()["Buckets"] == []
    keys.stop()
    for key, word in ((user.key, user.secret), ("000000000000", "x")):
        with pytest.raises(ClientError) as refused:
            storage.client("s3", key=key, secret=word).list_buckets()
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    storage.close()
    keys.own.cleanup()


def test_another_secret_opens_nothing(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text(os.urandom(32).hex())
    other.write_text(os.urandom(32).hex())
    keys = Server("--services", "kms,iam,sts", "--kms-secret", str(one))
    storage = Server("--services", "s3", "--kms", keys.endpoint, "--kms-secret", str(other))
    with pytest.raises(ClientError) as refused:
        storage.client("s3").list_buckets()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    storage.close()
    keys.close()


def test_a_second_house_in_verify_mode_is_another_s_kms(tmp_path):
    """Without a shared secret the other sse-sim is like AWS: calls are signed with the process's own key."""
    theirs = Server()
    people = People(theirs)
    key = people.root("kms").create_key()["KeyMetadata"]
    process = people.user("storage", ["kms:*"])
    theirs.stop()
    theirs.flags.append("--auth=verify")
    theirs.start()
    own = {"AWS_ACCESS_KEY_ID": process.key, "AWS_SECRET_ACCESS_KEY": process.secret, "AWS_DEFAULT_REGION": "us-east-1"}
    storage = Server("--services", "ec2,ebs,iam,sts", "--kms", theirs.endpoint, env=own)
    _, volume = attach(People(storage), KmsKeyId=key["Arn"])
    assert device_of(storage, volume)
    [grant] = process_client(theirs, process).list_grants(KeyId=key["KeyId"])["Grants"]
    me = f"arn:aws:iam::{people.account}:user/storage"
    assert (grant["GranteePrincipal"], grant["RetiringPrincipal"]) == (me, me)
    storage.close()
    theirs.close()


def process_client(server, user):
    """KMS as the storage process itself."""
    return server.client("kms", key=user.key, secret=user.secret)
