"""A server to test against, and the people of its accounts."""

import atexit
import itertools
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import boto3
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parents[2]
REGION = "us-east-1"
_accounts = itertools.count(100000000001)


def executable():
    """The program under test: SSE_SIM_EXE, or the debug build of this checkout."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return os.environ.get("SSE_SIM_EXE", str(target / "debug" / "sse-sim"))


def new_account():
    """An account that nobody used before: its twelve digits are an access key of its root."""
    return str(next(_accounts))


class Server:
    """`sse-sim up` on a free port, with a state folder of its own."""

    def __init__(self, *flags, state=None, env=None):
        self.own = tempfile.TemporaryDirectory(prefix="sse-sim-test-")
        self.state = state or os.path.join(self.own.name, "state")
        self.mount = os.path.join(self.own.name, "mnt")
        self.flags = list(flags)
        self.env = {**os.environ, **(env or {})}
        # A test that fails before it closes its server must not leave it running.
        atexit.register(self.close)
        self.start()

    def start(self):
        """Starts (again) and waits for `Ready.`"""
        command = [executable(), "up", "--port", "0", "--state", self.state, *self.flags]
        self.log = open(os.path.join(self.own.name, "log"), "a+b")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True, env=self.env)
        self.endpoint = None
        for line in self.process.stdout:
            if line.startswith("endpoint "):
                self.endpoint = line.split()[1]
            if line.strip() == "Ready.":
                return
        self.log.seek(0)
        raise RuntimeError("the server did not start: " + self.log.read().decode()[-2000:])

    def stop(self, how=signal.SIGTERM):
        """Stops it; SIGKILL is a crash."""
        self.process.send_signal(how)
        code = self.process.wait(timeout=60)
        self.process.stdout.close()
        self.log.close()
        return code

    def close(self):
        """Stops it for good. Once is enough, twice does no harm."""
        if self.process.poll() is None:
            self.stop()
        self.own.cleanup()
        atexit.unregister(self.close)

    def control(self, path, body=None):
        """Asks the control plane, or tells it something."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.endpoint + path, data=data, headers={"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def client(self, service, key="000000000000", secret="secret", token=None, region=REGION, **config):
        """A boto3 client that tries once."""
        config.setdefault("retries", {"total_max_attempts": 1, "mode": "standard"})
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(**config),
        )


class People:
    """One account: its root, and IAM users made on demand."""

    def __init__(self, server, region=REGION):
        self.server = server
        self.region = region
        self.account = new_account()
        self.iam = self.root("iam")

    def root(self, service, **options):
        """A client of the account's root."""
        options.setdefault("region", self.region)
        return self.server.client(service, key=self.account, **options)

    def user(self, name, actions="*", policy=None):
        """Makes a user and gives a factory of its clients."""
        self.iam.create_user(UserName=name)
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        document = policy or {"Version": "2012-10-17", "Statement": [statement]}
        self.iam.put_user_policy(UserName=name, PolicyName="test", PolicyDocument=json.dumps(document))
        key = self.iam.create_access_key(UserName=name)["AccessKey"]

        def client(service, **options):
            options.setdefault("region", self.region)
            return self.server.client(service, key=key["AccessKeyId"], secret=key["SecretAccessKey"], **options)

        client.key, client.secret = key["AccessKeyId"], key["SecretAccessKey"]
        return client


def shell(server, script, folder, key, secret="secret", region=REGION, check=True):
    """Runs a script of real aws commands in a folder, as a user would."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    env.update(
        AWS_ENDPOINT_URL=server.endpoint,
        AWS_ACCESS_KEY_ID=key,
        AWS_SECRET_ACCESS_KEY=secret,
        AWS_DEFAULT_REGION=region,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_PAGER="",
        AWS_MAX_ATTEMPTS="1",
        AWS_CONFIG_FILE="/dev/null",
        AWS_SHARED_CREDENTIALS_FILE="/dev/null",
        PATH=os.pathsep.join([os.path.dirname(sys.executable), os.path.dirname(executable()), env.get("PATH", "")]),
    )
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=env, capture_output=True, text=True, timeout=120
    )
    if check:
        assert ran.returncode == 0, f"{script}\n{ran.stdout}{ran.stderr}"
    return ran


def wait_until(true, seconds=20):
    """Waits for something to become true; gives its value."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := true():
            return value
        time.sleep(0.05)
    raise AssertionError("it did not become true")
