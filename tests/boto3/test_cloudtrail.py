"""CloudTrail: every call leaves one record, with AWS's shapes, and no secret in it."""

import json

import pytest


def records(people, **lookup):
    attributes = [{"AttributeKey": name, "AttributeValue": value} for name, value in lookup.items()]
    events = people.root("cloudtrail").lookup_events(LookupAttributes=attributes)["Events"]
    return [json.loads(event["CloudTrailEvent"]) for event in events]


def test_a_call_is_on_record_at_once(people, kms, key):
    kms.encrypt(KeyId=key["KeyId"], Plaintext=b"kettle", EncryptionContext={"room": "9"})
    [record] = records(people, EventName="Encrypt")
    assert record["eventSource"] == "kms.amazonaws.com"
    assert record["requestParameters"] == {
        "encryptionContext": {"room": "9"},
        "keyId": key["KeyId"],
        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
    }
    assert record["resources"] == [{"accountId": people.account, "type": "AWS::KMS::Key", "ARN": key["Arn"]}]
    assert (record["readOnly"], record["eventType"], record["eventCategory"]) == (True, "AwsApiCall", "Management")
    assert record["responseElements"] is None


def test_no_record_has_a_plaintext_or_a_ciphertext(people, kms, key):
    import base64

    secret = b"never in the trail"
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=secret)["CiphertextBlob"]
    data_key = kms.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256")
    kms.decrypt(CiphertextBlob=blob)
    everything = json.dumps(records(people))
    for hidden in (secret, blob, data_key["Plaintext"], data_key["CiphertextBlob"]):
        assert base64.b64encode(hidden).decode() not in everything
    assert secret.decode() not in everything


def test_newest_first_and_by_page(people, kms):
    for _ in range(5):
        kms.create_key()
    client = people.root("cloudtrail")
    lookup = {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "CreateKey"}]}
    pages = client.get_paginator("lookup_events").paginate(PaginationConfig={"PageSize": 2}, **lookup)
    found = [event["EventId"] for page in pages for event in page["Events"]]
    assert len(found) == len(set(found)) == 5
    times = [event["EventTime"] for event in client.lookup_events(**lookup)["Events"]]
    assert times == sorted(times, reverse=True)


def test_a_denied_call_is_on_record_too(people, key, refused):
    user = people.user("mary", ["sts:GetCallerIdentity"])("kms")
    refused("AccessDeniedException", user.encrypt, KeyId=key["KeyId"], Plaintext=b"x")
    [record] = records(people, EventName="Encrypt")
    assert record["errorCode"] == "AccessDenied"
    assert "no identity-based policy allows the kms:Encrypt action" in record["errorMessage"]
    assert record["userIdentity"]["type"] == "IAMUser" and record["userIdentity"]["userName"] == "mary"


def test_a_failed_call_carries_the_exception(people, kms, key, refused):
    kms.disable_key(KeyId=key["KeyId"])
    refused("DisabledException", kms.encrypt, KeyId=key["KeyId"], Plaintext=b"x")
    [record] = records(people, EventName="Encrypt")
    assert (record["errorCode"], record["errorMessage"]) == ("DisabledException", f"{key['Arn']} is disabled.")


def test_the_request_id_is_the_one_that_the_client_saw(people, kms):
    answer = kms.list_keys()
    [record] = records(people, EventName="ListKeys")
    assert record["requestID"] == answer["ResponseMetadata"]["RequestId"]
    assert record["userIdentity"]["type"] == "Root"


def test_lookups_by_user_and_resource(people, kms, key):
    people.user("mary", ["kms:DescribeKey"])("kms").describe_key(KeyId=key["KeyId"])
    assert {record["eventName"] for record in records(people, Username="mary")} >= {"DescribeKey"}
    assert {record["eventName"] for record in records(people, ResourceName=key["Arn"])} >= {"DescribeKey", "CreateKey"}


def test_accounts_do_not_see_each_other(server, people, kms):
    from support import People

    kms.create_key()
    assert records(People(server), EventName="CreateKey") == []


@pytest.mark.parametrize("bad, code", [({"MaxResults": 51}, "InvalidMaxResultsException"), ({"NextToken": "junk"}, "InvalidNextTokenException")])
def test_bad_lookups(server, people, refused, bad, code):
    client = server.client("cloudtrail", key=people.account, parameter_validation=False)
    refused(code, client.lookup_events, **bad)


def test_why_gives_the_decision_behind_a_record(server, people, key, refused):
    user = people.user("mary", ["sts:GetCallerIdentity"])("kms")
    refused("AccessDeniedException", user.encrypt, KeyId=key["KeyId"], Plaintext=b"x")
    [record] = records(people, EventName="Encrypt")
    why = server.control(f"/_sim/why/{record['eventID']}")
    assert why, "a refusal has reasons"
