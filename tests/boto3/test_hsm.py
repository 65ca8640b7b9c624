"""The HSMs of KMS: tampered with over the control plane and the command line, missed by no call until the last is wiped."""

import json
import subprocess
import urllib.error

import pytest
from support import People, Server, executable


@pytest.fixture
def server():
    """A server of this test's own: its HSMs will be tampered with."""
    server = Server()
    yield server
    server.close()


def post(server, path):
    return server.control(path, {})


def hsm(server, *words):
    """`sse-sim hsm …`"""
    command = [executable(), "hsm", *words, "--endpoint", server.endpoint]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_the_service_goes_on_until_the_last_hsm_is_wiped(server, refused):
    kms = People(server).root("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"kept")["CiphertextBlob"]
    for number in (1, 2):
        assert post(server, f"/_sim/hsm/{number}/tamper")["available"] is True
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"kept"
    status = post(server, "/_sim/hsm/3/tamper")
    assert [hsm["state"] for hsm in status["hsms"]] == ["WIPED"] * 3 and status["available"] is False
    error = refused("KeyUnavailableException", kms.decrypt, CiphertextBlob=blob)
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 500
    refused("KMSInternalException", kms.create_key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"


def test_wiped_hsms_stay_wiped_over_a_restart_and_the_backup_restores_them(server, refused):
    people = People(server)
    kms = people.root("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"kept")["CiphertextBlob"]
    for number in (1, 2, 3):
        post(server, f"/_sim/hsm/{number}/tamper")
    server.stop()
    server.start()
    kms = people.root("kms")
    assert server.control("/_sim/hsm")["available"] is False
    refused("KeyUnavailableException", kms.decrypt, CiphertextBlob=blob)
    assert post(server, "/_sim/hsm/restore")["available"] is True
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"kept"


def test_the_ledger_sees_the_domain_key_leave_and_return(server):
    def holders():
        places = server.control("/_sim/keys")["subjects"]
        return [name for name, where in places.items() if name.startswith("domain-key/") and "hsm" in where]

    assert len(holders()) == 3
    post(server, "/_sim/hsm/2/tamper")
    assert holders() == ["domain-key/hsm-1", "domain-key/hsm-3"]
    events = server.control("/_sim/events?format=json")["events"]
    assert [e["details"]["hsm"] for e in events if e["kind"] == "service" and e["name"] == "WipeHsm"] == [2]
    post(server, "/_sim/hsm/restore")
    assert len(holders()) == 3


def test_an_hsm_that_is_not_there_cannot_be_tampered_with(server):
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(server, "/_sim/hsm/4/tamper")
    assert caught.value.code == 404 and "no HSM 4" in json.load(caught.value)["error"]


def test_storage_says_whose_fault_it_is(server, refused):
    people = People(server)
    key = people.root("kms").create_key()["KeyMetadata"]["KeyId"]
    s3 = people.root("s3")
    s3.create_bucket(Bucket="sealed")
    s3.put_object(Bucket="sealed", Key="a", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=key)
    for number in (1, 2, 3):
        post(server, f"/_sim/hsm/{number}/tamper")
    with pytest.raises(s3.exceptions.ClientError):
        s3.get_object(Bucket="sealed", Key="a")
    post(server, "/_sim/hsm/restore")
    assert s3.get_object(Bucket="sealed", Key="a")["Body"].read() == b"x"


def test_the_command_line_does_the_same(server):
    assert hsm(server, "status").stdout.splitlines() == [
        "hsm 1  ACTIVE",
        "hsm 2  ACTIVE",
        "hsm 3  ACTIVE",
        "keys are available",
    ]
    assert "hsm 2  WIPED since " in hsm(server, "tamper", "2").stdout
    wrong = hsm(server, "tamper", "9")
    assert wrong.returncode == 1 and "no HSM 9" in wrong.stderr
    assert "WIPED" not in hsm(server, "restore").stdout
    assert json.loads(hsm(server, "status", "--json").stdout)["available"] is True
