"""Custom key stores: a CloudHSM cluster that can be starved, and an external key manager behind the example proxy."""

import base64
import os
import pathlib
import subprocess
import time

import pytest
from support import People, Server, executable, new_account

CREDENTIAL = {
    "AccessKeyId": "SSESIMXKSPROXYACCESSKEY",
    "RawSecretAccessKey": "c3NlLXNpbSdzIGV4YW1wbGUgcHJveHkgaGFzIG5vIHNlY3JldHM",
}
PATH = "/kms/xks/v1"


class Proxy:
    """`examples/xks_proxy.rs` on a free port."""

    def __init__(self, *flags, port=0):
        program = pathlib.Path(executable()).parent / "examples" / "xks_proxy"
        if not program.exists():
            pytest.skip("build the proxy first: cargo build --example xks_proxy")
        command = [str(program), "--port", str(port), *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.endpoint = self.process.stdout.readline().split()[1]
        assert self.process.stdout.readline().strip() == "Ready."

    @property
    def port(self):
        return int(self.endpoint.rsplit(":", 1)[1])

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=30)
        self.process.stdout.close()


@pytest.fixture
def proxy():
    proxy = Proxy("--key", "payroll", "--key", "ledger", "--disabled", "retired")
    yield proxy
    proxy.stop()


def external_store(kms, proxy, **changed):
    settings = {
        "CustomKeyStoreName": "outside",
        "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
        "XksProxyUriEndpoint": proxy.endpoint,
        "XksProxyUriPath": PATH,
        "XksProxyAuthenticationCredential": CREDENTIAL,
        "XksProxyConnectivity": "PUBLIC_ENDPOINT",
        **changed,
    }
    return kms.create_custom_key_store(**settings)["CustomKeyStoreId"]


def cluster_store(kms, name="inside", cluster="cluster-abcdefghijk"):
    return kms.create_custom_key_store(
        CustomKeyStoreName=name,
        CloudHsmClusterId=cluster,
        TrustAnchorCertificate="the certificate of the cluster",
        KeyStorePassword="kmsuser-password",
    )["CustomKeyStoreId"]


def state(kms, store):
    [entry] = kms.describe_custom_key_stores(CustomKeyStoreId=store)["CustomKeyStores"]
    return entry["ConnectionState"], entry.get("ConnectionErrorCode")


def connect(kms, store):
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    assert state(kms, store) == ("CONNECTED", None)


def external_key(kms, store, name="payroll"):
    made = kms.create_key(Origin="EXTERNAL_KEY_STORE", CustomKeyStoreId=store, XksKeyId=name)
    return made["KeyMetadata"]


def patiently(call, **arguments):
    """A proxy has 250 ms; a machine that is busy testing may need another try."""
    for _ in range(20):
        try:
            return call(**arguments)
        except Exception as error:
            if "did not respond in time" not in str(error):
                raise
            time.sleep(0.2)
    return call(**arguments)


def test_what_an_external_key_seals_needs_both_keys(kms, proxy, refused):
    store = external_store(kms, proxy)
    connect(kms, store)
    key = external_key(kms, store)
    assert (key["Origin"], key["XksKeyConfiguration"], key["CustomKeyStoreId"]) == (
        "EXTERNAL_KEY_STORE",
        {"Id": "payroll"},
        store,
    )
    context = {"month": "May"}
    blob = patiently(kms.encrypt, KeyId=key["KeyId"], Plaintext=b"salary", EncryptionContext=context)["CiphertextBlob"]
    assert patiently(kms.decrypt, CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"salary"
    wrong = refused("KMSInvalidStateException", kms.decrypt, CiphertextBlob=blob)["Error"]["Message"]
    assert wrong.startswith("The external key store proxy rejected the request because the specified ciphertext")
    port = proxy.port
    proxy.stop()
    cut = refused("KMSInvalidStateException", kms.decrypt, CiphertextBlob=blob, EncryptionContext=context)
    assert cut["Error"]["Message"].startswith("AWS KMS cannot communicate with the external key store proxy.")
    again = Proxy("--key", "payroll", port=port)
    assert patiently(kms.decrypt, CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"salary"
    again.stop()
    forger = Proxy("--key", "payroll", "--seed", "another external key", port=port)
    refused("KMSInvalidStateException", kms.decrypt, CiphertextBlob=blob, EncryptionContext=context)
    forger.stop()


def test_data_keys_and_re_encryption_pass_through_the_proxy(kms, key, proxy):
    store = external_store(kms, proxy)
    connect(kms, store)
    outside = external_key(kms, store)["KeyId"]
    made = patiently(kms.generate_data_key, KeyId=outside, KeySpec="AES_256")
    assert patiently(kms.decrypt, CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]
    sealed = patiently(kms.generate_data_key_without_plaintext, KeyId=outside, KeySpec="AES_128")["CiphertextBlob"]
    assert len(patiently(kms.decrypt, CiphertextBlob=sealed)["Plaintext"]) == 16
    home = patiently(kms.re_encrypt, CiphertextBlob=made["CiphertextBlob"], DestinationKeyId=key["KeyId"])
    proxy.stop()
    assert kms.decrypt(CiphertextBlob=home["CiphertextBlob"])["Plaintext"] == made["Plaintext"]


def test_the_inner_layer_alone_opens_nothing(kms, proxy):
    store = external_store(kms, proxy)
    connect(kms, store)
    outside = external_key(kms, store)["KeyId"]
    blob = patiently(kms.encrypt, KeyId=outside, Plaintext=os.urandom(4096))["CiphertextBlob"]
    assert blob[:5] == bytes([1, 2, 2, 1, 0x78]) and len(blob) <= 6144
    once = bytes([*blob[:3], 0, *blob[4:]])
    with pytest.raises(kms.exceptions.InvalidCiphertextException):
        kms.decrypt(CiphertextBlob=once)
    for at in range(0, len(blob), 397):
        bent = bytearray(blob)
        bent[at] ^= 1
        with pytest.raises(kms.exceptions.ClientError):
            kms.decrypt(CiphertextBlob=bytes(bent))


def test_external_keys_are_asked_what_they_are(kms, proxy, refused):
    store = external_store(kms, proxy)
    where = {"Origin": "EXTERNAL_KEY_STORE", "CustomKeyStoreId": store}
    refused("CustomKeyStoreInvalidStateException", kms.create_key, XksKeyId="payroll", **where)
    connect(kms, store)
    refused("XksKeyNotFoundException", kms.create_key, XksKeyId="nobody", **where)
    refused("XksKeyInvalidConfigurationException", kms.create_key, XksKeyId="retired", **where)
    refused("ValidationException", kms.create_key, **where)
    external_key(kms, store)
    refused("XksKeyAlreadyInUseException", kms.create_key, XksKeyId="payroll", **where)
    external_key(kms, store, "ledger")


def test_a_proxy_is_tried_before_a_store_is_made(kms, proxy, refused):
    def create(code, **changed):
        error = refused(code, external_store, kms=kms, proxy=proxy, **changed)
        return error["Error"]["Message"]

    wrong = {**CREDENTIAL, "RawSecretAccessKey": "x" * 43}
    create("XksProxyIncorrectAuthenticationCredentialException", XksProxyAuthenticationCredential=wrong)
    create("XksProxyInvalidConfigurationException", XksProxyUriPath="/elsewhere/kms/xks/v1")
    create("XksProxyUriUnreachableException", XksProxyUriEndpoint="http://127.0.0.1:1")
    assert "regular expression" in create("ValidationException", XksProxyUriEndpoint="http://proxy.example")
    store = external_store(kms, proxy)
    create("CustomKeyStoreNameInUseException")
    create("XksProxyUriInUseException", CustomKeyStoreName="second")
    [entry] = kms.describe_custom_key_stores()["CustomKeyStores"]
    assert entry["XksProxyConfiguration"] == {
        "Connectivity": "PUBLIC_ENDPOINT",
        "AccessKeyId": CREDENTIAL["AccessKeyId"],
        "UriEndpoint": proxy.endpoint,
        "UriPath": PATH,
    }
    kms.update_custom_key_store(CustomKeyStoreId=store, NewCustomKeyStoreName="renamed")
    assert kms.describe_custom_key_stores(CustomKeyStoreName="renamed")["CustomKeyStores"][0]["CustomKeyStoreId"] == store


def test_a_slow_proxy_and_a_false_one_are_not_believed(kms, refused):
    for flag, says in [(("--delay-ms", "600"), "did not respond in time"), (("--corrupt",), "cannot interpret")]:
        proxy = Proxy("--key", "payroll", *flag)
        store = external_store(kms, proxy, CustomKeyStoreName=flag[0])
        connect(kms, store)
        key = external_key(kms, store)["KeyId"]
        assert says in refused("KMSInvalidStateException", kms.encrypt, KeyId=key, Plaintext=b"x")["Error"]["Message"]
        proxy.stop()


def test_a_connection_fails_with_a_reason_and_can_be_tried_again(kms, proxy, refused):
    store = external_store(kms, proxy)
    port = proxy.port
    proxy.stop()
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    assert state(kms, store) == ("FAILED", "XKS_PROXY_NOT_REACHABLE")
    refused("CustomKeyStoreInvalidStateException", kms.connect_custom_key_store, CustomKeyStoreId=store)
    again = Proxy("--key", "payroll", port=port)
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    connect(kms, store)
    again.stop()


def test_a_store_of_a_cluster_lives_through_a_restart():
    server = Server()
    people = People(server)
    kms = people.root("kms")
    store = cluster_store(kms)
    connect(kms, store)
    key = kms.create_key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=store)["KeyMetadata"]
    assert (key["CloudHsmClusterId"], key["KeyState"]) == ("cluster-abcdefghijk", "Enabled")
    blob = kms.encrypt(KeyId=key["KeyId"], Plaintext=b"kept")["CiphertextBlob"]
    server.stop()
    server.start()
    kms = people.root("kms")
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"kept"
    for number in (1, 2, 3):
        server.control(f"/_sim/hsm/{number}/tamper", {})
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"kept", "the cluster is a domain of its own"
    server.close()


def test_a_cluster_is_starved_and_fed(server, people, kms, refused):
    store = cluster_store(kms)
    connect(kms, store)
    key = kms.create_key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=store)["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    name = f"{people.account}/us-east-1/cluster-abcdefghijk"
    status = server.control("/_sim/hsm/cluster", {"cluster": name, "hsms": 0})
    assert {"cluster": name, "hsms": 0} in status["clusters"]
    refused("KMSInvalidStateException", kms.decrypt, CiphertextBlob=blob)
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    assert state(kms, store) == ("FAILED", "INSUFFICIENT_CLOUDHSM_HSMS")
    server.control("/_sim/hsm/cluster", {"cluster": name, "hsms": 2})
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    connect(kms, store)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_disconnected_keys_are_unavailable(kms, refused):
    store = cluster_store(kms)
    connect(kms, store)
    key = kms.create_key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=store)["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Unavailable"
    refused("KMSInvalidStateException", kms.decrypt, CiphertextBlob=blob)
    refused("CustomKeyStoreHasCMKsException", kms.delete_custom_key_store, CustomKeyStoreId=store)
    connect(kms, store)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_stores_are_of_one_account_and_need_permission(server, people, kms, refused):
    store = cluster_store(kms)
    stranger = server.client("kms", key=new_account())
    refused("CustomKeyStoreNotFoundException", stranger.connect_custom_key_store, CustomKeyStoreId=store)
    assert stranger.describe_custom_key_stores()["CustomKeyStores"] == []
    user = people.user("reader", ["kms:DescribeCustomKeyStores"])("kms")
    assert len(user.describe_custom_key_stores()["CustomKeyStores"]) == 1
    refused("AccessDeniedException", user.connect_custom_key_store, CustomKeyStoreId=store)


def test_s3_and_its_reader_go_through_the_proxy(people, kms, proxy):
    store = external_store(kms, proxy)
    connect(kms, store)
    key = external_key(kms, store)["Arn"]
    s3 = people.root("s3")
    bucket = f"outside-{people.account}"
    s3.create_bucket(Bucket=bucket)
    put = {"Bucket": bucket, "Key": "a", "Body": b"sealed twice", "ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
    patiently(s3.put_object, **put)
    assert patiently(s3.get_object, Bucket=bucket, Key="a")["Body"].read() == b"sealed twice"
    proxy.stop()
    with pytest.raises(s3.exceptions.ClientError):
        s3.get_object(Bucket=bucket, Key="a")


def test_the_credential_is_neither_shown_nor_stored_in_the_clear(proxy):
    server = Server()
    kms = People(server).root("kms")
    external_store(kms, proxy)
    events = server.control("/_sim/events?format=json")
    assert CREDENTIAL["RawSecretAccessKey"] not in str(events)
    server.stop()
    tables = pathlib.Path(server.state, "tables.redb").read_bytes()
    assert CREDENTIAL["RawSecretAccessKey"].encode() not in tables
    assert base64.b64encode(CREDENTIAL["RawSecretAccessKey"].encode()) not in tables
    server.close()
