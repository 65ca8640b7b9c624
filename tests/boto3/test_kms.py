"""KMS as boto3 sees it: the core operations, who may call them, and what is said when they refuse."""

import json

import pytest


def test_a_key_and_its_metadata(kms, people):
    made = kms.create_key(Description="payroll")["KeyMetadata"]
    assert made["Arn"] == f"arn:aws:kms:us-east-1:{people.account}:key/{made['KeyId']}"
    assert made["AWSAccountId"] == people.account
    assert (made["Enabled"], made["KeyState"], made["KeyManager"]) == (True, "Enabled", "CUSTOMER")
    assert (made["KeySpec"], made["KeyUsage"], made["Origin"]) == ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "AWS_KMS")
    assert kms.describe_key(KeyId=made["Arn"])["KeyMetadata"] == made


def test_keys_are_listed_page_by_page(kms):
    made = {kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(5)}
    pages = kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2})
    assert {key["KeyId"] for page in pages for key in page["Keys"]} == made


@pytest.mark.parametrize("length, blob", [(1, 153), (16, 168), (23, 175), (27, 179), (32, 184), (64, 220), (4096, 4258)])
def test_ciphertext_lengths_are_those_of_aws(kms, key, length, blob):
    assert len(kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x" * length)["CiphertextBlob"]) == blob


def test_4097_bytes_are_one_too_many(kms, key, refused):
    error = refused("ValidationException", kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x" * 4097)["Error"]
    assert error["Message"].endswith(
        "Value at 'plaintext' failed to satisfy constraint: Member must have length less than or equal to 4096"
    )


def test_the_encryption_context_must_come_back(kms, key, refused):
    context = {"ledger": "january", "page": "7"}
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext=context)["CiphertextBlob"]
    back = kms.decrypt(CiphertextBlob=blob, EncryptionContext=dict(reversed(context.items())))
    assert back["Plaintext"] == b"x"
    refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=blob)
    refused("InvalidCiphertextException", kms.decrypt, CiphertextBlob=blob, EncryptionContext={**context, "page": "8"})


def test_every_flipped_byte_is_noticed(kms, key):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x" * 32)["CiphertextBlob"]
    for at in range(0, len(blob), 7):
        bent = bytearray(blob)
        bent[at] ^= 1
        with pytest.raises(kms.exceptions.ClientError):
            kms.decrypt(CiphertextBlob=bytes(bent))


def test_decrypt_with_another_key_is_refused(kms, key, refused):
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    error = refused("IncorrectKeyException", kms.decrypt, CiphertextBlob=blob, KeyId=other)["Error"]
    assert error["Message"] == "The key ID in the request does not identify a CMK that can perform this operation."


def test_re_encrypt_moves_a_secret(kms, key):
    other = kms.create_key()["KeyMetadata"]
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"kettle")["CiphertextBlob"]
    moved = kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=other["KeyId"])
    assert (moved["SourceKeyId"], moved["KeyId"]) == (key["Arn"], other["Arn"])
    assert kms.decrypt(CiphertextBlob=moved["CiphertextBlob"])["KeyId"] == other["Arn"]


@pytest.mark.parametrize("request_, length", [({"KeySpec": "AES_256"}, 32), ({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 64}, 64)])
def test_data_keys_have_the_length_asked_for(kms, key, request_, length):
    made = kms.generate_data_key(KeyId=key["KeyId"], **request_)
    assert len(made["Plaintext"]) == length
    assert kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]


def test_without_plaintext_there_is_none(kms, key):
    made = kms.generate_data_key_without_plaintext(KeyId=key["KeyId"], NumberOfBytes=64)
    assert "Plaintext" not in made
    assert len(kms.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"]) == 64


def test_random_bytes(kms):
    one, other = (kms.generate_random(NumberOfBytes=32)["Plaintext"] for _ in range(2))
    assert len(one) == 32 and one != other


def test_states(kms, key, refused):
    name = {"KeyId": key["KeyId"]}
    kms.disable_key(**name)
    error = refused("DisabledException", kms.encrypt, Plaintext=b"x", **name)
    assert error["Error"]["Message"] == f"{key['Arn']} is disabled."
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400
    kms.enable_key(**name)
    blob = kms.encrypt(Plaintext=b"x", **name)["CiphertextBlob"]
    scheduled = kms.schedule_key_deletion(PendingWindowInDays=7, **name)
    assert (scheduled["KeyId"], scheduled["KeyState"]) == (key["Arn"], "PendingDeletion")
    error = refused("KMSInvalidStateException", kms.decrypt, CiphertextBlob=blob)["Error"]
    assert error["Message"] == f"{key['Arn']} is pending deletion."
    kms.cancel_key_deletion(**name)
    assert kms.describe_key(**name)["KeyMetadata"]["KeyState"] == "Disabled"
    refused("ValidationException", kms.schedule_key_deletion, PendingWindowInDays=6, **name)


def test_rotation_makes_new_material_and_old_blobs_still_open(kms, key):
    name = {"KeyId": key["KeyId"]}
    old = kms.encrypt(Plaintext=b"old", **name)["CiphertextBlob"]
    kms.rotate_key_on_demand(**name)
    new = kms.encrypt(Plaintext=b"new", **name)["CiphertextBlob"]
    assert old[5:37] != new[5:37], "the blob names its material"
    opened = [kms.decrypt(CiphertextBlob=blob) for blob in (old, new)]
    assert [answer["Plaintext"] for answer in opened] == [b"old", b"new"]
    assert [answer["KeyMaterialId"] for answer in opened] == [old[5:37].hex(), new[5:37].hex()]


def test_rotation_can_be_switched(kms, key):
    name = {"KeyId": key["KeyId"]}
    assert kms.get_key_rotation_status(**name)["KeyRotationEnabled"] is False
    kms.enable_key_rotation(RotationPeriodInDays=180, **name)
    assert kms.get_key_rotation_status(**name)["RotationPeriodInDays"] == 180
    kms.disable_key_rotation(**name)
    assert kms.get_key_rotation_status(**name)["KeyRotationEnabled"] is False


def test_an_alias_moves_and_old_secrets_still_open(kms, key, refused):
    other = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/now", TargetKeyId=key["KeyId"])
    blob = kms.encrypt(KeyId="alias/now", Plaintext=b"x")["CiphertextBlob"]
    kms.update_alias(AliasName="alias/now", TargetKeyId=other["KeyId"])
    assert kms.encrypt(KeyId="alias/now", Plaintext=b"x")["KeyId"] == other["Arn"]
    assert kms.decrypt(CiphertextBlob=blob)["KeyId"] == key["Arn"]
    refused("AlreadyExistsException", kms.create_alias, AliasName="alias/now", TargetKeyId=key["KeyId"])
    kms.delete_alias(AliasName="alias/now")
    refused("NotFoundException", kms.describe_key, KeyId="alias/now")


def test_aliases_do_not_name_keys_in_management_operations(kms, key, refused):
    kms.create_alias(AliasName="alias/now", TargetKeyId=key["KeyId"])
    error = refused("InvalidArnException", kms.disable_key, KeyId="alias/now")["Error"]
    assert error["Message"] == "Key Aliases are not supported for this operation."


@pytest.mark.parametrize(
    "name, message",
    [
        ("11111111-2222-4333-8444-555555555555", "Key '{arn}11111111-2222-4333-8444-555555555555' does not exist"),
        ("nonsense", "Invalid keyId 'nonsense'"),
        ("alias/nobody", "Alias {alias}alias/nobody is not found."),
        ("arn:aws:kms:us-west-2:{account}:key/11111111-2222-4333-8444-555555555555", "Invalid arn us-west-2"),
    ],
)
def test_unknown_keys(kms, people, refused, name, message):
    prefix = f"arn:aws:kms:us-east-1:{people.account}:"
    error = refused("NotFoundException", kms.describe_key, KeyId=name.format(account=people.account))["Error"]
    assert error["Message"] == message.format(arn=prefix + "key/", alias=prefix)


def test_regions_are_apart(people, key, refused):
    west = people.root("kms", region="us-west-2")
    refused("NotFoundException", west.describe_key, KeyId=key["KeyId"])
    assert west.list_keys()["Keys"] == []


def test_the_default_policy_trusts_the_account(kms, key, people):
    policy = json.loads(kms.get_key_policy(KeyId=key["KeyId"], PolicyName="default")["Policy"])
    assert policy["Id"] == "key-default-1"
    [statement] = policy["Statement"]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{people.account}:root"}
    assert (statement["Action"], statement["Resource"]) == ("kms:*", "*")


def test_a_policy_that_locks_its_author_out_is_refused(kms, key, people, refused):
    statement = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{people.account}:root"}, "Action": "kms:Encrypt", "Resource": "*"}
    locked = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    error = refused("MalformedPolicyDocumentException", kms.put_key_policy, KeyId=key["KeyId"], PolicyName="default", Policy=locked)
    assert "will not allow you to update the key policy in the future" in error["Error"]["Message"]


def test_whoever_manages_a_key_need_not_be_able_to_use_it(people, key, refused):
    manager = people.user("manager", ["kms:DisableKey", "kms:EnableKey", "kms:DescribeKey"])("kms")
    user = people.user("user", ["kms:Encrypt", "kms:Decrypt"])("kms")
    name = {"KeyId": key["KeyId"]}
    error = refused("AccessDeniedException", manager.encrypt, Plaintext=b"x", **name)["Error"]
    assert error["Message"] == (
        f"User: arn:aws:iam::{people.account}:user/manager is not authorized to perform: kms:Encrypt on resource: "
        f"{key['Arn']} because no identity-based policy allows the kms:Encrypt action"
    )
    refused("AccessDeniedException", user.disable_key, **name)
    user.encrypt(Plaintext=b"x", **name)
    manager.disable_key(**name)
    refused("DisabledException", user.encrypt, Plaintext=b"x", **name)


def test_a_grant_lends_a_right_and_takes_it_back(people, kms, key, refused):
    guest = people.user("guest", ["sts:GetCallerIdentity"])
    arn = guest("sts").get_caller_identity()["Arn"]
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x", EncryptionContext={"room": "9"})["CiphertextBlob"]
    request = {"CiphertextBlob": blob, "EncryptionContext": {"room": "9"}}
    refused("AccessDeniedException", guest("kms").decrypt, **request)
    grant = kms.create_grant(
        KeyId=key["KeyId"],
        GranteePrincipal=arn,
        Operations=["Decrypt"],
        Constraints={"EncryptionContextSubset": {"room": "9"}},
    )
    assert len(grant["GrantId"]) == 64
    assert guest("kms").decrypt(GrantTokens=[grant["GrantToken"]], **request)["Plaintext"] == b"x"
    [listed] = kms.list_grants(KeyId=key["KeyId"])["Grants"]
    assert (listed["GranteePrincipal"], listed["Operations"], listed["KeyId"]) == (arn, ["Decrypt"], key["Arn"])
    kms.revoke_grant(KeyId=key["KeyId"], GrantId=grant["GrantId"])
    refused("AccessDeniedException", guest("kms").decrypt, **request)
    assert kms.list_grants(KeyId=key["KeyId"])["Grants"] == []


def test_a_grant_made_twice_under_one_name_is_one_grant(people, kms, key):
    arn = people.user("guest", ["sts:GetCallerIdentity"])("sts").get_caller_identity()["Arn"]
    request = {"KeyId": key["KeyId"], "GranteePrincipal": arn, "Operations": ["Decrypt"], "Name": "once"}
    first, second = kms.create_grant(**request), kms.create_grant(**request)
    assert first["GrantId"] == second["GrantId"] and first["GrantToken"] != second["GrantToken"]
    assert len(kms.list_grants(KeyId=key["KeyId"])["Grants"]) == 1


def test_the_clock_destroys_a_key_that_nobody_saved(refused):
    from support import People, Server

    server = Server()
    try:
        kms = People(server).root("kms")
        key = kms.create_key()["KeyMetadata"]
        blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")["CiphertextBlob"]
        kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
        server.control("/_sim/clock", {"advance": "8d"})
        refused("NotFoundException", kms.describe_key, KeyId=key["KeyId"])
        with pytest.raises(kms.exceptions.ClientError):
            kms.decrypt(CiphertextBlob=blob)
    finally:
        server.close()


def test_a_crash_loses_nothing_that_was_answered():
    import signal

    from support import People, Server

    server = Server()
    try:
        people = People(server)
        kms = people.root("kms")
        key = kms.create_key()["KeyMetadata"]
        kms.create_alias(AliasName="alias/safe", TargetKeyId=key["KeyId"])
        blob = kms.encrypt(KeyId="alias/safe", Plaintext=b"x")["CiphertextBlob"]
        server.stop(signal.SIGKILL)
        server.start()
        again = people.root("kms")
        assert again.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
        assert again.describe_key(KeyId="alias/safe")["KeyMetadata"] == key
    finally:
        server.close()
