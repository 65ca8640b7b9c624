"""KMS as boto3 sees it, the rarer rooms: keys in several regions, material from outside, grants to services, and what a
key remembers of its use and a policy of people who left."""

import datetime
import hmac
import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import load_der_public_key

from support import People, Server, wait_until

FAR = "eu-west-1"


@pytest.fixture
def far(people):
    """KMS of another region, as the account's root."""
    return people.root("kms", region=FAR)


@pytest.fixture
def pair(kms):
    """A primary key with one replica: the primary's metadata."""
    key = kms.create_key(MultiRegion=True)["KeyMetadata"]
    kms.replicate_key(KeyId=key["KeyId"], ReplicaRegion=FAR)
    return key


@pytest.fixture
def slow():
    """A server whose clock this test alone moves: KMS of a fresh account, and a way to let days pass."""
    server = Server("--seed", "3")
    kms = People(server).root("kms")
    kms.let_pass = lambda time: server.control("/_sim/clock", {"advance": time})
    yield kms
    server.close()


def bring(kms, key, material, how="RSAES_OAEP_SHA_256", **terms):
    """Imports material as its owner would: wrapped by somebody else's cryptography."""
    given = kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm=how, WrappingKeySpec="RSA_2048")
    digest = {"RSAES_OAEP_SHA_256": hashes.SHA256, "RSAES_OAEP_SHA_1": hashes.SHA1}[how]
    oaep = padding.OAEP(mgf=padding.MGF1(digest()), algorithm=digest(), label=None)
    wrapped = load_der_public_key(given["PublicKey"]).encrypt(material, oaep)
    terms = terms or {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"}
    return kms.import_key_material(
        KeyId=key, ImportToken=given["ImportToken"], EncryptedKeyMaterial=wrapped, **terms
    )


def external(kms, **options):
    return kms.create_key(Origin="EXTERNAL", **options)["KeyMetadata"]["KeyId"]


def state(kms, key):
    return kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]


def test_a_replica_opens_what_its_primary_sealed(kms, far, pair):
    assert pair["KeyId"].startswith("mrk-")
    blob = kms.encrypt(KeyId=pair["KeyId"], Plaintext=b"abroad", EncryptionContext={"a": "b"})["CiphertextBlob"]
    opened = far.decrypt(CiphertextBlob=blob, EncryptionContext={"a": "b"})
    assert opened["Plaintext"] == b"abroad"
    assert opened["KeyId"] == pair["Arn"].replace("us-east-1", FAR)


def test_relatives_know_each_other(kms, far, pair):
    here = kms.describe_key(KeyId=pair["KeyId"])["KeyMetadata"]["MultiRegionConfiguration"]
    there = far.describe_key(KeyId=pair["KeyId"])["KeyMetadata"]
    assert here["MultiRegionKeyType"] == "PRIMARY"
    assert [key["Region"] for key in here["ReplicaKeys"]] == [FAR]
    assert there["MultiRegionConfiguration"]["PrimaryKey"] == {"Arn": pair["Arn"], "Region": "us-east-1"}
    assert (there["KeyState"], there["Description"]) == ("Enabled", "")


def test_a_replica_is_born_creating_with_its_own_policy_and_tags(kms, people):
    key = kms.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    made = kms.replicate_key(
        KeyId=key, ReplicaRegion=FAR, Description="copy", Tags=[{"TagKey": "team", "TagValue": "far"}]
    )
    assert made["ReplicaKeyMetadata"]["KeyState"] == "Creating"
    assert made["ReplicaTags"] == [{"TagKey": "team", "TagValue": "far"}]
    assert json.loads(made["ReplicaPolicy"])["Statement"][0]["Principal"]["AWS"].endswith(f"{people.account}:root")


def test_only_primaries_are_replicated(kms, key, far, pair, refused):
    error = refused("UnsupportedOperationException", kms.replicate_key, KeyId=key["KeyId"], ReplicaRegion=FAR)["Error"]
    assert error["Message"] == f"{key['Arn']} is not a multi-region primary key."
    refused("UnsupportedOperationException", far.replicate_key, KeyId=pair["KeyId"], ReplicaRegion="eu-west-2")
    refused("AlreadyExistsException", kms.replicate_key, KeyId=pair["KeyId"], ReplicaRegion=FAR)
    refused("UnsupportedOperationException", far.enable_key_rotation, KeyId=pair["KeyId"])


def test_another_region_takes_the_lead(kms, far, pair):
    kms.update_primary_region(KeyId=pair["KeyId"], PrimaryRegion=FAR)
    kinds = [
        client.describe_key(KeyId=pair["KeyId"])["KeyMetadata"]["MultiRegionConfiguration"]["MultiRegionKeyType"]
        for client in (kms, far)
    ]
    assert kinds == ["REPLICA", "PRIMARY"]
    far.rotate_key_on_demand(KeyId=pair["KeyId"])
    material = [client.describe_key(KeyId=pair["KeyId"])["KeyMetadata"]["CurrentKeyMaterialId"] for client in (far, kms)]
    assert material[0] == material[1]


def test_a_primary_waits_for_its_replicas_before_it_goes(kms, far, pair):
    going = kms.schedule_key_deletion(KeyId=pair["KeyId"], PendingWindowInDays=7)
    assert going["KeyState"] == "PendingReplicaDeletion" and "DeletionDate" not in going
    assert kms.describe_key(KeyId=pair["KeyId"])["KeyMetadata"]["PendingDeletionWindowInDays"] == 7
    kms.cancel_key_deletion(KeyId=pair["KeyId"])
    assert state(kms, pair["KeyId"]) == "Disabled"


@pytest.mark.parametrize("how", ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"])
def test_material_from_outside_is_imported_deleted_and_brought_back(kms, refused, how):
    key = external(kms)
    assert state(kms, key) == "PendingImport"
    refused("KMSInvalidStateException", kms.encrypt, KeyId=key, Plaintext=b"x")
    first = bring(kms, key, b"\x01" * 32, how)
    blob = kms.encrypt(KeyId=key, Plaintext=b"mine")["CiphertextBlob"]
    kms.delete_imported_key_material(KeyId=key)
    assert state(kms, key) == "PendingImport"
    refused("KMSInvalidStateException", kms.decrypt, CiphertextBlob=blob)
    refused("IncorrectKeyMaterialException", bring, kms=kms, key=key, material=b"\x02" * 32, how=how)
    assert bring(kms, key, b"\x01" * 32, how)["KeyMaterialId"] == first["KeyMaterialId"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"mine"


def test_a_token_of_another_key_is_none(kms, refused):
    one, other = external(kms), external(kms)
    given = kms.get_parameters_for_import(
        KeyId=one, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
    )
    made = kms.describe_key(KeyId=one)["KeyMetadata"]["CreationDate"]
    assert given["ParametersValidTo"] - made >= datetime.timedelta(hours=24)
    refused(
        "InvalidImportTokenException",
        kms.import_key_material,
        KeyId=other,
        ImportToken=given["ImportToken"],
        EncryptedKeyMaterial=b"x" * 256,
        ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
    )
    refused(
        "InvalidCiphertextException",
        kms.import_key_material,
        KeyId=one,
        ImportToken=given["ImportToken"],
        EncryptedKeyMaterial=b"x" * 256,
        ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE",
    )


def test_several_materials_and_a_rotation_to_the_newest(kms, refused):
    key = external(kms)
    bring(kms, key, b"\x01" * 32)
    old = kms.encrypt(KeyId=key, Plaintext=b"old")["CiphertextBlob"]
    refused("KMSInvalidStateException", kms.rotate_key_on_demand, KeyId=key)
    new = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE", "ImportType": "NEW_KEY_MATERIAL"}
    second = bring(kms, key, b"\x02" * 32, KeyMaterialDescription="spring", **new)["KeyMaterialId"]
    shown = kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    assert [entry["KeyMaterialState"] for entry in shown] == ["CURRENT", "PENDING_ROTATION"]
    assert (shown[1]["KeyMaterialDescription"], shown[1]["ImportState"]) == ("spring", "IMPORTED")
    kms.rotate_key_on_demand(KeyId=key)
    blob = kms.encrypt(KeyId=key, Plaintext=b"new")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["KeyMaterialId"] == second
    assert kms.decrypt(CiphertextBlob=old)["Plaintext"] == b"old"


def test_material_expires_on_the_simulated_clock(slow, refused):
    key = external(slow)
    today = slow.describe_key(KeyId=key)["KeyMetadata"]["CreationDate"]
    bring(slow, key, b"\x01" * 32, ValidTo=today + datetime.timedelta(days=10))
    assert slow.describe_key(KeyId=key)["KeyMetadata"]["ExpirationModel"] == "KEY_MATERIAL_EXPIRES"
    blob = slow.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    slow.let_pass("11d")
    error = refused("KMSInvalidStateException", slow.decrypt, CiphertextBlob=blob)["Error"]
    assert error["Message"].endswith("is pending import.")
    bring(slow, key, b"\x01" * 32)
    assert slow.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_replicas_of_imported_keys_import_for_themselves(kms, far):
    key = external(kms, MultiRegion=True)
    first = bring(kms, key, b"\x01" * 32)["KeyMaterialId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.replicate_key(KeyId=key, ReplicaRegion=FAR)
    assert state(far, key) == "PendingImport"
    assert bring(far, key, b"\x01" * 32)["KeyMaterialId"] == first
    assert far.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_a_grant_to_a_service(kms, key, people, refused):
    source = f"arn:aws:s3:us-east-1:{people.account}:bucket/b"
    asked = {
        "KeyId": key["KeyId"],
        "GranteeServicePrincipal": "logs.us-east-1.amazonaws.com",
        "Operations": ["Decrypt"],
    }
    refused("ValidationException", kms.create_grant, **asked)
    refused("ValidationException", kms.create_grant, Constraints={"SourceArn": source}, **asked)
    root = f"arn:aws:iam::{people.account}:root"
    made = kms.create_grant(Constraints={"SourceArn": source}, RetiringPrincipal=root, **asked)
    listed = kms.list_retirable_grants(RetiringPrincipal=root)["Grants"]
    assert [grant["GrantId"] for grant in listed] == [made["GrantId"]]
    assert listed[0]["GranteeServicePrincipal"] == "logs.us-east-1.amazonaws.com"
    assert listed[0]["Constraints"] == {"SourceArn": source}
    kms.retire_grant(GrantToken=made["GrantToken"])
    assert kms.list_retirable_grants(RetiringPrincipal=root)["Grants"] == []


def test_a_key_remembers_when_it_last_worked(kms, key):
    name = {"KeyId": key["KeyId"]}
    assert kms.get_key_last_usage(**name)["KeyLastUsage"] == {}
    made = kms.encrypt(Plaintext=b"x", **name)
    used = kms.get_key_last_usage(**name)
    assert used["KeyLastUsage"]["Operation"] == "Encrypt"
    assert used["KeyLastUsage"]["KmsRequestId"] == made["ResponseMetadata"]["RequestId"]
    assert used["KeyCreationDate"] == key["CreationDate"]


def test_nobody_shares_keys_here(kms, key):
    assert kms.list_keys(ResourceOwners=["OTHER_ACCOUNTS_VIA_RAM"])["Keys"] == []
    assert [one["KeyId"] for one in kms.list_keys(ResourceOwners=["SELF"])["Keys"]] == [key["KeyId"]]


def test_a_policy_means_people_and_not_their_names(kms, people, refused):
    ghost = people.user("ghost", actions="s3:ListAllMyBuckets")
    arn = f"arn:aws:iam::{people.account}:user/ghost"
    own = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{people.account}:root"}, "Action": "kms:*", "Resource": "*"}
    theirs = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "kms:Encrypt", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [own, theirs]})
    key = kms.create_key(Policy=policy)["KeyMetadata"]["KeyId"]
    assert kms.get_key_policy(KeyId=key)["Policy"] == policy
    ghost("kms").encrypt(KeyId=key, Plaintext=b"x")
    identity = people.iam.get_user(UserName="ghost")["User"]["UserId"]
    people.iam.delete_access_key(UserName="ghost", AccessKeyId=ghost.key)
    people.iam.delete_user_policy(UserName="ghost", PolicyName="test")
    people.iam.delete_user(UserName="ghost")
    shown = json.loads(kms.get_key_policy(KeyId=key)["Policy"])
    assert shown["Statement"][1]["Principal"]["AWS"] == identity
    namesake = people.user("ghost", actions="s3:ListAllMyBuckets")
    refused("AccessDeniedException", namesake("kms").encrypt, KeyId=key, Plaintext=b"x")
    kms.put_key_policy(KeyId=key, Policy=json.dumps(shown))


def test_a_rehearsal_without_a_ciphertext(kms, key, people, refused):
    rehearsal = {"KeyId": key["KeyId"], "DryRun": True, "DryRunModifiers": ["IGNORE_CIPHERTEXT"]}
    refused("DryRunOperationException", kms.decrypt, **rehearsal)
    refused("AccessDeniedException", people.user("nobody", actions="s3:*")("kms").decrypt, **rehearsal)
    error = refused("ValidationException", kms.decrypt, **{**rehearsal, "DryRun": False})["Error"]
    assert error["Message"] == "DryRunModifiers can only be specified when DryRun is true"


def test_a_mac_key_from_outside_makes_the_macs_that_its_owner_makes(kms):
    key = external(kms, KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")
    bring(kms, key, b"\x07" * 32)
    made = kms.generate_mac(KeyId=key, Message=b"ledger", MacAlgorithm="HMAC_SHA_256")["Mac"]
    assert made == hmac.digest(b"\x07" * 32, b"ledger", "sha256")


def test_a_private_key_from_outside_signs_and_its_owner_verifies(kms):
    own = ec.generate_private_key(ec.SECP256R1())
    der = own.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = external(kms, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    bring(kms, key, der)
    signature = kms.sign(KeyId=key, Message=b"deed", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    own.public_key().verify(signature, b"deed", ec.ECDSA(hashes.SHA256()))


def test_each_region_s_trail_tells_its_part(people, kms, far, pair):
    def told(region):
        trail = people.root("cloudtrail", region=region)
        wanted = [{"AttributeKey": "ResourceName", "AttributeValue": pair["Arn"].replace("us-east-1", region)}]
        return {event["EventName"] for event in trail.lookup_events(LookupAttributes=wanted)["Events"]}

    far.decrypt(CiphertextBlob=kms.encrypt(KeyId=pair["KeyId"], Plaintext=b"x")["CiphertextBlob"])
    wait_until(lambda: {"CreateKey", "ReplicateKey", "SynchronizeMultiRegionKey", "Encrypt"} <= told("us-east-1"))
    wait_until(lambda: {"CreateKey", "Decrypt"} <= told(FAR))
