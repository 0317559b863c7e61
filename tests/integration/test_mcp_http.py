"""MCP over HTTP: open streams, sessions, questions of a server that is gone on replay."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time

import pytest

from agentvcr.cassette.reader import load_run
from tests.support.command_line import PROGRAMS, agentvcr, python

SERVER = PROGRAMS.parent / "support" / "mcp_server.py"
PATIENCE_S = 60


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")


@contextlib.contextmanager
def serving(*words):
    """A server that is no part of any run; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    command = [sys.executable, str(SERVER), "--http", str(port), *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            until = time.monotonic() + PATIENCE_S
            while time.monotonic() < until:
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
            yield f"http://127.0.0.1:{port}/{'sse' if words == ('--sse',) else 'mcp'}"
        finally:
            server.kill()


def recorded(folder, scene, *words):
    with serving(*words) as url:
        program = python("mcp_http.py", scene, url)
        return agentvcr("record", "-o", "x.avcr", "--", *program, cwd=folder)


def replayed(folder, **env):
    return agentvcr("replay", "x.avcr", cwd=folder, env=env)


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        ("everything", ()),
        ("everything", ("--json",)),
        ("questions", ()),
        ("slow", ()),
        ("slow", ("--json",)),
        ("told", ()),
        ("modern", ()),
        ("everything", ("--sse",)),
        ("questions", ("--sse",)),
    ],
)
def test_a_replay_without_the_server_says_the_same(scene, words, tmp_path):
    done = recorded(tmp_path, scene, *words)
    assert done.returncode == 0, done.stderr
    again = replayed(tmp_path)
    assert (again.returncode, again.stdout) == (0, done.stdout), again.stderr


def test_the_session_its_stream_and_its_end_are_recorded(tmp_path):
    recorded(tmp_path, "told")
    run = load_run(tmp_path / "x.avcr")
    found = {one.request.method: one for one in run.exchanges}
    assert set(found) == {"POST", "GET", "DELETE"}
    ids = {dict(one.request.headers).get(b"mcp-session-id") for one in run.exchanges}
    assert len(ids - {None}) == 1  # one session: asked without, then with what the server gave
    assert b"notifications/tools/list_changed" in found["GET"].response.body
    assert found["GET"].ending is not None


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_agents_that_share_a_session_get_their_own_answers(words, tmp_path):
    done = recorded(tmp_path, "agents", *words)
    told = done.stdout.decode().split("\n")[1:-1]
    assert len({one.partition("same ")[2] for one in told}) == 12  # the server counts
    again = replayed(tmp_path)
    assert (again.returncode, again.stdout) == (0, done.stdout), again.stderr
    places = [one.place for one in load_run(tmp_path / "x.avcr").exchanges if one.place]
    callers = [name for one in places for name in one.split("/") if name in {"ann", "bob", "cyd"}]
    assert {callers.count(name) for name in ("ann", "bob", "cyd")} == {4}


def test_a_changed_argument_stops_the_replay_and_is_named(tmp_path):
    recorded(tmp_path, "everything")
    again = replayed(tmp_path, B="4")
    assert again.returncode == 4
    assert b"POST /mcp (tools/call add)" in again.stderr
    assert b"request.body $.params.arguments.b" in again.stderr


def test_a_tool_is_shown_as_a_call(tmp_path):
    recorded(tmp_path, "everything")
    told = agentvcr("show", "x.avcr", "--json", cwd=tmp_path)
    steps = {one["action"]: one for one in json.loads(told.stdout)["steps"]}
    assert (steps['add({"a":2,"b":3})']["kind"], steps['add({"a":2,"b":3})']["result"]) == (
        "tool",
        "5",
    )


def test_a_server_that_the_program_starts_runs_again(tmp_path):
    shutil.copy(SERVER, tmp_path / "calc.py")
    starts = tmp_path / "starts"
    program = python(
        "mcp_http.py", "spawned", sys.executable, tmp_path / "calc.py", "--starts", starts
    )
    done = agentvcr("record", "-o", "x.avcr", "--", *program, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert all(one.internal for one in load_run(tmp_path / "x.avcr").exchanges)
    again = replayed(tmp_path)
    assert (again.returncode, again.stdout) == (0, done.stdout), again.stderr
    assert starts.read_text() == "started\n" * 2
