"""Fixtures: one open server for the session, one that verifies, and a fresh account for each test."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from support import People, Server, shell  # noqa: E402


@pytest.fixture(scope="session")
def server():
    """A server in open mode."""
    server = Server("--seed", "1")
    yield server
    server.close()


@pytest.fixture
def people(server):
    """A fresh account."""
    return People(server)


@pytest.fixture
def kms(people):
    """KMS as the account's root."""
    return people.root("kms")


@pytest.fixture
def s3(people):
    """S3 as the account's root."""
    return people.root("s3")


@pytest.fixture
def ec2(people):
    """EC2 as the account's root."""
    return people.root("ec2")


@pytest.fixture
def key(kms):
    """A key of the account: its metadata."""
    return kms.create_key(Description="test")["KeyMetadata"]


@pytest.fixture
def aws(server, people, tmp_path):
    """Runs scripts of aws commands as the account's root, in a folder of the test."""

    def run(script, **options):
        options.setdefault("key", people.account)
        return shell(server, script, options.pop("folder", tmp_path), **options)

    return run


@pytest.fixture
def refused():
    """Asserts that a call is refused with a code, and gives the error."""
    from botocore.exceptions import ClientError

    def check(code, call, **arguments):
        with pytest.raises(ClientError) as caught:
            call(**arguments)
        error = caught.value.response["Error"]
        assert error["Code"] == code, error
        return caught.value.response

    return check
