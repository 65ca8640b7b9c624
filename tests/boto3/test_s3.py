"""S3 and its encryption: which key, who asks for it, what lies on the disk, what refusals say."""

import hashlib
import json
import os

import pytest

BODY = b"ledger of january, all of it in plain words"


@pytest.fixture
def bucket(s3, people):
    """A bucket of its own."""
    name = f"bucket-{people.account}"
    s3.create_bucket(Bucket=name)
    return name


def default(s3, bucket, algorithm, key=None):
    """Sets the bucket's default encryption."""
    by_default = {"SSEAlgorithm": algorithm, **({"KMSMasterKeyID": key} if key else {})}
    rules = [{"ApplyServerSideEncryptionByDefault": by_default}]
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})


def kms_calls(people):
    """KMS calls that S3 made for this account: name, context."""
    events = people.root("cloudtrail").lookup_events()["Events"]
    records = [json.loads(event["CloudTrailEvent"]) for event in reversed(events)]
    return [
        (record["eventName"], (record["requestParameters"] or {}).get("encryptionContext"))
        for record in records
        if record["userIdentity"].get("invokedBy") == "fas.s3.amazonaws.com"
    ]


def stored(server, bucket, key):
    """The bytes at rest."""
    import base64

    view = server.control(f"/_sim/disk?subject=object/{bucket}/{key}")
    inline = base64.b64decode(view["inline"]) if view["inline"] else b""
    return inline + b"".join(open(path, "rb").read() for path in view["files"])


def test_a_new_bucket_encrypts_with_keys_of_s3(s3, bucket, people):
    [rule] = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    put = s3.put_object(Bucket=bucket, Key="a", Body=BODY)
    assert put["ServerSideEncryption"] == "AES256" and "SSEKMSKeyId" not in put
    assert put["ETag"] == f'"{hashlib.md5(BODY).hexdigest()}"'
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == BODY
    assert kms_calls(people) == []


def test_the_buckets_default_key(s3, bucket, key, people):
    default(s3, bucket, "aws:kms", key["KeyId"])
    put = s3.put_object(Bucket=bucket, Key="a", Body=BODY)
    assert (put["ServerSideEncryption"], put["SSEKMSKeyId"]) == ("aws:kms", key["Arn"])
    assert put["ETag"] != f'"{hashlib.md5(BODY).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="a")
    assert (got["Body"].read(), got["SSEKMSKeyId"]) == (BODY, key["Arn"])
    context = {"aws:s3:arn": f"arn:aws:s3:::{bucket}/a"}
    assert kms_calls(people) == [("GenerateDataKey", context), ("Decrypt", context)]


def test_a_key_named_in_the_request_beats_the_default(s3, bucket, kms, key):
    other = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/board", TargetKeyId=other["KeyId"])
    default(s3, bucket, "aws:kms", key["KeyId"])
    for spelled in (other["KeyId"], other["Arn"], "alias/board"):
        put = s3.put_object(Bucket=bucket, Key="a", Body=BODY, ServerSideEncryption="aws:kms", SSEKMSKeyId=spelled)
        assert put["SSEKMSKeyId"] == other["Arn"]
    assert s3.put_object(Bucket=bucket, Key="b", Body=BODY, ServerSideEncryption="AES256")["ServerSideEncryption"] == "AES256"


def test_no_key_named_means_the_managed_key(s3, bucket, kms, key):
    default(s3, bucket, "aws:kms", key["KeyId"])
    put = s3.put_object(Bucket=bucket, Key="a", Body=BODY, ServerSideEncryption="aws:kms")
    managed = kms.describe_key(KeyId="alias/aws/s3")["KeyMetadata"]
    assert put["SSEKMSKeyId"] == managed["Arn"] != key["Arn"]
    assert managed["Description"] == "Default key that protects my S3 objects when no other key is defined"


def test_a_context_of_ones_own_is_merged_and_never_told(s3, bucket, key, people):
    import base64

    context = base64.b64encode(json.dumps({"ledger": "january"}).encode()).decode()
    request = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["KeyId"], "SSEKMSEncryptionContext": context}
    s3.put_object(Bucket=bucket, Key="a", Body=BODY, **request)
    got = s3.get_object(Bucket=bucket, Key="a")
    assert got["Body"].read() == BODY and "SSEKMSEncryptionContext" not in got
    merged = {"ledger": "january", "aws:s3:arn": f"arn:aws:s3:::{bucket}/a"}
    assert kms_calls(people) == [("GenerateDataKey", merged), ("Decrypt", merged)]


def test_a_disabled_key_stops_reading_and_writing(s3, bucket, kms, key, refused):
    default(s3, bucket, "aws:kms", key["KeyId"])
    s3.put_object(Bucket=bucket, Key="a", Body=BODY)
    kms.disable_key(KeyId=key["KeyId"])
    for call, request in ((s3.get_object, {}), (s3.put_object, {"Body": BODY})):
        error = refused("KMS.DisabledException", call, Bucket=bucket, Key="a", **request)
        assert error["Error"]["Message"] == f"{key['Arn']} is disabled."
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert s3.head_object(Bucket=bucket, Key="a")["SSEKMSKeyId"] == key["Arn"], "looking needs no key"
    kms.enable_key(KeyId=key["KeyId"])
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == BODY


def test_reading_needs_the_object_and_the_key(s3, bucket, key, people, refused):
    s3.put_object(Bucket=bucket, Key="a", Body=BODY, ServerSideEncryption="aws:kms", SSEKMSKeyId=key["KeyId"])
    s3.put_object(Bucket=bucket, Key="b", Body=BODY)
    reader = people.user("reader", ["s3:GetObject"])("s3")
    assert reader.get_object(Bucket=bucket, Key="b")["Body"].read() == BODY
    error = refused("AccessDenied", reader.get_object, Bucket=bucket, Key="a")
    assert "kms:Decrypt" in error["Error"]["Message"] and error["ResponseMetadata"]["HTTPStatusCode"] == 403
    keeper = people.user("keeper", ["kms:*"])("s3")
    refused("AccessDenied", keeper.get_object, Bucket=bucket, Key="b")


def test_unknown_keys_are_named_by_kms(s3, bucket, people, refused):
    request = {"Bucket": bucket, "Key": "a", "Body": BODY, "ServerSideEncryption": "aws:kms"}
    error = refused("KMS.NotFoundException", s3.put_object, SSEKMSKeyId="fake-key-id", **request)["Error"]
    assert error["Message"] == "Invalid keyId 'fake-key-id'"
    absent = "11111111-2222-4333-8444-555555555555"
    error = refused("KMS.NotFoundException", s3.put_object, SSEKMSKeyId=absent, **request)["Error"]
    assert error["Message"] == f"Key 'arn:aws:kms:us-east-1:{people.account}:key/{absent}' does not exist"


def test_headers_that_do_not_fit_together(s3, bucket, key, refused):
    request = {"Bucket": bucket, "Key": "a", "Body": BODY}
    refused("InvalidArgument", s3.put_object, SSEKMSKeyId=key["KeyId"], **request)
    refused("InvalidArgument", s3.put_object, ServerSideEncryption="aws:none", **request)
    bad = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["KeyId"], "SSEKMSEncryptionContext": "no base64"}
    refused("InvalidArgument", s3.put_object, **bad, **request)


def test_bytes_at_rest_are_ciphertext(server, s3, bucket):
    large = b"A" * 300_000
    s3.put_object(Bucket=bucket, Key="small", Body=BODY)
    s3.put_object(Bucket=bucket, Key="large", Body=large)
    assert BODY[:8] not in stored(server, bucket, "small")
    at_rest = stored(server, bucket, "large")
    assert b"AAAAAAAA" not in at_rest and 300_000 < len(at_rest) < 302_000


def test_a_flipped_bit_at_rest_is_noticed(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="large", Body=os.urandom(300_000))
    [path] = server.control(f"/_sim/disk?subject=object/{bucket}/large")["files"]
    with open(path, "r+b") as file:
        file.seek(200_000)
        byte = file.read(1)
        file.seek(200_000)
        file.write(bytes([byte[0] ^ 1]))
    with pytest.raises(Exception):  # noqa: B017 - the answer breaks off, or is an error
        s3.get_object(Bucket=bucket, Key="large")["Body"].read()
    head = s3.get_object(Bucket=bucket, Key="large", Range="bytes=0-99")
    assert len(head["Body"].read()) == 100, "segments before the damage still open"


@pytest.mark.parametrize("span", ["bytes=0-0", "bytes=65530-65550", "bytes=-7", "bytes=299990-", "bytes=131072-262143"])
def test_ranges(s3, bucket, span):
    body = os.urandom(300_000)
    s3.put_object(Bucket=bucket, Key="a", Body=body)
    first, last = span.removeprefix("bytes=").split("-")
    if not first:
        expected = body[-int(last) :]
    else:
        expected = body[int(first) : int(last) + 1 if last else None]
    got = s3.get_object(Bucket=bucket, Key="a", Range=span)
    assert got["Body"].read() == expected and got["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_an_impossible_range(s3, bucket, refused):
    s3.put_object(Bucket=bucket, Key="a", Body=BODY)
    refused("InvalidRange", s3.get_object, Bucket=bucket, Key="a", Range="bytes=1000-")


def test_multipart(s3, bucket, key, people):
    default(s3, bucket, "aws:kms", key["KeyId"])
    parts = [os.urandom(5 << 20), os.urandom(123_456)]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a")["UploadId"]
    etags = []
    for number, part in enumerate(parts, 1):
        answer = s3.upload_part(Bucket=bucket, Key="a", UploadId=upload, PartNumber=number, Body=part)
        etags.append({"PartNumber": number, "ETag": answer["ETag"]})
    done = s3.complete_multipart_upload(Bucket=bucket, Key="a", UploadId=upload, MultipartUpload={"Parts": etags})
    assert done["SSEKMSKeyId"] == key["Arn"] and done["ETag"].endswith('-2"')
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"".join(parts)
    assert kms_calls(people)[0][0] == "GenerateDataKey"


def test_copy_between_encryptions(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key="plain", Body=BODY)
    source = {"Bucket": bucket, "Key": "plain"}
    copy = s3.copy_object(Bucket=bucket, Key="kms", CopySource=source, ServerSideEncryption="aws:kms", SSEKMSKeyId=key["KeyId"])
    assert copy["SSEKMSKeyId"] == key["Arn"]
    back = s3.copy_object(Bucket=bucket, Key="back", CopySource={"Bucket": bucket, "Key": "kms"}, ServerSideEncryption="AES256")
    assert back["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(BODY).hexdigest()}"'
    assert s3.get_object(Bucket=bucket, Key="kms")["Body"].read() == BODY


def test_listing(s3, bucket):
    for name in ("a/1", "a/2", "b/1", "c", "ü/ 1"):
        s3.put_object(Bucket=bucket, Key=name, Body=b"")
    listed = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [item["Key"] for item in listed["Contents"]] == ["c"]
    assert [item["Prefix"] for item in listed["CommonPrefixes"]] == ["a/", "b/", "ü/"]
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    assert [item["Key"] for page in pages for item in page["Contents"]] == ["a/1", "a/2", "b/1", "c", "ü/ 1"]


def test_buckets(s3, people, refused):
    name = f"another-{people.account}"
    s3.create_bucket(Bucket=name)
    assert name in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    s3.put_object(Bucket=name, Key="a", Body=b"")
    refused("BucketNotEmpty", s3.delete_bucket, Bucket=name)
    s3.delete_object(Bucket=name, Key="a")
    s3.delete_bucket(Bucket=name)
    refused("NoSuchBucket", s3.list_objects_v2, Bucket=name)
    refused("NoSuchBucket", s3.get_object, Bucket=name, Key="a")


def test_encryption_settings(s3, bucket, refused):
    refused("InvalidArgument", default, s3=s3, bucket=bucket, algorithm="AES256", key="k")
    default(s3, bucket, "aws:kms")
    s3.delete_bucket_encryption(Bucket=bucket)
    [rule] = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_a_presigned_url_opens_without_credentials(s3, bucket):
    import urllib.request

    s3.put_object(Bucket=bucket, Key="a", Body=BODY)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a"}, ExpiresIn=60)
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert answer.read() == BODY


def test_a_wrong_digest_is_refused(s3, bucket, refused):
    refused("BadDigest", s3.put_object, Bucket=bucket, Key="a", Body=BODY, ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
    refused("NoSuchKey", s3.get_object, Bucket=bucket, Key="a")


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums_come_back(s3, bucket, algorithm):
    put = s3.put_object(Bucket=bucket, Key="a", Body=BODY, ChecksumAlgorithm=algorithm)
    name = f"Checksum{algorithm}"
    assert s3.head_object(Bucket=bucket, Key="a", ChecksumMode="ENABLED")[name] == put[name]


def test_a_bucket_default_of_the_servers_choice():
    from support import People, Server

    server = Server("--bucket-default", "aws:kms")
    try:
        people = People(server)
        s3 = people.root("s3")
        s3.create_bucket(Bucket="chosen")
        put = s3.put_object(Bucket="chosen", Key="a", Body=BODY)
        managed = people.root("kms").describe_key(KeyId="alias/aws/s3")["KeyMetadata"]["Arn"]
        assert (put["ServerSideEncryption"], put["SSEKMSKeyId"]) == ("aws:kms", managed)
    finally:
        server.close()


def test_a_crash_loses_no_object_that_was_acknowledged():
    import signal

    from support import People, Server

    server = Server()
    try:
        people = People(server)
        s3 = people.root("s3")
        s3.create_bucket(Bucket="safe")
        bodies = {f"k{n}": os.urandom(n * 20_000) for n in range(6)}
        for name, body in bodies.items():
            s3.put_object(Bucket="safe", Key=name, Body=body)
        server.stop(signal.SIGKILL)
        server.start()
        s3 = people.root("s3")
        for name, body in bodies.items():
            assert s3.get_object(Bucket="safe", Key=name)["Body"].read() == body
    finally:
        server.close()
