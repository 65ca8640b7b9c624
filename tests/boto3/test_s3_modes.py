"""Every encryption mode of S3 through boto3: what each operation takes, answers, and asks of KMS."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError

from support import ROOT, People, Server, executable

BODY = b"ledger of february, all of it in plain words"
CUSTOMER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32}
OTHER = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"o" * 32}
COPY_CUSTOMER = {f"CopySource{name}": value for name, value in CUSTOMER.items()}

# mode: how it is asked for, what every answer shows, what PUT and GET ask of KMS, and with whose ARN
MODES = {
    "default": ({}, {"ServerSideEncryption": "AES256"}, [], None),
    "SSE-S3": ({"ServerSideEncryption": "AES256"}, {"ServerSideEncryption": "AES256"}, [], None),
    "SSE-KMS": (
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "KEY"},
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "ARN"},
        ["GenerateDataKey", "Decrypt"],
        "object",
    ),
    "bucket key": (
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "KEY", "BucketKeyEnabled": True},
        {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "ARN", "BucketKeyEnabled": True},
        ["GenerateDataKey"],
        "bucket",
    ),
    "DSSE-KMS": (
        {"ServerSideEncryption": "aws:kms:dsse", "SSEKMSKeyId": "KEY"},
        {"ServerSideEncryption": "aws:kms:dsse", "SSEKMSKeyId": "ARN"},
        ["GenerateDataKey", "Decrypt"],
        "object",
    ),
    "SSE-C": (CUSTOMER, {"SSECustomerAlgorithm": "AES256"}, [], None),
}
SHOWN = ["ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled", "SSECustomerAlgorithm"]
every_mode = pytest.mark.parametrize("mode", MODES)


@pytest.fixture(scope="module")
def server():
    """A server of the year in which buckets still took SSE-C."""
    server = Server("--profile", "aws-2023")
    yield server
    server.close()


@pytest.fixture
def bucket(s3, people):
    """A bucket of its own."""
    name = f"modes-{people.account}"
    s3.create_bucket(Bucket=name)
    return name


def asked(mode, key):
    """The request's encryption members."""
    return {name: key["KeyId"] if value == "KEY" else value for name, value in MODES[mode][0].items()}


def reading(mode):
    """What has to come with each reading."""
    return CUSTOMER if mode == "SSE-C" else {}


def shown(answer):
    """The answer's encryption members."""
    return {name: answer[name] for name in SHOWN if name in answer}


def expected(mode, key):
    """What answers are to show."""
    return {name: key["Arn"] if value == "ARN" else value for name, value in MODES[mode][1].items()}


def kms_calls(people):
    """KMS calls that S3 made for this account: name, and the ARN in the context."""
    events = people.root("cloudtrail").lookup_events()["Events"]
    records = [json.loads(event["CloudTrailEvent"]) for event in reversed(events)]
    return [
        (record["eventName"], record["requestParameters"].get("encryptionContext", {}).get("aws:s3:arn"))
        for record in records
        if record["userIdentity"].get("invokedBy") == "fas.s3.amazonaws.com"
    ]


@every_mode
@pytest.mark.parametrize("size", [len(BODY), 200_000])
def test_put_get_head(s3, bucket, key, people, mode, size):
    body = (BODY * (size // len(BODY) + 1))[:size]
    put = s3.put_object(Bucket=bucket, Key="a", Body=body, **asked(mode, key))
    got = s3.get_object(Bucket=bucket, Key="a", **reading(mode))
    head = s3.head_object(Bucket=bucket, Key="a", **reading(mode))
    assert got["Body"].read() == body
    assert shown(put) == shown(got) == shown(head) == expected(mode, key)
    assert (put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"') == (mode in ("default", "SSE-S3"))
    names, whose = MODES[mode][2:]
    arn = f"arn:aws:s3:::{bucket}" + ("/a" if whose == "object" else "")
    assert kms_calls(people) == [(name, arn) for name in names], "HEAD asks for nothing"


@every_mode
def test_ranges(s3, bucket, key, mode):
    body = os.urandom(200_000)
    s3.put_object(Bucket=bucket, Key="a", Body=body, **asked(mode, key))
    for first, last in ((0, 0), (65_530, 65_550), (131_072, 199_999)):
        got = s3.get_object(Bucket=bucket, Key="a", Range=f"bytes={first}-{last}", **reading(mode))
        assert got["Body"].read() == body[first : last + 1]


@every_mode
def test_checksums(s3, bucket, key, mode):
    put = s3.put_object(Bucket=bucket, Key="a", Body=BODY, ChecksumAlgorithm="SHA256", **asked(mode, key))
    head = s3.head_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED", **reading(mode))
    assert head["ChecksumSHA256"] == put["ChecksumSHA256"]


@every_mode
@pytest.mark.parametrize("to", MODES)
def test_copy(s3, bucket, key, mode, to):
    s3.put_object(Bucket=bucket, Key="from", Body=BODY, **asked(mode, key))
    source = COPY_CUSTOMER if mode == "SSE-C" else {}
    copied = s3.copy_object(Bucket=bucket, Key="to", CopySource=f"{bucket}/from", **asked(to, key), **source)
    got = s3.get_object(Bucket=bucket, Key="to", **reading(to))
    assert got["Body"].read() == BODY and shown(copied) == shown(got) == expected(to, key)


@every_mode
def test_multipart(s3, bucket, key, people, mode):
    body = os.urandom(5 << 20)
    s3.put_object(Bucket=bucket, Key="source", Body=b"tail " * 100, **CUSTOMER)
    upload = {"Bucket": bucket, "Key": "a"}
    created = s3.create_multipart_upload(**upload, **asked(mode, key))
    upload["UploadId"] = created["UploadId"]
    one = s3.upload_part(PartNumber=1, Body=body, **upload, **reading(mode))
    two = s3.upload_part_copy(PartNumber=2, CopySource=f"{bucket}/source", **upload, **reading(mode), **COPY_CUSTOMER)
    assert shown(created) == shown(one) == shown(two) == expected(mode, key)
    parts = [{"PartNumber": 1, "ETag": one["ETag"]}, {"PartNumber": 2, "ETag": two["CopyPartResult"]["ETag"]}]
    done = s3.complete_multipart_upload(MultipartUpload={"Parts": parts}, **upload)
    assert "SSECustomerAlgorithm" not in done and done.get("BucketKeyEnabled") == expected(mode, key).get("BucketKeyEnabled")
    assert s3.get_object(Bucket=bucket, Key="a", **reading(mode))["Body"].read() == body + b"tail " * 100
    if mode == "bucket key":
        assert [name for name, _ in kms_calls(people)] == ["GenerateDataKey"]


# boto3's transfer manager has no argument for bucket keys.
@pytest.mark.parametrize("mode", [mode for mode in MODES if mode != "bucket key"])
def test_the_transfer_manager(s3, bucket, key, mode, tmp_path):
    from boto3.s3.transfer import TransferConfig

    path = tmp_path / "body"
    path.write_bytes(os.urandom(12 << 20))
    config = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    s3.upload_file(str(path), bucket, "a", ExtraArgs=asked(mode, key), Config=config)
    s3.download_file(bucket, "a", str(tmp_path / "back"), ExtraArgs=reading(mode), Config=config)
    assert (tmp_path / "back").read_bytes() == path.read_bytes()


@every_mode
@pytest.mark.parametrize("with_bucket_key", [False, True])
def test_update_object_encryption(s3, bucket, kms, key, refused, mode, with_bucket_key):
    s3.put_object(Bucket=bucket, Key="a", Body=BODY * 5000, **asked(mode, key))
    before = s3.head_object(Bucket=bucket, Key="a", **reading(mode))
    new = kms.create_key()["KeyMetadata"]["Arn"]
    wanted = {"SSEKMS": {"KMSKeyArn": new, "BucketKeyEnabled": with_bucket_key}}
    if mode in ("DSSE-KMS", "SSE-C"):
        refused("InvalidRequest", s3.update_object_encryption, Bucket=bucket, Key="a", ObjectEncryption=wanted)
        return
    s3.update_object_encryption(Bucket=bucket, Key="a", ObjectEncryption=wanted)
    got = s3.get_object(Bucket=bucket, Key="a")
    assert got["Body"].read() == BODY * 5000
    assert (got["SSEKMSKeyId"], got.get("BucketKeyEnabled", False)) == (new, with_bucket_key)
    assert (got["ETag"], got["LastModified"]) == (before["ETag"], before["LastModified"])


# operation, its customer key, the refusal: what stands is SSE-C under CUSTOMER at "c", and SSE-S3 at "p"
CUSTOMER_REFUSALS = {
    "no key": ("get", "c", {}, 400, "InvalidRequest", "stored using a form of Server Side Encryption"),
    "wrong key": ("get", "c", OTHER, 403, "AccessDenied", "must provide the correct secret key"),
    "not applicable": ("get", "p", CUSTOMER, 400, "InvalidRequest", "not applicable to this object"),
    "wrong algorithm": (
        "put", "x", {**CUSTOMER, "SSECustomerAlgorithm": "AES192"},
        400, "InvalidEncryptionAlgorithmError", "Supported value: AES256",
    ),
    "short key": ("put", "x", {**CUSTOMER, "SSECustomerKey": b"k" * 16}, 400, "InvalidArgument", "was invalid for the specified"),
    "wrong MD5": (
        "put", "x",
        # With an MD5 of one's own boto3 sends the key as it is.
        {**CUSTOMER, "SSECustomerKey": "a2tr" * 10 + "a2s=", "SSECustomerKeyMD5": "AAAAAAAAAAAAAAAAAAAAAA=="},
        400, "InvalidArgument", "did not match the hash that was provided",
    ),
    "with SSE-S3": ("put", "x", {**CUSTOMER, "ServerSideEncryption": "AES256"}, 400, "InvalidArgument", "incompatible with"),
    "copy without": ("copy", "c", {}, 400, "InvalidRequest", "stored using a form of Server Side Encryption"),
}


@pytest.mark.parametrize("case", CUSTOMER_REFUSALS)
def test_customer_keys_are_refused_in_awss_words(s3, bucket, case):
    operation, name, members, status, code, words = CUSTOMER_REFUSALS[case]
    s3.put_object(Bucket=bucket, Key="c", Body=BODY, **CUSTOMER)
    s3.put_object(Bucket=bucket, Key="p", Body=BODY)
    calls = {
        "get": lambda: s3.get_object(Bucket=bucket, Key=name, **members),
        "put": lambda: s3.put_object(Bucket=bucket, Key=name, Body=BODY, **members),
        "copy": lambda: s3.copy_object(Bucket=bucket, Key="x", CopySource=f"{bucket}/{name}", **members),
    }
    with pytest.raises(ClientError) as caught:
        calls[operation]()
    error = caught.value.response
    assert (error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"]) == (status, code)
    assert words in error["Error"]["Message"]
    if code in ("InvalidArgument", "InvalidEncryptionAlgorithmError"):
        assert error["Error"]["ArgumentName"] == "x-amz-server-side-encryption"


def test_heads_refusals_are_bare(s3, bucket):
    s3.put_object(Bucket=bucket, Key="c", Body=BODY, **CUSTOMER)
    for members, status in (({}, "400"), (OTHER, "403")):
        with pytest.raises(ClientError) as caught:
            s3.head_object(Bucket=bucket, Key="c", **members)
        assert caught.value.response["Error"]["Code"] == status


def test_a_part_must_bring_the_uploads_key(s3, bucket, refused):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a", **CUSTOMER)["UploadId"]
    part = {"Bucket": bucket, "Key": "a", "UploadId": upload, "PartNumber": 1, "Body": BODY}
    assert "initiate requested encryption" in refused("InvalidRequest", s3.upload_part, **part)["Error"]["Message"]
    assert "did not match the ones" in refused("InvalidRequest", s3.upload_part, **part, **OTHER)["Error"]["Message"]


def test_a_bucket_blocks_customer_keys_when_told_to(s3, bucket, refused):
    def block(kind):
        rule = {"BlockedEncryptionTypes": {"EncryptionType": [kind]}}
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})

    block("SSE-C")
    error = refused("AccessDenied", s3.put_object, Bucket=bucket, Key="a", Body=BODY, **CUSTOMER)["Error"]
    assert "because this bucket has blocked upload requests" in error["Message"]
    refused("AccessDenied", s3.create_multipart_upload, Bucket=bucket, Key="a", **CUSTOMER)
    block("NONE")
    s3.put_object(Bucket=bucket, Key="a", Body=BODY, **CUSTOMER)


def test_new_buckets_of_2026_block_customer_keys():
    server = Server()
    try:
        s3 = People(server).root("s3")
        s3.create_bucket(Bucket="of-2026")
        [rule] = s3.get_bucket_encryption(Bucket="of-2026")["ServerSideEncryptionConfiguration"]["Rules"]
        assert rule["BlockedEncryptionTypes"] == {"EncryptionType": ["SSE-C"]}
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.put_object(Bucket="of-2026", Key="a", Body=BODY, **CUSTOMER)
    finally:
        server.close()


@pytest.fixture
def with_bucket_key(s3, bucket, key):
    """The bucket, with a default of SSE-KMS and a bucket key."""
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key["Arn"]},
        "BucketKeyEnabled": True,
    }
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return bucket


def test_a_bucket_key_saves_calls_and_outlives_its_kms_key(server, s3, kms, key, with_bucket_key, people, refused):
    bucket = with_bucket_key
    for n in range(20):
        assert s3.put_object(Bucket=bucket, Key=str(n), Body=BODY)["BucketKeyEnabled"]
    assert kms_calls(people) == [("GenerateDataKey", f"arn:aws:s3:::{bucket}")]
    subject = lambda: server.control("/_sim/keys")["subjects"][f"bucket-key/{bucket}"]  # noqa: E731
    assert subject()["s3.memory"]["form"] == "plaintext"
    status = server.control("/_sim/health")["s3"]["bucketKeys"]
    assert status["lifetimeSeconds"] == 300
    assert [held["keyArn"] for held in status["held"] if held["bucket"] == bucket] == [key["Arn"]]

    reader = people.user("reader", ["s3:GetObject"])("s3")
    refused("AccessDenied", reader.get_object, Bucket=bucket, Key="0")  # what root holds is root's

    kms.disable_key(KeyId=key["KeyId"])
    assert s3.get_object(Bucket=bucket, Key="0")["Body"].read() == BODY
    server.control("/_sim/clock", {"advance": "6m"})
    assert "s3.memory" not in subject() and "s3.metadata" in subject()
    refused("KMS.DisabledException", s3.get_object, Bucket=bucket, Key="0")
    kms.enable_key(KeyId=key["KeyId"])
    assert s3.get_object(Bucket=bucket, Key="0")["Body"].read() == BODY


def test_a_restart_forgets_plaintext_and_keeps_the_wrapped_key():
    server = Server("--bucket-default", "aws:kms")
    try:
        people = People(server)
        s3 = people.root("s3")
        s3.create_bucket(Bucket="restarted")
        s3.put_object(Bucket="restarted", Key="a", Body=BODY, ServerSideEncryption="aws:kms", BucketKeyEnabled=True)
        server.stop()
        server.start()
        s3 = people.root("s3")
        assert "s3.memory" not in server.control("/_sim/keys")["subjects"]["bucket-key/restarted"]
        assert s3.get_object(Bucket="restarted", Key="a")["Body"].read() == BODY
    finally:
        server.close()


def test_dsse_lies_on_the_disk_twice_sealed(server, s3, bucket, key):
    body = b"A" * 200_000
    sizes = {}
    for mode in ("SSE-KMS", "DSSE-KMS"):
        s3.put_object(Bucket=bucket, Key=mode, Body=body, **asked(mode, key))
        [path] = server.control(f"/_sim/disk?subject=object/{bucket}/{mode}")["files"]
        at_rest = open(path, "rb").read()
        assert b"AAAAAAAA" not in at_rest
        sizes[mode] = len(at_rest)
    header, tag, segment = 96, 16, 65_536
    once = header + len(body) + 4 * tag
    assert sizes == {"SSE-KMS": once, "DSSE-KMS": header + once + -(-once // segment) * tag}


@pytest.mark.parametrize("mode", ["SSE-KMS", "bucket key", "SSE-C", "re-wrapped"])
@pytest.mark.parametrize("size", [len(BODY), 200_000])
def test_the_reader_in_the_docs_opens_what_is_stored(server, s3, bucket, key, people, mode, size):
    body = os.urandom(size)
    s3.put_object(Bucket=bucket, Key="a b", Body=body, **({} if mode == "re-wrapped" else asked(mode, key)))
    if mode == "re-wrapped":
        wanted = {"SSEKMS": {"KMSKeyArn": key["Arn"]}}
        s3.update_object_encryption(Bucket=bucket, Key="a b", ObjectEncryption=wanted)
    secret = [CUSTOMER["SSECustomerKey"].hex()] if mode == "SSE-C" else []
    credentials = {"AWS_ACCESS_KEY_ID": people.account, "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": people.region}
    path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    command = [sys.executable, str(ROOT / "docs" / "read_object.py"), f"s3://{bucket}/a b", *secret]
    environment = {**os.environ, **credentials, "AWS_ENDPOINT_URL": server.endpoint, "PATH": path}
    assert subprocess.run(command, check=True, capture_output=True, env=environment).stdout == body


@every_mode
def test_inspect_shows_the_stored_form(server, s3, bucket, key, mode):
    s3.put_object(Bucket=bucket, Key="a", Body=BODY, **asked(mode, key))
    command = [executable(), "object", "inspect", f"s3://{bucket}/a", "--endpoint", server.endpoint]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "magic              SEA1" in told and "who can unwrap it" in told
    assert (key["Arn"] in told) == ("SSEKMSKeyId" in expected(mode, key))
    assert ("bucket key         (" in told) == (mode == "bucket key")
    missing = subprocess.run([*command[:3], f"s3://{bucket}/none", *command[4:]], capture_output=True, text=True)
    assert missing.returncode == 1 and "there is no object" in missing.stderr


@every_mode
def test_presigned_urls(server, s3, bucket, key, people, mode):
    """A client without credentials sends the headers that were signed; version 2 has no part in KMS."""

    def send(url, method, headers, body=None):
        headers = {**headers, **({"content-type": "text/plain"} if body else {})}
        request = urllib.request.Request(url, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def sent(members):
        md5 = base64.b64encode(hashlib.md5(CUSTOMER["SSECustomerKey"]).digest()).decode()
        names = {
            "ServerSideEncryption": ("", str),
            "SSEKMSKeyId": ("-aws-kms-key-id", str),
            "BucketKeyEnabled": ("-bucket-key-enabled", lambda on: str(on).lower()),
            "SSECustomerAlgorithm": ("-customer-algorithm", str),
            "SSECustomerKey": ("-customer-key", lambda key: base64.b64encode(key).decode()),
        }
        headers = {"x-amz-server-side-encryption" + names[n][0]: names[n][1](value) for n, value in members.items()}
        if "SSECustomerKey" in members:
            headers["x-amz-server-side-encryption-customer-key-MD5"] = md5
        return headers

    typed = {"ContentType": "text/plain"}

    signer = people.user("signer", ["s3:*", "kms:*"])
    four = signer("s3", signature_version="s3v4")
    for client in (four, signer("s3", signature_version="s3")):
        needs_four = client is not four and "SSEKMSKeyId" in expected(mode, key)
        where = {"Bucket": bucket, "Key": "a"}
        url = client.generate_presigned_url("put_object", Params={**where, **asked(mode, key), **typed})
        status, told = send(url, "PUT", sent(asked(mode, key)), BODY)
        assert status == (400 if needs_four else 200), told
        if needs_four:
            assert b"require AWS Signature Version 4" in told and b"<ArgumentName>Authorization</ArgumentName>" in told
        url = client.generate_presigned_url("get_object", Params={**where, **reading(mode)})
        status, told = send(url, "GET", sent(reading(mode)))
        assert (status, told) == (200, BODY) if not needs_four else status == 400
    url = four.generate_presigned_url("put_object", Params={**where, **typed})
    if asked(mode, key):
        status, told = send(url, "PUT", sent(asked(mode, key)), BODY)
        assert status == 403 and b"HeadersNotSigned" in told, "what was not signed is not taken"
