"""The command line is tested with the same servers as the clients."""

import os
import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "boto3"))

from support import Server, executable  # noqa: E402


@pytest.fixture(scope="session")
def server():
    """A server in open mode."""
    server = Server("--seed", "2")
    yield server
    server.close()


@pytest.fixture
def sse_sim(tmp_path):
    """Runs the program in a folder of the test; gives exit code, stdout, stderr."""

    def run(*arguments, env=None, timeout=120):
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SSE_SIM_"))}
        clean["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), clean.get("PATH", "")])
        command = [executable(), *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env={**clean, **(env or {})}, capture_output=True, text=True, timeout=timeout
        )

    return run
