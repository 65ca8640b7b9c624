"""IAM and STS: users and keys made through the API decide what their holders may do."""

import json

import pytest


def trust(account):
    statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def allow(*actions):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]})


def test_root_is_the_account_that_its_key_spells(people):
    identity = people.root("sts").get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (people.account, f"arn:aws:iam::{people.account}:root")


def test_an_unknown_key_is_the_root_of_the_default_account(server):
    assert server.client("sts", key="whatever").get_caller_identity()["Account"] == "000000000000"


def test_a_user_is_who_its_key_says(people):
    identity = people.user("mary", ["sts:GetCallerIdentity"])("sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::{people.account}:user/mary"
    assert identity["UserId"].startswith("AIDA")


def test_users_come_and_go(people, refused):
    iam = people.iam
    iam.create_user(UserName="mary", Path="/staff/")
    assert iam.get_user(UserName="mary")["User"]["Arn"].endswith(":user/staff/mary")
    refused("EntityAlreadyExists", iam.create_user, UserName="mary")
    assert [user["UserName"] for user in iam.list_users()["Users"]] == ["mary"]
    iam.delete_user(UserName="mary")
    refused("NoSuchEntity", iam.get_user, UserName="mary")


def test_a_user_without_policy_may_nothing(people, refused):
    nobody = people.user("nobody", ["sts:GetCallerIdentity"])
    refused("AccessDeniedException", nobody("kms").create_key)
    refused("AccessDenied", nobody("iam").list_users)
    refused("UnauthorizedOperation", nobody("ec2").create_volume, AvailabilityZone="us-east-1a", Size=1)
    refused("AccessDenied", nobody("s3").create_bucket, Bucket=f"bucket-{people.account}")


def test_an_explicit_deny_beats_every_allow(people, key, refused):
    statements = [
        {"Effect": "Allow", "Action": "kms:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*"},
    ]
    user = people.user("careful", policy={"Version": "2012-10-17", "Statement": statements})("kms")
    blob = user.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    error = refused("AccessDeniedException", user.decrypt, CiphertextBlob=blob)["Error"]
    assert "with an explicit deny in an identity-based policy" in error["Message"]


def test_a_policy_may_ask_for_an_encryption_context(people, key, refused):
    condition = {"StringEquals": {"kms:EncryptionContext:ledger": "january"}}
    statement = {"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*", "Condition": condition}
    user = people.user("clerk", policy={"Version": "2012-10-17", "Statement": [statement]})("kms")
    request = {"KeyId": key["KeyId"], "Plaintext": b"x"}
    refused("AccessDeniedException", user.encrypt, **request)
    refused("AccessDeniedException", user.encrypt, EncryptionContext={"ledger": "february"}, **request)
    user.encrypt(EncryptionContext={"ledger": "january"}, **request)


def test_attached_policies_count_like_inline_ones(people, key, refused):
    iam = people.iam
    user = people.user("mary", ["sts:GetCallerIdentity"])("kms")
    refused("AccessDeniedException", user.describe_key, KeyId=key["KeyId"])
    arn = iam.create_policy(PolicyName="look", PolicyDocument=allow("kms:DescribeKey"))["Policy"]["Arn"]
    iam.attach_user_policy(UserName="mary", PolicyArn=arn)
    user.describe_key(KeyId=key["KeyId"])
    assert [policy["PolicyArn"] for policy in iam.list_attached_user_policies(UserName="mary")["AttachedPolicies"]] == [arn]
    iam.detach_user_policy(UserName="mary", PolicyArn=arn)
    refused("AccessDeniedException", user.describe_key, KeyId=key["KeyId"])


def test_a_role_is_assumed_and_its_session_has_a_name(server, people, key):
    iam = people.iam
    iam.create_role(RoleName="auditor", AssumeRolePolicyDocument=trust(people.account))
    iam.put_role_policy(RoleName="auditor", PolicyName="look", PolicyDocument=allow("kms:DescribeKey"))
    user = people.user("mary", ["sts:AssumeRole"])
    role = f"arn:aws:iam::{people.account}:role/auditor"
    answer = user("sts").assume_role(RoleArn=role, RoleSessionName="monday")
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{people.account}:assumed-role/auditor/monday"
    given = answer["Credentials"]
    session = {"key": given["AccessKeyId"], "secret": given["SecretAccessKey"], "token": given["SessionToken"]}
    assert given["AccessKeyId"].startswith("ASIA")
    server.client("kms", **session).describe_key(KeyId=key["KeyId"])
    assert server.client("sts", **session).get_caller_identity()["Arn"].endswith("assumed-role/auditor/monday")


def test_a_session_needs_its_token(server, people, key):
    people.iam.create_role(RoleName="auditor", AssumeRolePolicyDocument=trust(people.account))
    role = f"arn:aws:iam::{people.account}:role/auditor"
    given = people.user("mary", ["sts:AssumeRole"])("sts").assume_role(RoleArn=role, RoleSessionName="tuesday")["Credentials"]
    without = server.client("kms", key=given["AccessKeyId"], secret=given["SecretAccessKey"])
    with pytest.raises(without.exceptions.ClientError):
        without.describe_key(KeyId=key["KeyId"])


def test_a_role_that_does_not_trust_the_caller_is_not_assumed(people, refused):
    people.iam.create_role(RoleName="closed", AssumeRolePolicyDocument=trust("999999999999"))
    user = people.user("mary", ["sts:AssumeRole"])("sts")
    refused("AccessDenied", user.assume_role, RoleArn=f"arn:aws:iam::{people.account}:role/closed", RoleSessionName="tuesday")


def test_a_deleted_key_opens_nothing(people, refused):
    mary = people.user("mary")
    people.iam.delete_access_key(UserName="mary", AccessKeyId=mary.key)
    identity = None
    try:
        identity = mary("sts").get_caller_identity()["Arn"]
    except Exception:  # noqa: BLE001 - refusing it is as good
        pass
    # In open mode an unknown key is some root, but never again the user.
    assert identity is None or "user/mary" not in identity


def test_a_bad_policy_document_is_refused(people, refused):
    people.iam.create_user(UserName="mary")
    refused("MalformedPolicyDocument", people.iam.put_user_policy, UserName="mary", PolicyName="p", PolicyDocument="{")
