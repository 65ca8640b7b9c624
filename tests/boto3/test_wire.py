"""The door: signatures, protocols, limits and bad input, each answered as AWS would."""

import http.client
import json
import socket
import urllib.parse

import pytest

from support import People, Server


@pytest.fixture(scope="module")
def strict():
    """A server that verifies everybody; its users are made in an open life of the same state."""
    server = Server()
    people = People(server)
    user = people.user("mary")
    server.stop()
    server.flags.append("--auth=verify")
    server.start()
    yield server, user.key, user.secret
    server.close()


def raw(server, method="POST", path="/", headers=None, body=b""):
    """A request as it stands: status, headers, body."""
    host = urllib.parse.urlsplit(server.endpoint).netloc
    connection = http.client.HTTPConnection(host, timeout=30)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in {"Host": host, "Content-Length": str(len(body)), **(headers or {})}.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(body)
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read()


def scope(service, key="111122223333"):
    """An Authorization header that names who, where and what, and signs nothing."""
    credential = f"{key}/20260101/us-east-1/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"}


def kms_headers(operation):
    return {"X-Amz-Target": f"TrentService.{operation}", "Content-Type": "application/x-amz-json-1.1", **scope("kms")}


def test_a_good_signature_is_let_in(strict):
    server, key, secret = strict
    assert server.client("sts", key=key, secret=secret).get_caller_identity()["Arn"].endswith("user/mary")


@pytest.mark.parametrize(
    "service, call, code",
    [
        ("kms", "list_keys", "InvalidSignatureException"),
        ("sts", "get_caller_identity", "SignatureDoesNotMatch"),
        ("ec2", "describe_volumes", "AuthFailure"),
        ("s3", "list_buckets", "SignatureDoesNotMatch"),
    ],
)
def test_a_wrong_secret_is_refused_in_each_protocol(strict, refused, service, call, code):
    server, key, _ = strict
    refused(code, getattr(server.client(service, key=key, secret="wrong"), call))


@pytest.mark.parametrize(
    "service, call, code, status",
    [
        ("kms", "list_keys", "UnrecognizedClientException", 400),
        ("sts", "get_caller_identity", "InvalidClientTokenId", 403),
        ("ec2", "describe_volumes", "AuthFailure", 401),
        ("s3", "list_buckets", "InvalidAccessKeyId", 403),
    ],
)
def test_verify_mode_knows_nobody_but_its_own(strict, refused, service, call, code, status):
    server, _, _ = strict
    answer = refused(code, getattr(server.client(service, key="111122223333"), call))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status


def test_open_mode_still_verifies_the_keys_that_it_made(server, people, refused):
    user = people.user("mary")
    refused("InvalidSignatureException", server.client("kms", key=user.key, secret="wrong").list_keys)


def test_open_mode_looks_at_nothing_of_an_unknown_keys_signature(server):
    status, _, body = raw(server, headers=kms_headers("ListKeys"), body=b"{}")
    assert status == 200 and "Keys" in json.loads(body)


def test_every_answer_says_that_it_is_a_simulator(server):
    _, headers, _ = raw(server, headers=kms_headers("ListKeys"), body=b"{}")
    assert {name.lower(): value for name, value in headers.items()}["x-sse-sim"] == "simulator"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"KeyId": 7}', b"\xff\xfe", b'{"KeyId": "a", "KeyId"'])
def test_bad_json(server, body):
    status, headers, answer = raw(server, headers=kms_headers("DescribeKey"), body=body)
    assert status == 400
    assert json.loads(answer)["__type"] == "SerializationException"


def test_an_upload_that_is_refused_before_its_body_ends_the_connection(server, people):
    """Whoever asked for 100-continue never sends the body, so the next request must not come this way."""
    host = urllib.parse.urlsplit(server.endpoint)
    headers = {"Host": host.netloc, "Content-Length": "40", "Expect": "100-continue", **scope("s3", people.account)}
    lines = ["PUT /no-such-bucket-anywhere/key HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    with socket.create_connection((host.hostname, host.port), timeout=30) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.status == 404
        assert answer.getheader("Connection") == "close"


def test_an_unknown_operation_of_json(server):
    status, _, body = raw(server, headers=kms_headers("OpenSesame"), body=b"{}")
    assert status == 400 and json.loads(body)["__type"].endswith("UnknownOperationException")


@pytest.mark.parametrize("service", ["iam", "ec2"])
def test_an_unknown_action_of_query(server, service):
    form = {"Content-Type": "application/x-www-form-urlencoded", **scope(service)}
    status, _, body = raw(server, headers=form, body=b"Action=OpenSesame&Version=2016-11-15")
    assert status == 400 and b"<Code>InvalidAction</Code>" in body
    assert (b"<RequestID>" in body) == (service == "ec2"), "each dialect has its own spelling"


def test_a_body_that_is_too_large(server):
    headers = {**kms_headers("Encrypt"), "Content-Length": str(64 << 20)}
    host = urllib.parse.urlsplit(server.endpoint)
    with socket.create_connection((host.hostname, host.port), timeout=30) as connection:
        lines = [f"{name}: {value}" for name, value in {"Host": host.netloc, **headers}.items()]
        connection.sendall(("POST / HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n").encode())
        status = connection.recv(64).decode()
    assert status.split()[1] in ("400", "413"), status


@pytest.mark.parametrize("path", ["/bucket/../../etc/passwd", "/bucket/%2e%2e/%2e%2e/etc/passwd", "/bucket/a%00b", "/..%2f..%2fetc"])
def test_paths_lead_nowhere_but_into_buckets(server, path):
    status, _, body = raw(server, method="GET", path=path, headers=scope("s3"))
    assert 400 <= status < 500 and b"root:" not in body


def test_keys_that_look_like_paths_are_only_names(server, people, s3):
    s3.create_bucket(Bucket=f"odd-{people.account}")
    for key in ("../../etc/passwd", "a//b", "./x", "x/../y", "a\\b", "ünï cødé"):
        s3.put_object(Bucket=f"odd-{people.account}", Key=key, Body=key.encode())
        assert s3.get_object(Bucket=f"odd-{people.account}", Key=key)["Body"].read() == key.encode()


@pytest.mark.parametrize("name", ["UPPER", "a", "a..b", "-a-", "192.168.1.1", "x" * 64])
def test_bucket_names_are_checked(server, people, name):
    status, _, body = raw(server, method="PUT", path="/" + name, headers=scope("s3", people.account))
    assert status == 400 and b"InvalidBucketName" in body


def test_bad_xml(server, people, s3):
    bucket = f"xml-{people.account}"
    s3.create_bucket(Bucket=bucket)
    status, _, body = raw(server, "PUT", f"/{bucket}?encryption", scope("s3", people.account), b"<Oops>")
    assert status == 400 and b"<Code>MalformedXML</Code>" in body


def test_a_sub_resource_of_objects_that_is_unknown_never_overwrites(server, people, s3):
    bucket = f"sub-{people.account}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a", Body=b"precious")
    status, _, _ = raw(server, "PUT", f"/{bucket}/a?encryption", scope("s3", people.account), b"<X/>")
    assert status >= 400
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"precious"


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}])
def test_the_control_plane_is_for_this_machine(server, headers):
    status, _, body = raw(server, method="GET", path="/_sim/health", headers=headers)
    assert status == 403 and body


def test_health_under_the_names_that_scripts_know(server):
    for path in ("/_sim/health", "/_localstack/health", "/health"):
        assert "kms" in server.control(path)["services"]


def test_buckets_are_found_by_host_name_too(server, people, s3):
    bucket = f"host-{people.account}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a", Body=b"found")
    port = urllib.parse.urlsplit(server.endpoint).port
    for host in (f"{bucket}.localhost:{port}", f"{bucket}.s3.localhost:{port}"):
        status, _, body = raw(server, "GET", "/a", {"Host": host, **scope("s3", people.account)})
        assert (status, body) == (200, b"found")


def test_a_second_server_on_the_same_state_refuses_to_start():
    import subprocess

    from support import executable

    server = Server()
    try:
        command = [executable(), "up", "--port", "0", "--state", server.state]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert ran.returncode != 0 and "state" in ran.stderr
    finally:
        server.close()


def test_another_address_needs_verification():
    import subprocess

    from support import executable

    command = [executable(), "up", "--port", "0", "--ephemeral", "--bind", "0.0.0.0"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 2 and "verify" in ran.stderr
