"""WebSockets are not recorded: named while recording, refused on replay, and never silent."""

import asyncio
import subprocess
import sys
import threading

import pytest
from websockets.asyncio.client import connect
from websockets.sync.server import serve

import agentvcr
from agentvcr.cassette.reader import load_run
from agentvcr.errors import DivergenceError
from agentvcr.inside.exchange import ReplayHalt
from tests.support.command_line import agentvcr as command_line
from tests.support.command_line import python

CLIENTS = {
    "websockets_asyncio": "websockets",
    "websockets_awaited": "websockets",
    "websockets_again": "websockets",
    "websockets_sync": "websockets",
    "aiohttp": "aiohttp",
    "tornado": "tornado",
}


class EchoServer:
    """Sends back what it gets, after a greeting; counts its connections."""

    def __init__(self) -> None:
        self.count = 0
        self._server = serve(self._converse, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def _converse(self, peer):
        self.count += 1
        for text in peer:
            peer.send(f"{self.count} echo {text}")

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()


@pytest.fixture
def server():
    with EchoServer() as server:
        yield server


WHY = ", not a kind of traffic that this version records"


def unrecorded(done):
    text = done.stderr.decode()
    lines = [line for line in text.splitlines() if "not recorded: " in line]
    return [line.split("not recorded: ")[1].replace(WHY, "") for line in lines]


def record(tmp_path, case, url, *options):
    words = ["record", "-o", "x.avcr", *options, "--", *python("websocket_calls.py", case, url)]
    return command_line(*words, cwd=tmp_path)


@pytest.mark.parametrize(("case", "client"), CLIENTS.items())
def test_a_websocket_is_named_in_one_line_and_refused_on_replay(case, client, server, tmp_path):
    url = f"ws://{server.address}/v1/realtime?api_key=s3cret"
    bare = subprocess.run(
        python("websocket_calls.py", case, url), capture_output=True, check=True, timeout=60
    )
    assert bare.stdout == b"1 echo one\n"
    recorded = record(tmp_path, case, url)
    assert recorded.returncode == 0, recorded.stderr.decode()
    assert recorded.stdout == b"2 echo one\n"
    named = f"websocket ws://{server.address}/v1/realtime ({client})"
    assert unrecorded(recorded) == [named]
    run = load_run(tmp_path / "x.avcr")
    assert [(one.kind, one.text) for one in run.notes] == [("unrecorded", named)]
    assert len(run.exchanges) == 0

    replayed = command_line("replay", "x.avcr", cwd=tmp_path)
    assert replayed.returncode == 4
    assert named.encode() in replayed.stderr
    assert f"--live {server.address}".encode() in replayed.stderr
    assert replayed.stdout == b""
    assert server.count == 2


@pytest.mark.parametrize("case", ["websockets_asyncio", "websockets_sync", "aiohttp"])
def test_a_live_websocket_passes_on_replay(case, server, tmp_path):
    record(tmp_path, case, f"ws://{server.address}/")
    replayed = command_line("replay", "x.avcr", "--live", server.address, cwd=tmp_path)
    assert b"the program asks for" not in replayed.stderr
    assert replayed.stdout == b"2 echo one\n"


def test_a_websocket_to_a_server_of_the_runs_own_passes_unnamed(tmp_path):
    recorded = record(tmp_path, "of_its_own", "-")
    assert recorded.stdout == b"echo one\n", recorded.stderr.decode()
    assert unrecorded(recorded) == []
    replayed = command_line("replay", "x.avcr", cwd=tmp_path)
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == b"echo one\n"


def test_a_bare_connection_beside_a_websocket_is_named_too(server, tmp_path):
    recorded = record(tmp_path, "with_raw_sockets", f"ws://{server.address}/")
    named = f"websocket ws://{server.address}/ (websockets)"
    assert unrecorded(recorded) == [
        named,
        f"{server.address}, reached past every recorded client",
    ]


def test_a_websocket_that_cannot_be_opened_fails_as_bare(tmp_path):
    recorded = record(tmp_path, "refused", "-")
    assert recorded.stdout == b"ConnectionRefusedError\n", recorded.stderr.decode()
    assert unrecorded(recorded) == ["websocket ws://127.0.0.1:1/none (websockets)"]


UPGRADE = """
import sys, httpx
wanted = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
          "Sec-WebSocket-Key": "bm90IHZlcnkgcmFuZG9tIQ=="}
with httpx.Client() as client:
    request = client.build_request("GET", sys.argv[1], headers=wanted)
    response = client.send(request, stream=True)
    print(response.status_code, flush=True)
    response.extensions["network_stream"].close()
"""


def test_an_upgrade_of_a_recorded_client_is_named_as_what_it_is(server, tmp_path):
    (tmp_path / "upgrade.py").write_text(UPGRADE)
    url = f"http://{server.address}/chat?token=s3cret"
    command = [sys.executable, "upgrade.py", url]
    recorded = command_line("record", "-o", "x.avcr", "--", *command, cwd=tmp_path)
    assert recorded.stdout == b"101\n", recorded.stderr.decode()
    named = f"websocket ws://{server.address}/chat (httpx)"
    assert unrecorded(recorded) == [named]
    replayed = command_line("replay", "x.avcr", cwd=tmp_path)
    assert replayed.returncode == 4
    assert named.encode() in replayed.stderr
    assert f"--live {server.address}".encode() in replayed.stderr


def test_a_block_in_this_process_names_and_refuses_them_too(server, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    before = connect.__await__

    async def converse():
        for _ in range(2):
            async with connect(f"ws://{server.address}/") as socket:
                await socket.send("one")
                await socket.recv()

    with agentvcr.record("x.avcr") as session:
        asyncio.run(converse())
    named = f"websocket ws://{server.address}/ (websockets)"
    assert [(one.text, one.count) for one in session.run.notes] == [(named, 2)]
    replaying = agentvcr.replay("x.avcr")
    with pytest.raises(DivergenceError, match="websocket"), replaying, pytest.raises(ReplayHalt):
        asyncio.run(converse())
    assert server.count == 2
    assert connect.__await__ is before
