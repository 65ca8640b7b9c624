"""What the command line promises: exit codes, data on stdout, words on stderr, no colours in a pipe."""

import json
import os
import subprocess

import pytest

LESSON = """
scenario: small
title: A small lesson
world:
  account: "222233334444"
  principals:
    admin: {allow: "*"}
steps:
  - id: make
    title: Make a key
    as: admin
    run: aws kms create-key
    capture: {KEY: KeyMetadata.KeyId}
    expect:
      result: {KeyMetadata.KeyState: Enabled}
      trail: [{event: CreateKey, by: admin}]
      keys: {kms/$KEY: {hsm: plaintext, kms.store: wrapped, elsewhere: absent}}
cleanup:
  - aws kms schedule-key-deletion --key-id $KEY --pending-window-in-days 7
"""


@pytest.fixture
def lesson(tmp_path):
    """A file with the small lesson."""
    path = tmp_path / "small.scenario.yaml"
    path.write_text(LESSON)
    return path


def test_env_points_the_aws_cli_at_the_server(sse_sim, server):
    printed = sse_sim("env", "--endpoint", server.endpoint).stdout
    ran = subprocess.run(["bash", "-euc", f"{printed}\necho $AWS_ENDPOINT_URL"], capture_output=True, text=True, timeout=30)
    assert ran.stdout.strip() == server.endpoint, printed


def test_health(sse_sim, server):
    ran = sse_sim("health", "--endpoint", server.endpoint)
    assert ran.returncode == 0 and "kms" in ran.stdout


@pytest.mark.parametrize("command", [["health"], ["keys"], ["scenario", "run", "first-secret", "--target"]])
def test_nobody_at_home_is_four(sse_sim, command):
    where = ["http://127.0.0.1:9"] if command[-1] == "--target" else ["--endpoint", "http://127.0.0.1:9"]
    ran = sse_sim(*command, *where)
    assert ran.returncode == 4
    assert "127.0.0.1:9" in ran.stdout + ran.stderr and "sse-sim up" in ran.stdout + ran.stderr


def test_nonsense_is_two(sse_sim):
    assert sse_sim("open-sesame").returncode == 2
    assert sse_sim("up", "--port", "seven").returncode == 2


def test_a_lesson_with_an_unknown_field_is_two_and_shown(sse_sim, lesson):
    lesson.write_text(LESSON.replace("capture:", "captrue:"))
    for verb in ("lint", "run", "test"):
        ran = sse_sim("scenario", verb, str(lesson))
        assert ran.returncode == 2
        assert "unknown field `captrue`" in ran.stdout + ran.stderr and "small.scenario.yaml:13" in ran.stdout + ran.stderr


def test_a_lesson_that_does_not_exist_is_two_and_names_those_that_do(sse_sim):
    ran = sse_sim("scenario", "lint", "no-such-lesson")
    assert ran.returncode == 2 and "first-secret" in ran.stdout + ran.stderr


def test_the_library_is_sound(sse_sim):
    ran = sse_sim("scenario", "lint")
    assert ran.returncode == 0 and ran.stdout.count("scenario.yaml") == 4


def test_a_lesson_is_told(sse_sim, lesson):
    ran = sse_sim("scenario", "run", str(lesson))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "$ aws kms create-key" in ran.stdout and "admin ──▶ kms" in ran.stdout
    assert "\x1b[" not in ran.stdout, "no colours in a pipe"


def test_a_false_expectation_is_one(sse_sim, lesson):
    lesson.write_text(LESSON.replace("Enabled", "Disabled"))
    ran = sse_sim("scenario", "test", str(lesson))
    assert ran.returncode == 1 and "saw Enabled" in ran.stdout


def test_a_lesson_as_json(sse_sim, lesson):
    ran = sse_sim("scenario", "run", "--json", str(lesson))
    line = json.loads(ran.stdout)
    assert (line["exit"], line["checks"]["failed"]) == (0, 0)
    assert line["steps"][0]["trail"] == [
        {"event": "CreateKey", "service": "kms", "by": "admin", "invokedBy": None, "errorCode": None}
    ]


def test_a_lesson_on_a_running_server_leaves_nobody_behind(sse_sim, server, lesson):
    for _ in range(2):
        ran = sse_sim("scenario", "test", "--target", server.endpoint, str(lesson))
        assert ran.returncode == 0, ran.stdout + ran.stderr
    assert server.client("iam", key="222233334444").list_users()["Users"] == []


def test_without_the_aws_cli_a_lesson_is_three(sse_sim, lesson, tmp_path):
    bare = tmp_path / "bin"
    bare.mkdir()
    for tool in ("bash", "env"):
        os.symlink(f"/usr/bin/{tool}" if os.path.exists(f"/usr/bin/{tool}") else f"/bin/{tool}", bare / tool)
    ran = sse_sim("scenario", "run", str(lesson), env={"PATH": str(bare)})
    assert ran.returncode == 3 and "aws-cli is absent" in ran.stdout + ran.stderr


def test_keys_and_why(sse_sim, server):
    kms = server.client("kms", key="333344445555")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    assert f"kms/{key}" in sse_sim("keys", "--endpoint", server.endpoint).stdout
    [event] = server.client("cloudtrail", key="333344445555").lookup_events()["Events"]
    ran = sse_sim("why", event["EventId"], "--endpoint", server.endpoint)
    assert ran.returncode == 0 and ran.stdout


def test_sigterm_stops_a_server_in_order():
    from support import Server

    server = Server()
    assert server.stop() == 0
    server.own.cleanup()
