"""tornado's HTTP clients, which go through vcrpy: recorded, replayed, and never noticed."""

import asyncio
import importlib.util
import logging
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest
from tornado.httpclient import AsyncHTTPClient
from tornado.simple_httpclient import SimpleAsyncHTTPClient

import agentvcr
from agentvcr.cassette.reader import load_run
from agentvcr.errors import DivergenceError
from agentvcr.inside.exchange import ReplayHalt
from tests.support import wire
from tests.support.command_line import agentvcr as command_line
from tests.support.command_line import python
from tests.support.counter_server import CounterServer
from tests.support.script_server import ScriptServer
from tests.test_architecture import interpreters


@pytest.fixture
def server():
    with ScriptServer() as server:
        yield server


@pytest.fixture
def run(tmp_path, server):
    """Run a case bare, recorded or replayed."""

    def run(case, *how, base_url=server.base_url):
        env = {"BASE_URL": base_url}
        program = python("tornado_calls.py", case)
        if how == ("bare",):
            return subprocess.run(program, env=env, capture_output=True, check=False, timeout=60)
        words = [*how, *program] if how[0] == "record" else how
        return command_line(*words, cwd=tmp_path, env=env)

    return run


RECORD = ("record", "--force", "-o", "x.avcr", "--")
REPLAY = ("replay", "x.avcr")


@pytest.mark.parametrize(
    ("case", "exchanges"),
    [
        ("answers", 10),
        ("redirected", 2),
        ("failures", 7),
        ("gives_up", 2),
        ("turns", 2),
        ("streams", 8),
        ("stream_given_up", 2),
        ("blocking", 1),
    ],
)
def test_a_program_sees_the_same_bare_recorded_and_replayed(case, exchanges, run, server, tmp_path):
    bare = run(case, "bare")
    assert bare.returncode == 0, bare.stderr.decode()
    assert bare.stdout
    recorded = run(case, *RECORD)
    asked = server.count
    assert recorded.stdout == bare.stdout
    assert b"not recorded" not in recorded.stderr, recorded.stderr.decode()
    run_made = load_run(tmp_path / "x.avcr")
    clients = [one.client for one in run_made.exchanges]
    assert clients == ["tornado.simple_httpclient"] * exchanges
    replayed = run(case, *REPLAY)
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == bare.stdout
    assert server.count == asked


def test_equal_requests_that_run_together_get_their_own_answers_again(run, tmp_path):
    with CounterServer(jitter_ms=(5, 60)) as counter:
        recorded = run("together", *RECORD, base_url=counter.base_url)
        assert recorded.returncode == 0, recorded.stderr.decode()
        assert counter.count == len(load_run(tmp_path / "x.avcr").exchanges) == 24
    assert len(set(recorded.stdout.splitlines())) == 12
    replayed = run("together", *REPLAY)
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == recorded.stdout


def test_a_request_whose_body_is_produced_passes_as_bare_and_is_named(run, server):
    bare = run("partwise", "bare")
    recorded = run("partwise", *RECORD)
    assert recorded.stdout == bare.stdout
    assert bare.stdout.splitlines()[-1] == b"200 made in pieces"
    lines = [line for line in recorded.stderr.decode().splitlines() if "not recorded" in line]
    client = "tornado.simple_httpclient"
    named = f"POST {server.base_url}/echo ({client}: with a body_producer)"
    why = "not a kind of traffic that this version records"
    assert lines == [f"agentvcr: not recorded: {named}, {why}"]
    asked = server.count
    replayed = run("partwise", *REPLAY)
    assert replayed.returncode == 4
    assert f"POST {server.base_url}/echo".encode() in replayed.stderr
    assert f"--live 127.0.0.1:{server.port}".encode() in replayed.stderr
    assert server.count == asked


def test_vcrpy_is_neither_heard_in_a_programs_log_nor_does_it_load_other_clients(run):
    bare, recorded = run("logs", "bare"), run("logs", *RECORD)
    assert bare.stdout.splitlines()[-1] == b"False False False"
    heard = [line for line in recorded.stdout.splitlines() if not line.startswith(b"vcr.mine")]
    assert heard == [line for line in bare.stdout.splitlines() if not line.startswith(b"vcr.mine")]
    assert run("logs", *REPLAY).stdout == recorded.stdout


def test_vcrpy_is_not_loaded_for_a_program_without_such_a_client(tmp_path, server):
    text = "import sys, tornado.ioloop, httpx; print('vcr' in sys.modules)"
    done = command_line(*RECORD, sys.executable, "-c", text, cwd=tmp_path)
    assert done.stdout == b"False\n", done.stderr.decode()


# --- Pythons without vcrpy ------------------------------------------------------------------------

ALONE = """
import asyncio, sys
from tornado.httpclient import AsyncHTTPClient

async def main():
    print((await AsyncHTTPClient().fetch(sys.argv[1])).body)
    for name in ("vcr", "yaml", "wrapt"):
        try:
            __import__(name)
        except ImportError:
            continue
        print("there is", name)

asyncio.run(main())
"""


@pytest.mark.parametrize("interpreter", interpreters() or [None], ids=str)
def test_a_python_without_vcrpy_borrows_it_or_says_why_not(interpreter, tmp_path, server):
    if interpreter is None:
        pytest.skip("no foreign interpreter")
    origin = Path(importlib.util.find_spec("tornado").origin)
    shutil.copytree(origin.parent, tmp_path / "site" / "tornado")
    env = {"PYTHONPATH": str(tmp_path / "site")}
    able = subprocess.run(
        [interpreter, "-c", "import sys, tornado.httpclient; print(sys.version_info >= (3, 11))"],
        env=env,
        capture_output=True,
        check=False,
    )
    if able.returncode:
        pytest.skip("no foreign interpreter that the client supports")
    (tmp_path / "alone.py").write_text(ALONE)
    command = [interpreter, "alone.py", f"{server.base_url}/json"]
    bare = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, check=True)
    assert bare.stdout.startswith(b"b'{\"ok\": true}'\n")
    recorded = command_line(*RECORD, *command, cwd=tmp_path, env=env)
    assert recorded.returncode == 0, recorded.stderr.decode()
    assert recorded.stdout == bare.stdout
    asked = server.count
    replayed = command_line(*REPLAY, cwd=tmp_path, env=env)
    assert server.count == asked
    if able.stdout == b"True\n":
        assert b"not recorded" not in recorded.stderr
        assert replayed.returncode == 0, replayed.stderr.decode()
        assert replayed.stdout == recorded.stdout
    else:
        assert b"vcrpy is not installed in this Python 3." in recorded.stderr
        assert replayed.returncode == 4
        assert b"vcrpy is not installed" in replayed.stderr


# --- in this process ------------------------------------------------------------------------------


@pytest.fixture
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


def fetched(url):
    async def main():
        client = AsyncHTTPClient(force_instance=True)
        try:
            return (await client.fetch(url)).body
        finally:
            client.close()

    return asyncio.run(main())


@pytest.mark.usefixtures("_own_state")
def test_a_block_is_recorded_and_replayed_again_and_again_and_nothing_stays(server):
    before = SimpleAsyncHTTPClient.fetch_impl, AsyncHTTPClient.fetch
    url = f"{server.base_url}/json"
    with agentvcr.record("x.avcr"):
        answer = fetched(url)
    assert (SimpleAsyncHTTPClient.fetch_impl, AsyncHTTPClient.fetch) == before
    for _ in range(2):
        with agentvcr.replay("x.avcr") as session:
            assert fetched(url) == answer
        session.raise_for_divergence()
    assert (SimpleAsyncHTTPClient.fetch_impl, AsyncHTTPClient.fetch) == before
    assert server.count == 1
    assert fetched(url) == answer
    assert server.count == 2
    logging.getLogger("vcr").propagate = True


@pytest.mark.usefixtures("_own_state")
def test_a_request_that_was_not_recorded_stops_the_replay(server):
    with agentvcr.record("x.avcr"):
        fetched(f"{server.base_url}/json")
    session = agentvcr.replay("x.avcr")
    with pytest.raises(DivergenceError, match=r"query\.code"), session, pytest.raises(ReplayHalt):
        fetched(f"{server.base_url}/json?code=201")
    assert server.count == 1


def test_a_streamed_answer_reaches_the_program_piece_by_piece(tmp_path):
    """The server sends each piece when the program has told of the one before."""
    seen = [threading.Event() for _ in range(3)]

    def gated(_, line):
        line.send(wire.head(200, [wire.EVENTS_TYPE, wire.CHUNKED]))
        for number, event in enumerate(seen):
            line.send(wire.piece(b"data: %d\n\n" % number))
            assert event.wait(30)
        line.send(wire.LAST_PIECE)

    def tell(asked, line):
        seen[int(asked.query["number"])].set()
        line.send(wire.whole_json(None))

    with ScriptServer({"/gated": gated, "/seen": tell}) as server:
        (tmp_path / "gated.py").write_text(GATED)
        command = [sys.executable, "gated.py", server.base_url]
        recorded = command_line(*RECORD, *command, cwd=tmp_path)
        assert recorded.returncode == 0, recorded.stderr.decode()
        assert recorded.stdout.count(b"data") == 3
    replayed = command_line(*REPLAY, cwd=tmp_path)
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == recorded.stdout


GATED = """
import asyncio, sys, httpx
from tornado.httpclient import AsyncHTTPClient

def got(chunk):
    print(chunk)
    number = chunk.decode().split()[1]
    httpx.get(sys.argv[1] + "/seen?number=" + number)

async def main():
    await AsyncHTTPClient().fetch(sys.argv[1] + "/gated", streaming_callback=got)

asyncio.run(main())
"""


@pytest.mark.usefixtures("_own_state")
def test_a_coded_answer_that_another_client_recorded_is_decoded(server):
    url = f"{server.base_url}/gzip"
    with agentvcr.record("x.avcr"):
        found = httpx.get(url)
        assert found.headers["content-encoding"] == "gzip"
    with agentvcr.replay("x.avcr"):
        assert fetched(url) == found.content
