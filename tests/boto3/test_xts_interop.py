"""A volume's file is `aes-xts-plain64`: somebody else's XTS opens it, given the key.

A storage server hands no key out, so this test is its KMS: a stand-in on a port of its own, to which the server is
pointed with --kms, and which remembers every data key that it made.
"""

import base64
import http.server
import json
import os
import threading
import urllib.parse

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from support import People, Server
from test_ebs import device_of

SECTOR = 512
KEY_ARN = "arn:aws:kms:us-east-1:444455556666:key/11111111-2222-4333-8444-555555555555"
CALLER = "arn:aws:iam::444455556666:user/storage"


class StandIn(http.server.BaseHTTPRequestHandler):
    """A KMS without any secrecy."""

    keys = {}
    calls = []

    def do_POST(self):  # noqa: N802 - the name that http.server wants
        body = self.rfile.read(int(self.headers["Content-Length"]))
        target = self.headers.get("X-Amz-Target")
        if target is None:
            assert b"GetCallerIdentity" in body
            answer = f"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{CALLER}</Arn><UserId>AIDA</UserId>"
            answer += "<Account>444455556666</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
            return self.answer(answer, "text/xml")
        operation = target.removeprefix("TrentService.")
        self.calls.append((operation, json.loads(body)))
        return self.answer(json.dumps(getattr(self, operation)(json.loads(body))), "application/x-amz-json-1.1")

    def answer(self, text, kind):
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass

    def DescribeKey(self, _):  # noqa: N802
        metadata = {"KeyId": KEY_ARN[-36:], "Arn": KEY_ARN, "AWSAccountId": "444455556666", "Enabled": True}
        metadata.update(KeyState="Enabled", KeyUsage="ENCRYPT_DECRYPT", KeySpec="SYMMETRIC_DEFAULT", Origin="AWS_KMS")
        metadata.update(KeyManager="CUSTOMER", CreationDate=1768467600.0, Description="", MultiRegion=False)
        metadata.update(CustomerMasterKeySpec="SYMMETRIC_DEFAULT", EncryptionAlgorithms=["SYMMETRIC_DEFAULT"])
        return {"KeyMetadata": metadata}

    def GenerateDataKeyWithoutPlaintext(self, request):  # noqa: N802
        blob = base64.b64encode(os.urandom(40)).decode()
        self.keys[request["EncryptionContext"]["aws:ebs:id"]] = self.keys[blob] = os.urandom(request["NumberOfBytes"])
        return {"CiphertextBlob": blob, "KeyId": KEY_ARN, "KeyMaterialId": "0" * 64}

    def CreateGrant(self, request):  # noqa: N802
        assert request["GranteePrincipal"] == CALLER, "elsewhere, grants are made to the storage process itself"
        return {"GrantId": "a" * 64, "GrantToken": "token"}

    def Decrypt(self, request):  # noqa: N802
        plaintext = base64.b64encode(self.keys[request["CiphertextBlob"]]).decode()
        return {"KeyId": KEY_ARN, "Plaintext": plaintext, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT", "KeyMaterialId": "0" * 64}

    def RetireGrant(self, _):  # noqa: N802
        return {}


@pytest.fixture(scope="module")
def storage():
    """A storage server whose KMS is the stand-in."""
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    own = {"AWS_ACCESS_KEY_ID": "AKIDSTORAGE", "AWS_SECRET_ACCESS_KEY": "s", "AWS_DEFAULT_REGION": "us-east-1"}
    server = Server("--services", "ec2,ebs,iam,sts", "--kms", f"http://127.0.0.1:{listener.server_port}", env=own)
    yield server
    server.close()
    listener.shutdown()


@pytest.fixture
def attached(storage):
    """An attached volume: its id, device file, ciphertext file and key."""
    ec2 = People(storage).root("ec2")
    image = {"ImageId": "ami-0123456789abcdef0", "MinCount": 1, "MaxCount": 1}
    host = ec2.run_instances(Placement={"AvailabilityZone": "us-east-1a"}, **image)["Instances"][0]["InstanceId"]
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1, Encrypted=True, KmsKeyId=KEY_ARN)["VolumeId"]
    ec2.attach_volume(VolumeId=volume, InstanceId=host, Device="/dev/sdf")
    [data] = storage.control(f"/_sim/disk?subject={urllib.parse.quote('volume/' + volume)}")["files"]
    yield device_of(storage, volume), data, StandIn.keys[volume]
    ec2.detach_volume(VolumeId=volume)


def xts(key, sector):
    """Python's XTS for one data unit."""
    return Cipher(algorithms.AES(key), modes.XTS(sector.to_bytes(16, "little")))


def test_python_decrypts_the_volumes_file(attached):
    device, data, key = attached
    assert len(key) == 64
    written = os.urandom(64 * SECTOR)
    first = 123_456
    with open(device, "r+b", buffering=0) as file:
        file.seek(first * SECTOR)
        file.write(written)
        os.fsync(file.fileno())
    with open(data, "rb") as file:
        file.seek(first * SECTOR)
        stored = file.read(len(written))
    opened = b""
    for index in range(64):
        decryptor = xts(key, first + index).decryptor()
        opened += decryptor.update(stored[index * SECTOR : (index + 1) * SECTOR]) + decryptor.finalize()
    assert opened == written


def test_the_volume_reads_what_python_encrypted(attached):
    device, data, key = attached
    sector = 77
    text = b"written from outside".ljust(SECTOR, b"!")
    encryptor = xts(key, sector).encryptor()
    with open(data, "r+b") as file:
        file.seek(sector * SECTOR)
        file.write(encryptor.update(text) + encryptor.finalize())
    with open(device, "rb", buffering=0) as file:
        file.seek(sector * SECTOR)
        assert file.read(SECTOR) == text


def test_elsewhere_the_order_of_calls_is_the_same(attached):
    operations = [operation for operation, _ in StandIn.calls if operation != "DescribeKey"]
    last = len(operations) - operations[::-1].index("GenerateDataKeyWithoutPlaintext") - 1
    assert operations[last : last + 3] == ["GenerateDataKeyWithoutPlaintext", "CreateGrant", "Decrypt"]
