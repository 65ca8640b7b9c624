"""S3 beyond encryption: who may, what is kept, and what clients ask for besides objects."""

import hashlib
import json
import urllib.error
import urllib.request

import pytest

from support import People, Server, wait_until

BODY = b"minutes of the meeting"


@pytest.fixture
def bucket(s3, people):
    """A bucket of its own."""
    name = f"more-{people.account}"
    s3.create_bucket(Bucket=name)
    return name


@pytest.fixture
def versioned(s3, bucket):
    """The same, versioned."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return bucket


def set_policy(s3, bucket, *statements):
    """Sets a bucket policy."""
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}))


def allow(principal, action, bucket, **more):
    """An Allow on the bucket and what is in it."""
    resource = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    return {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource, **more}


def test_a_user_of_another_account_needs_both_words(server, s3, bucket, refused):
    s3.put_object(Bucket=bucket, Key="a", Body=BODY)
    guests = People(server)
    reader, stranger = guests.user("reader"), guests.user("stranger", actions="s3:ListAllMyBuckets")
    refused("AccessDenied", reader("s3").get_object, Bucket=bucket, Key="a")
    set_policy(s3, bucket, allow({"AWS": guests.account}, ["s3:GetObject"], bucket))
    assert reader("s3").get_object(Bucket=bucket, Key="a")["Body"].read() == BODY
    error = refused("AccessDenied", stranger("s3").get_object, Bucket=bucket, Key="a")
    assert error["Error"]["Message"].endswith("because no identity-based policy allows the s3:GetObject action")
    refused("AccessDenied", reader("s3").put_object, Bucket=bucket, Key="b", Body=b"")


def test_across_accounts_the_keys_policy_has_the_last_word(server, s3, bucket, kms, key, people, refused):
    guests = People(server)
    reader = guests.user("reader")("s3")
    set_policy(s3, bucket, allow({"AWS": guests.account}, ["s3:GetObject"], bucket))
    s3.put_object(Bucket=bucket, Key="managed", Body=BODY, ServerSideEncryption="aws:kms")
    s3.put_object(Bucket=bucket, Key="own", Body=BODY, ServerSideEncryption="aws:kms", SSEKMSKeyId=key["Arn"])
    refused("AccessDenied", reader.get_object, Bucket=bucket, Key="managed")
    refused("AccessDenied", reader.get_object, Bucket=bucket, Key="own")
    policy = json.loads(kms.get_key_policy(KeyId=key["KeyId"])["Policy"])
    policy["Statement"].append(
        {"Effect": "Allow", "Principal": {"AWS": guests.account}, "Action": "kms:Decrypt", "Resource": "*"}
    )
    kms.put_key_policy(KeyId=key["KeyId"], Policy=json.dumps(policy))
    assert reader.get_object(Bucket=bucket, Key="own")["Body"].read() == BODY
    refused("AccessDenied", reader.get_object, Bucket=bucket, Key="managed")


def test_a_deny_on_encryption_headers_is_judged_as_sent(s3, bucket, key, refused):
    deny = allow("*", "s3:PutObject", bucket, Effect="Deny", Resource=f"arn:aws:s3:::{bucket}/*")
    header = "s3:x-amz-server-side-encryption-aws-kms-key-id"
    set_policy(s3, bucket, {**deny, "Condition": {"StringNotEquals": {header: key["Arn"]}, "Null": {header: "false"}}})
    assert s3.put_object(Bucket=bucket, Key="a", Body=b"x")
    put = dict(Bucket=bucket, Key="a", Body=b"x", ServerSideEncryption="aws:kms")
    refused("AccessDenied", s3.put_object, **put, SSEKMSKeyId=key["KeyId"])
    assert s3.put_object(**put, SSEKMSKeyId=key["Arn"])
    set_policy(s3, bucket, {**deny, "Condition": {"Null": {"s3:x-amz-server-side-encryption": "true"}}})
    refused("AccessDenied", s3.put_object, Bucket=bucket, Key="a", Body=b"x")
    assert s3.put_object(Bucket=bucket, Key="a", Body=b"x", ServerSideEncryption="AES256")


def test_the_public_access_block_keeps_public_policies_out(s3, bucket, refused):
    public = allow("*", "s3:GetObject", bucket)
    error = refused(
        "AccessDenied", s3.put_bucket_policy, Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": public})
    )
    assert "BlockPublicPolicy" in error["Error"]["Message"]
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    s3.delete_public_access_block(Bucket=bucket)
    refused("NoSuchPublicAccessBlockConfiguration", s3.get_public_access_block, Bucket=bucket)
    set_policy(s3, bucket, public)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True
    s3.delete_bucket_policy(Bucket=bucket)
    refused("NoSuchBucketPolicy", s3.get_bucket_policy, Bucket=bucket)


def test_why_names_the_statement_of_the_bucket_policy(server, s3, bucket, people, refused):
    set_policy(s3, bucket, allow("*", "s3:PutObject", bucket, Effect="Deny", Sid="NotOnFridays"))
    refused("AccessDenied", s3.put_object, Bucket=bucket, Key="a", Body=b"")
    error = refused("AccessDenied", people.user("u")("s3").put_object, Bucket=bucket, Key="a", Body=b"")
    assert error["Error"]["Message"].endswith("with an explicit deny in a resource-based policy")


def test_acls_and_ownership(server, s3, bucket, refused):
    s3.put_object(Bucket=bucket, Key="a", Body=BODY)
    refused("AccessControlListNotSupported", s3.put_object_acl, Bucket=bucket, Key="a", ACL="public-read")
    rules = {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=rules)
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == rules
    refused("AccessDenied", s3.put_object_acl, Bucket=bucket, Key="a", ACL="public-read")
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="b", Body=BODY, ACL="public-read")
    grants = s3.get_object_acl(Bucket=bucket, Key="b")["Grants"]
    assert [grant["Permission"] for grant in grants] == ["FULL_CONTROL", "READ"]
    guest = People(server).root("s3")
    assert guest.get_object(Bucket=bucket, Key="b")["Body"].read() == BODY
    refused("AccessDenied", guest.get_object, Bucket=bucket, Key="a")


def test_versions_are_added_hidden_and_brought_back(s3, versioned, refused):
    ids = [s3.put_object(Bucket=versioned, Key="k", Body=text)["VersionId"] for text in (b"one", b"two")]
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"two"
    assert s3.get_object(Bucket=versioned, Key="k", VersionId=ids[0])["Body"].read() == b"one"
    marker = s3.delete_object(Bucket=versioned, Key="k")
    assert marker["DeleteMarker"] is True
    error = refused("NoSuchKey", s3.get_object, Bucket=versioned, Key="k")
    assert error["ResponseMetadata"]["HTTPHeaders"]["x-amz-delete-marker"] == "true"
    listed = s3.list_object_versions(Bucket=versioned)
    assert [version["VersionId"] for version in listed["Versions"]] == ids[::-1]
    assert [(m["VersionId"], m["IsLatest"]) for m in listed["DeleteMarkers"]] == [(marker["VersionId"], True)]
    refused("405", s3.head_object, Bucket=versioned, Key="k", VersionId=marker["VersionId"])
    s3.delete_object(Bucket=versioned, Key="k", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"two"
    refused("NoSuchVersion", s3.get_object, Bucket=versioned, Key="k", VersionId=marker["VersionId"])


def test_pages_of_versions_join_to_the_whole(s3, versioned):
    for n in range(3):
        for key in ("a", "b", "dir/c"):
            s3.put_object(Bucket=versioned, Key=key, Body=str(n).encode())
    s3.delete_object(Bucket=versioned, Key="b")
    whole = [(v["Key"], v["VersionId"]) for v in s3.list_object_versions(Bucket=versioned)["Versions"]]
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=versioned, PaginationConfig={"PageSize": 2})
    assert [(v["Key"], v["VersionId"]) for page in pages for v in page.get("Versions", [])] == whole
    assert len(whole) == 9
    folded = s3.list_object_versions(Bucket=versioned, Delimiter="/")
    assert [prefix["Prefix"] for prefix in folded["CommonPrefixes"]] == ["dir/"]
    assert {version["Key"] for version in folded["Versions"]} == {"a", "b"}


def test_a_bulk_delete_tells_markers_from_versions(s3, versioned):
    version = s3.put_object(Bucket=versioned, Key="a", Body=b"")["VersionId"]
    s3.put_object(Bucket=versioned, Key="b", Body=b"")
    asked = {"Objects": [{"Key": "a", "VersionId": version}, {"Key": "b"}]}
    a, b = s3.delete_objects(Bucket=versioned, Delete=asked)["Deleted"]
    assert a == {"Key": "a", "VersionId": version}
    assert b["DeleteMarker"] is True and b["DeleteMarkerVersionId"]


def test_versions_under_different_keys_open_with_their_own(s3, versioned, kms, key, refused):
    old = s3.put_object(Bucket=versioned, Key="k", Body=b"old", ServerSideEncryption="aws:kms", SSEKMSKeyId=key["Arn"])
    s3.put_object(Bucket=versioned, Key="k", Body=b"new", ServerSideEncryption="AES256")
    kms.disable_key(KeyId=key["KeyId"])
    assert s3.get_object(Bucket=versioned, Key="k")["Body"].read() == b"new"
    refused("KMS.DisabledException", s3.get_object, Bucket=versioned, Key="k", VersionId=old["VersionId"])


def test_multipart_uploads_make_versions(s3, versioned):
    upload = s3.create_multipart_upload(Bucket=versioned, Key="k", Tagging="kind=big")["UploadId"]
    part = s3.upload_part(Bucket=versioned, Key="k", UploadId=upload, PartNumber=1, Body=BODY)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    done = s3.complete_multipart_upload(Bucket=versioned, Key="k", UploadId=upload, MultipartUpload=parts)
    assert s3.get_object(Bucket=versioned, Key="k", VersionId=done["VersionId"])["Body"].read() == BODY
    assert s3.get_object_tagging(Bucket=versioned, Key="k")["TagSet"] == [{"Key": "kind", "Value": "big"}]


def test_tags_of_objects_and_buckets(s3, bucket, refused):
    tags = [{"Key": "project", "Value": "blue sky"}, {"Key": "stage", "Value": "test"}]
    s3.put_object(Bucket=bucket, Key="a", Body=b"", Tagging="project=blue%20sky&stage=test")
    assert s3.get_object_tagging(Bucket=bucket, Key="a")["TagSet"] == tags
    assert s3.get_object(Bucket=bucket, Key="a")["TagCount"] == 2
    s3.copy_object(Bucket=bucket, Key="b", CopySource=f"{bucket}/a")
    assert s3.get_object_tagging(Bucket=bucket, Key="b")["TagSet"] == tags
    s3.delete_object_tagging(Bucket=bucket, Key="a")
    assert s3.get_object_tagging(Bucket=bucket, Key="a")["TagSet"] == []
    twice = {"TagSet": [tags[0], tags[0]]}
    refused("InvalidTag", s3.put_object_tagging, Bucket=bucket, Key="a", Tagging=twice)
    refused("NoSuchTagSet", s3.get_bucket_tagging, Bucket=bucket)
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    s3.delete_bucket_tagging(Bucket=bucket)
    refused("NoSuchTagSet", s3.get_bucket_tagging, Bucket=bucket)


def test_attributes(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a", Body=BODY, ChecksumAlgorithm="SHA256")
    wanted = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    told = s3.get_object_attributes(Bucket=bucket, Key="a", ObjectAttributes=wanted)
    assert told["ETag"] == hashlib.md5(BODY).hexdigest()
    assert (told["ObjectSize"], told["StorageClass"]) == (len(BODY), "STANDARD")
    assert told["Checksum"]["ChecksumType"] == "FULL_OBJECT" and "ChecksumSHA256" in told["Checksum"]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m", ChecksumAlgorithm="CRC32")["UploadId"]
    part = s3.upload_part(
        Bucket=bucket, Key="m", UploadId=upload, PartNumber=1, Body=BODY, ChecksumAlgorithm="CRC32"
    )
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"], "ChecksumCRC32": part["ChecksumCRC32"]}]}
    s3.complete_multipart_upload(Bucket=bucket, Key="m", UploadId=upload, MultipartUpload=parts)
    told = s3.get_object_attributes(Bucket=bucket, Key="m", ObjectAttributes=wanted)["ObjectParts"]
    assert told["TotalPartsCount"] == 1
    assert told["Parts"] == [{"PartNumber": 1, "Size": len(BODY), "ChecksumCRC32": part["ChecksumCRC32"]}]


def test_object_lock(s3, people, server, refused):
    bucket = f"locked-{people.account}"
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 30}}
    s3.put_object_lock_configuration(
        Bucket=bucket, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    assert s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]["Rule"] == rule
    version = s3.put_object(Bucket=bucket, Key="k", Body=b"", ChecksumAlgorithm="CRC32")["VersionId"]
    assert s3.get_object_retention(Bucket=bucket, Key="k")["Retention"]["Mode"] == "GOVERNANCE"
    refused("AccessDenied", s3.delete_object, Bucket=bucket, Key="k", VersionId=version)
    clerk = people.user("clerk", actions=["s3:DeleteObjectVersion", "s3:DeleteObject"])("s3")
    bypass = dict(Bucket=bucket, Key="k", VersionId=version, BypassGovernanceRetention=True)
    refused("AccessDenied", clerk.delete_object, **bypass)
    s3.put_object_legal_hold(Bucket=bucket, Key="k", LegalHold={"Status": "ON"})
    refused("AccessDenied", s3.delete_object, **bypass)
    s3.put_object_legal_hold(Bucket=bucket, Key="k", LegalHold={"Status": "OFF"})
    s3.delete_object(**bypass)
    refused("InvalidBucketState", s3.put_bucket_versioning, Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})


def test_configurations_are_told_as_they_were_set(s3, bucket, people, refused):
    rules = [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://*.example"], "MaxAgeSeconds": 60}]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == rules
    rules = [{"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 3}}]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == rules
    logs = {"LoggingEnabled": {"TargetBucket": bucket, "TargetPrefix": "logs/"}}
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=logs)
    assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"] == logs["LoggingEnabled"]
    events = {"EventBridgeConfiguration": {}}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=events)
    assert s3.get_bucket_notification_configuration(Bucket=bucket)["EventBridgeConfiguration"] == {}
    s3.delete_bucket_cors(Bucket=bucket)
    s3.delete_bucket_lifecycle(Bucket=bucket)
    refused("NoSuchCORSConfiguration", s3.get_bucket_cors, Bucket=bucket)
    refused("NoSuchLifecycleConfiguration", s3.get_bucket_lifecycle_configuration, Bucket=bucket)


def test_rules_are_carried_out_as_the_clock_moves():
    own = Server("--seed", "2")
    try:
        s3 = own.client("s3")
        s3.create_bucket(Bucket="tidy")
        for key in ("tmp/a", "keep"):
            s3.put_object(Bucket="tidy", Key=key, Body=b"")
        rules = [{"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 3}}]
        s3.put_bucket_lifecycle_configuration(Bucket="tidy", LifecycleConfiguration={"Rules": rules})
        own.control("/_sim/clock", {"advance": "5d"})
        keys = lambda: [entry["Key"] for entry in s3.list_objects_v2(Bucket="tidy").get("Contents", [])]  # noqa: E731
        wait_until(lambda: keys() == ["keep"])
    finally:
        own.close()


def test_a_browser_may_ask_first(server, s3, bucket):
    rules = [{"AllowedMethods": ["PUT"], "AllowedOrigins": ["https://app.example"], "AllowedHeaders": ["*"]}]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})

    def ask(origin):
        request = urllib.request.Request(f"{server.endpoint}/{bucket}/k", method="OPTIONS")
        request.add_header("Origin", origin)
        request.add_header("Access-Control-Request-Method", "PUT")
        request.add_header("Access-Control-Request-Headers", "content-type")
        return urllib.request.urlopen(request, timeout=30)

    assert ask("https://app.example").headers["Access-Control-Allow-Headers"] == "content-type"
    with pytest.raises(urllib.error.HTTPError) as caught:
        ask("https://evil.example")
    assert caught.value.code == 403 and b"AccessForbidden" in caught.value.read()


def test_a_bucket_of_another_region_is_found_through_the_redirect(s3, bucket, people):
    s3.put_object(Bucket=bucket, Key="a", Body=BODY)
    elsewhere = people.root("s3", region="eu-west-1")
    assert elsewhere.get_object(Bucket=bucket, Key="a")["Body"].read() == BODY
    assert elsewhere.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None


def test_what_was_set_survives_a_restart_of_the_program(request):
    server = Server("--seed", "2")
    request.addfinalizer(server.close)
    s3, versioned = People(server).root("s3"), "versioned"
    s3.create_bucket(Bucket=versioned)
    s3.put_bucket_versioning(Bucket=versioned, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=versioned, Key="k", Body=b"one", Tagging="a=1")["VersionId"]
    s3.put_object(Bucket=versioned, Key="k", Body=b"two")
    set_policy(s3, versioned, allow("*", "s3:DeleteObject", versioned, Effect="Deny"))
    server.stop(9)
    server.start()
    again = server.client("s3", key=s3._request_signer._credentials.access_key)
    assert again.get_object(Bucket=versioned, Key="k", VersionId=first)["Body"].read() == b"one"
    assert again.get_object_tagging(Bucket=versioned, Key="k", VersionId=first)["TagSet"][0]["Value"] == "1"
    with pytest.raises(again.exceptions.ClientError, match="explicit deny"):
        again.delete_object(Bucket=versioned, Key="k")


def test_aws_s3_sync(aws, bucket, tmp_path):
    aws(
        f"mkdir -p up/deep && head -c 9000000 /dev/urandom > up/big && echo hello > up/deep/small\n"
        f"aws s3 sync up s3://{bucket}/mirror\n"
        f"aws s3 sync s3://{bucket}/mirror down\n"
        f"diff -r up down\n"
        f"rm up/deep/small && aws s3 sync --delete up s3://{bucket}/mirror\n"
        f"test $(aws s3 ls --recursive s3://{bucket}/mirror | wc -l) = 1\n"
        f"aws s3 rb --force s3://{bucket}\n"
    )
