"""The ledger's claim, held against the memory of the server: while a volume is attached its key is there exactly once,
and afterwards nowhere.

The wrapped key is found where the server keeps it, on disk, by the header that names the key material; the public Decrypt
opens it for the account's root, and the bytes are then searched for in the server's memory.
"""

import glob
import os
import re

import pytest
from support import People, Server, wait_until
from test_ebs import device_of
from test_state import attach

BLOB_LENGTH = 220

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="reading another process's memory needs root")


@pytest.fixture
def server():
    """A server of this test's own."""
    server = Server()
    yield server
    server.close()


def wrapped_key(server, material):
    """The one ciphertext blob on disk that this key material wrapped."""
    header = bytes.fromhex("0102030078") + bytes.fromhex(material)
    found = set()
    for path in glob.glob(f"{server.state}/*.redb"):
        with open(path, "rb") as file:
            data = file.read()
        found |= {data[match.start() : match.start() + BLOB_LENGTH] for match in re.finditer(re.escape(header), data)}
    [blob] = found
    return blob


def count_in_memory(pid, needle):
    """How often some bytes stand in a process's writable memory."""
    total = 0
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, permissions = line.split()[:2]
            if not permissions.startswith("rw"):
                continue
            start, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(start)
                data = memory.read(end - start)
            except OSError:
                continue
            total += data.count(needle)
    return total


def places(server, volume):
    """What the ledger says of a volume's key."""
    return server.control("/_sim/keys")["subjects"][f"volume/{volume}"]


def test_the_key_is_in_memory_exactly_while_attached(server):
    people = People(server)
    kms, ec2 = people.root("kms"), people.root("ec2")
    key = kms.create_key()["KeyMetadata"]
    _, volume = attach(people, KmsKeyId=key["KeyId"])
    with open(device_of(server, volume), "r+b", buffering=0) as device:
        device.write(os.urandom(65536))
        os.fsync(device.fileno())
    blob = wrapped_key(server, key["CurrentKeyMaterialId"])
    data_key = kms.decrypt(CiphertextBlob=blob, EncryptionContext={"aws:ebs:id": volume})["Plaintext"]
    assert len(data_key) == 64
    halves = (data_key[:32], data_key[32:])
    assert [count_in_memory(server.process.pid, half) for half in halves] == [1, 1]
    assert places(server, volume)["hypervisor.memory"] | {"since": None} == {
        "form": "plaintext",
        "copies": 1,
        "since": None,
    }
    ec2.detach_volume(VolumeId=volume)
    wait_until(lambda: "hypervisor.memory" not in places(server, volume))
    assert [count_in_memory(server.process.pid, half) for half in halves] == [0, 0]
    assert places(server, volume)["ebs.metadata"]["form"] == {"wrapped": {"by": key["Arn"]}}
