"""MCP servers on standard streams: recorded as they are, and not started in a replay."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv

import pytest

from agentvcr.cassette.reader import load_run
from agentvcr.steps.path import each_step
from tests.support.command_line import PROGRAMS, agentvcr, python

SUPPORT = PROGRAMS.parent / "support"
SCENES = ["everything", "questions", "crash", "slow", "later", "left", "modern"]
MADE = {}
"""What was recorded of a scene: how it ended, and the cassette."""


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """Where AgentVCR keeps its own: of one user, who recorded what is replayed."""
    return tmp_path_factory.mktemp("state")


@pytest.fixture(autouse=True)
def _own_state(state, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")


@pytest.fixture
def calc(tmp_path):
    """The command of a server of the SDK, which writes a line to `starts` when it starts."""
    shutil.copy(SUPPORT / "mcp_server.py", tmp_path / "calc.py")
    return [sys.executable, str(tmp_path / "calc.py"), "--starts", str(tmp_path / "starts")]


@pytest.fixture
def plain(tmp_path):
    """The command of a server without an SDK."""
    shutil.copy(SUPPORT / "mcp_plain.py", tmp_path / "plain.py")
    return [sys.executable, str(tmp_path / "plain.py"), str(tmp_path)]


def recorded(folder, program, **env):
    """Record a program, take its server away, and replay it."""
    done = agentvcr("record", "-o", "x.avcr", "--", *program, cwd=folder, env=env)
    for name in ("calc.py", "plain.py", "started"):
        (folder / name).unlink(missing_ok=True)
    return done


def recorded_scene(scene, calc, folder, *, anew=False):
    """Record a scene, once for all tests that ask for it, and take its server away."""
    if anew or scene not in MADE:
        done = recorded(folder, python("mcp_stdio.py", scene, *calc))
        MADE[scene] = done, (folder / "x.avcr").read_bytes()
    done, cassette = MADE[scene]
    (folder / "x.avcr").write_bytes(cassette)
    (folder / "calc.py").unlink(missing_ok=True)
    return done


def replayed(folder, *options, **env):
    return agentvcr("replay", "x.avcr", *options, cwd=folder, env=env)


def requests(folder):
    run = load_run(folder / "x.avcr")
    return [one for one in run.exchanges if one.client == "mcp"]


def messages(exchange):
    return [json.loads(chunk.data) for chunk in exchange.response.chunks]


@pytest.mark.parametrize("scene", SCENES)
def test_a_replay_says_the_same_and_starts_no_server(scene, calc, tmp_path):
    program = python("mcp_stdio.py", scene, *calc)
    bare = subprocess.run(program, cwd=tmp_path, capture_output=True, check=True)
    done = recorded_scene(scene, calc, tmp_path, anew=True)
    assert (done.returncode, done.stdout) == (0, bare.stdout), done.stderr
    again = replayed(tmp_path)
    assert (again.returncode, again.stdout) == (0, done.stdout), again.stderr
    assert (tmp_path / "starts").read_text() == "started\n" * 2  # bare, and recorded


def test_what_a_recorded_function_did_is_not_done_and_not_missed(calc, tmp_path):
    done = recorded(tmp_path, python("mcp_stdio.py", "covered", *calc))
    again = replayed(tmp_path)
    assert (done.returncode, again.returncode, again.stdout) == (0, 0, done.stdout), again.stderr
    called = next(one for one in requests(tmp_path) if one.request.url.endswith("/add"))
    assert called.internal


def test_a_changed_argument_stops_the_replay_and_is_named(calc, tmp_path):
    recorded_scene("everything", calc, tmp_path)
    again = replayed(tmp_path, B="4")
    assert again.returncode == 4
    assert b"MCP calc/tools/call/add" in again.stderr
    assert b"request.body $.params.arguments.b" in again.stderr
    assert b"recorded: 3" in again.stderr


def test_a_changed_argument_is_answered_by_the_nearest_call_and_the_replay_goes_on(calc, tmp_path):
    done = recorded_scene("everything", calc, tmp_path)
    again = replayed(tmp_path, "--on-miss", "nearest", B="4")
    assert (again.returncode, again.stdout) == (1, done.stdout), again.stderr
    assert again.stderr.count(b"answered by the nearest exchange:") == 1


def test_what_a_server_answered_is_changed_in_a_fork(calc, tmp_path):
    done = recorded_scene("everything", calc, tmp_path)
    run = load_run(tmp_path / "x.avcr")
    step = next(
        one.id
        for one in each_step(run)
        if one.exchange is not None and one.exchange.request.url.endswith("/tools/call/add")
    )
    patch = "response.json.result.content[0].text=fifty"
    words = ("fork", "x.avcr", "--at", step, "--set", patch)
    again = agentvcr(*words, cwd=tmp_path)
    assert again.returncode == 1, again.stderr
    before, after = done.stdout.splitlines(), again.stdout.splitlines()
    assert [two for one, two in zip(before, after, strict=True) if one != two] == [b"fifty"]
    refused = agentvcr(*words[:-1], "response.text=fifty", cwd=tmp_path)
    assert (refused.returncode, b"response.json.result" in refused.stderr) == (2, True)


def test_a_message_is_an_exchange_of_its_caller(calc, tmp_path):
    recorded_scene("everything", calc, tmp_path)
    found = {one.request.url: one for one in requests(tmp_path)}
    called = found["mcp:calc/tools/call/steps"]
    assert (called.request.method, called.lane) == ("MCP", "main/main#0")
    assert json.loads(called.request.body) == {
        "method": "tools/call",
        "params": {"name": "steps", "arguments": {"number": 3}, "_meta": {"progressToken": "$id"}},
    }
    methods = [one.get("method", "(answer)") for one in messages(called)]
    assert methods == ["notifications/progress", "notifications/message"] * 3 + ["(answer)"]
    assert found["mcp:calc/notifications/initialized"].response.status == 202
    assert found["mcp:calc/session"].lane == "main/main#0/proc0"
    assert "mcp:calc/resources/read/notes://today" in found


def test_what_the_client_answers_is_compared(calc, tmp_path):
    recorded_scene("questions", calc, tmp_path)
    found = {one.request.url: one for one in requests(tmp_path)}
    said = json.loads(found["mcp:calc/response/sampling/createMessage"].request.body)
    assert said["result"]["content"]["text"] == "<why>"
    asked = messages(found["mcp:calc/tools/call/ask_model"])
    assert [one.get("method") for one in asked] == ["sampling/createMessage", None]


def test_agents_that_share_a_server_get_their_own_answers(calc, tmp_path):
    done = recorded(tmp_path, python("mcp_stdio.py", "agents", *calc))
    told = done.stdout.decode().split("\n")[1:-1]
    assert len({one.partition("same ")[2] for one in told}) == 12  # the server counts
    for _ in range(2):
        again = replayed(tmp_path)
        assert (again.returncode, again.stdout) == (0, done.stdout), again.stderr
    places = {one.place for one in requests(tmp_path) if one.request.url.endswith("count")}
    assert {place.rpartition("/")[2] for place in places} == {"ann", "bob", "cyd"}


def test_ids_may_be_others_in_a_replay(calc, tmp_path):
    done = recorded(tmp_path, python("mcp_stdio.py", "other_order", *calc))
    again = replayed(tmp_path, ORDER="other")
    assert sorted(again.stdout.splitlines()) == sorted(done.stdout.splitlines())
    assert b"never asked for" not in again.stderr


def test_the_server_sees_no_session(calc, tmp_path):
    program = python("mcp_stdio.py", "where", *calc)
    assert recorded(tmp_path, program).stdout == b"calculator\n[] None\n"


def test_a_server_that_cannot_be_started_is_the_very_error(tmp_path):
    program = python("mcp_stdio.py", "everything", str(tmp_path / "nothing"))
    bare = subprocess.run(program, cwd=tmp_path, capture_output=True, check=False)
    done = recorded(tmp_path, program)
    assert done.returncode == bare.returncode == 1
    assert b"FileNotFoundError" in done.stderr


def test_the_program_need_not_have_us_installed(calc, tmp_path):
    venv.create(tmp_path / "env", with_pip=False, symlinks=True)
    site = next((tmp_path / "env").glob("lib/python*/site-packages"))
    # A path file names the clients' folder; the path file in there, which names us, is not read.
    (site / "clients.pth").write_text(sysconfig.get_path("purelib") + "\n")
    interpreter = str(tmp_path / "env" / "bin" / "python")
    able = subprocess.run([interpreter, "-c", "import agentvcr"], cwd=tmp_path, check=False)
    assert able.returncode != 0
    program = [interpreter, str(PROGRAMS / "mcp_stdio.py"), "agents", interpreter, *calc[1:]]
    done = recorded(tmp_path, program)
    again = replayed(tmp_path)
    assert (done.returncode, again.returncode) == (0, 0), again.stderr
    assert again.stdout == done.stdout


# --- the command line, for clients that we are not in ---------------------------------------------


def shimmed(plain):
    return [sys.executable, "-m", "agentvcr", "mcp", "--", *plain]


def test_a_client_with_hardly_an_environment_is_recorded_and_replayed(plain, tmp_path):
    bare = subprocess.run(
        python("mcp_raw.py", "lines", *plain), cwd=tmp_path, capture_output=True, check=True
    )
    done = recorded(tmp_path, python("mcp_raw.py", "lines", *shimmed(plain)))
    assert done.stdout == bare.stdout, done.stderr
    assert b"the server speaks\n" in done.stderr
    again = replayed(tmp_path)
    assert (again.returncode, again.stdout) == (0, done.stdout), again.stderr
    assert not (tmp_path / "started").exists()
    environment = json.loads((tmp_path / "environment").read_text())
    assert not [one for one in environment if "AGENTVCR" in one or one == "PYTHONPATH"]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_session_is_found_above_a_client_that_hands_on_nothing(plain, tmp_path):
    asked = '{"jsonrpc": "2.0", "id": 1, "method": "exit", "params": {"status": 9}}'
    words = " ".join(shimmed(plain))
    script = f"""echo '{asked}' | env -i PATH="$PATH" {words}; echo status $?"""
    done = recorded(tmp_path, ["sh", "-c", script])
    assert done.stdout.splitlines()[-1] == b"status 9", done.stderr
    assert [one.request.url for one in requests(tmp_path)] == [
        "mcp:plain/session",
        "mcp:plain/exit",
    ]
    again = replayed(tmp_path)
    assert (again.returncode, again.stdout) == (0, done.stdout), again.stderr
    assert not (tmp_path / "started").exists()


def test_another_id_is_put_into_the_answers(plain, tmp_path):
    done = recorded(tmp_path, python("mcp_raw.py", "lines", *shimmed(plain)))
    again = replayed(tmp_path, FIRST_ID="41")
    assert again.returncode == 1  # the program says other ids on its output
    assert b"steps the same" in again.stderr
    heard = [
        json.loads(line.partition(b": ")[2])
        for line in again.stdout.splitlines()
        if line.startswith(b"heard")
    ]
    assert [one.get("id") for one in heard] == [None, 41, 42, "q1", 43]
    assert b"status: 0" in done.stdout


def test_another_answer_to_the_server_stops_the_replay(plain, tmp_path):
    recorded(tmp_path, python("mcp_raw.py", "lines", *shimmed(plain)))
    again = replayed(tmp_path, ANSWER="no")
    assert again.returncode == 4
    assert b"MCP plain/response/sampling/createMessage" in again.stderr


def test_a_server_that_ends_does_so_at_the_same_place(plain, tmp_path):
    done = recorded(tmp_path, python("mcp_raw.py", "ends", *shimmed(plain)))
    assert b"rest: '' status: 9" in done.stdout
    again = replayed(tmp_path)
    assert (again.returncode, again.stdout) == (0, done.stdout), again.stderr
    left = next(one for one in requests(tmp_path) if one.request.url == "mcp:plain/exit")
    assert left.ending.failure.type.endswith("ServerEndedError")


def test_a_signal_reaches_the_server_once(plain, tmp_path):
    done = recorded(tmp_path, python("mcp_raw.py", "signals", *shimmed(plain)))
    assert b"status: 7" in done.stdout
    assert (tmp_path / "signals").read_text() == "SIGUSR1\nSIGTERM\n"


def test_outside_of_a_session_the_server_runs_as_it_is(plain, tmp_path):
    asked = b'{"jsonrpc": "2.0", "id": 1, "method": "exit", "params": {"status": 3}}\n'
    done = agentvcr("mcp", "--", *plain, cwd=tmp_path, stdin=asked)
    assert done.returncode == 3
    assert done.stderr.count(b"nothing records or replays here") == 1
    assert b'"hello"' in done.stdout


def test_a_tool_is_shown_as_a_call(calc, tmp_path):
    recorded_scene("everything", calc, tmp_path)
    told = agentvcr("show", "x.avcr", "--json", cwd=tmp_path)
    steps = {one["action"]: one for one in json.loads(told.stdout)["steps"]}
    assert steps['add({"a":2,"b":3})']["kind"] == "tool"
    assert steps['add({"a":2,"b":3})']["result"] == "5"
    assert steps['fail({"why":"no"})']["result"].startswith("error: Error executing tool fail")
    assert steps["calc tools/list"]["result"] == ""


def test_an_export_says_what_it_leaves_out(calc, tmp_path):
    recorded_scene("crash", calc, tmp_path)
    done = agentvcr("export", "x.avcr", "--to", "yaml", cwd=tmp_path)
    assert b"a message to an MCP server on standard streams" in done.stderr
    assert os.linesep.encode() not in done.stdout or b"interactions: []" in done.stdout
