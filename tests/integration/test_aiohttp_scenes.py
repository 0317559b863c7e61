"""Scenes with aiohttp that take a whole run: chunks as they come, ends of a program, TLS, proxies.

Each is a program of its own, recorded and replayed, with the server gone before the replay.
"""

import asyncio
import contextlib
import os
import socket
import ssl
import subprocess
import sys
import threading

import pytest
import trustme
from aiohttp import web

from agentvcr.cassette.reader import load_run
from tests.support.command_line import agentvcr
from tests.support.peculiar_server import PeculiarServer
from tests.support.relay import Proxy, UnixRelay
from tests.support.server_process import ROOT

PATIENCE_S = 60


class Scene:
    """One scene, in a folder of its own."""

    def __init__(self, name, folder):
        self.program = [sys.executable, "-m", "tests.programs.aiohttp_scenes", name]
        self.folder = folder
        self.env = {"PYTHONPATH": str(ROOT)}

    def bare(self, **env):
        return subprocess.run(
            self.program,
            env={**os.environ, **self.env, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def record(self, **env):
        words = ("record", "-o", "x.avcr", "--", *self.program)
        return agentvcr(*words, cwd=self.folder, env={**self.env, **env})

    def replay(self, *options, **env):
        return agentvcr("replay", "x.avcr", *options, cwd=self.folder, env={**self.env, **env})

    def both(self, server, **env):
        """Run it bare and recorded, each at a server of its own; they must be alike."""
        with server() as one:
            bare = self.bare(BASE_URL=one.base_url, **env)
        with server() as one:
            self.env["BASE_URL"] = one.base_url
            recorded = self.record(**env)
        assert recorded.returncode == bare.returncode % 256, recorded.stderr.decode()
        return bare, recorded

    def exchanges(self, *, replayed=False):
        name = "x.last.avcr" if replayed else "x.avcr"
        return load_run(self.folder / name).exchanges


@pytest.fixture
def scene(tmp_path):
    return lambda name: Scene(name, tmp_path)


def assert_replays_the_same(one, recorded, **env):
    replayed = one.replay(**env)
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert replayed.stdout == recorded.stdout
    assert b"the same: " in replayed.stderr


# --- chunks pass as they come ---------------------------------------------------------------------


def test_each_chunk_is_handed_on_before_the_next_one_is_sent(scene):
    """The server sends a chunk only when the program, having seen the last, asks for it."""
    one = scene("waits_at_gates")
    bare, recorded = one.both(PeculiarServer)
    assert recorded.stdout == bare.stdout
    assert len(recorded.stdout.splitlines()) == 6
    gated, *releases = one.exchanges()
    arrivals = [gated.response.at_ns, *(chunk.at_ns for chunk in gated.response.chunks)]
    for seen, asked in zip(arrivals, releases, strict=True):
        assert seen < asked.began_ns
    assert_replays_the_same(one, recorded)


# --- further, or less far, than recorded ----------------------------------------------------------


def recorded_some(one, **env):
    with PeculiarServer() as server:
        one.env["BASE_URL"] = server.base_url
        return one.record(**env)


def test_reading_further_than_recorded_is_an_overrun(scene):
    one = scene("reads_some")
    assert recorded_some(one, READ="2").stdout == b"read 2\n"
    replayed = one.replay(READ="5")
    assert replayed.returncode == 4, replayed.stderr.decode()
    assert replayed.stdout == b""
    assert b"where the recorded answer was closed" in replayed.stderr


def test_stopping_earlier_than_recorded_is_a_difference(scene):
    one = scene("reads_some")
    assert recorded_some(one).stdout == b"read 10\n"
    replayed = one.replay(READ="2")
    assert replayed.returncode == 1, replayed.stderr.decode()
    assert replayed.stdout == b"read 2\n"


def test_pace_1_takes_the_recorded_time_and_pace_0_does_not_wait(scene):
    one = scene("takes_its_time")
    recorded = recorded_some(one)
    before = one.exchanges()
    assert one.replay("--pace", 1).stdout == recorded.stdout
    paced = one.exchanges(replayed=True)
    assert one.replay().stdout == recorded.stdout
    unpaced = one.exchanges(replayed=True)
    for original, slow, quick in zip(before, paced, unpaced, strict=True):
        took = original.ending.at_ns - original.began_ns
        assert slow.ending.at_ns - slow.began_ns >= 0.9 * took
        assert quick.ending.at_ns - quick.began_ns < took


# --- the program's end ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("fails_unhandled", 1),
        ("exits_in_mid_stream", 3),
        ("dies_in_mid_stream", -9),
        ("dies_after_the_head", -9),
        ("leaves_a_task_behind", 0),
    ],
)
def test_a_program_that_ends_in_the_middle_replays_the_same(name, status, scene):
    one = scene(name)
    with PeculiarServer() as server:
        one.env["BASE_URL"] = server.base_url
        bare, recorded = one.bare(), one.record()
    assert bare.returncode == status
    assert recorded.returncode == (128 - status if status < 0 else status)
    assert recorded.stdout == bare.stdout
    assert_replays_the_same(one, recorded)


# --- other ways to a server -----------------------------------------------------------------------


@pytest.fixture
def authority(tmp_path):
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "authority.pem")
    return made


def over_tls(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return PeculiarServer(context=context)


def test_tls_is_recorded_in_the_clear_and_a_bad_certificate_fails_again(scene, authority):
    one = scene("over_tls")
    one.env["AUTHORITY"] = str(one.folder / "authority.pem")
    with over_tls(authority) as server:
        one.env["BASE_URL"] = server.base_url
        bare, recorded = one.bare(), one.record()
    assert bare.returncode == 0, bare.stderr.decode()
    assert recorded.stdout == bare.stdout
    assert b"unable to get local issuer certificate" in bare.stdout
    assert_replays_the_same(one, recorded)


@contextlib.contextmanager
def refusing():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{closed.getsockname()[1]}"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_is_asked_while_recording_and_not_in_a_replay(scheme, scene, authority):
    one = scene("through_a_proxy")
    server = PeculiarServer() if scheme == "http" else over_tls(authority)
    if scheme == "https":
        one.env["AUTHORITY"] = str(one.folder / "authority.pem")
    with server, Proxy() as proxy, refusing() as refused:
        named = {"http_proxy": proxy.url, "https_proxy": proxy.url, "no_proxy": ""}
        one.env |= {"BASE_URL": server.base_url, "REFUSED_URL": refused, **named}
        bare, recorded = one.bare(), one.record()
        asked = [line.split()[0] for line in proxy.asked]
    assert bare.returncode == 0, bare.stderr.decode()
    assert recorded.stdout == bare.stdout
    assert asked == [b"GET" if scheme == "http" else b"CONNECT"] * 2
    assert [one.request.url for one in one.exchanges()] == [one.env["BASE_URL"] + "/json"] * 2
    assert_replays_the_same(one, recorded)


def test_a_unix_socket_is_recorded_as_any_server(scene, tmp_path):
    one = scene("over_a_unix_socket")
    one.env["SOCKET"] = str(tmp_path / "s")
    with PeculiarServer() as server, UnixRelay(str(tmp_path / "s"), server.port):
        bare, recorded = one.bare(), one.record()
    assert bare.returncode == 0, bare.stderr.decode()
    assert recorded.stdout == bare.stdout
    assert_replays_the_same(one, recorded)


class EchoingSockets:
    """A server that speaks WebSocket, in a thread of its own."""

    def __enter__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.base_url = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        return self

    async def _start(self):
        async def echo(request):
            talk = web.WebSocketResponse()
            await talk.prepare(request)
            async for message in talk:
                await talk.send_str(message.data + " again")
            return talk

        app = web.Application()
        app.router.add_get("/ws", echo)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def test_a_websocket_passes_untouched_and_a_replay_says_that_it_is_missing(scene):
    one = scene("speaks_over_a_websocket")
    bare, recorded = one.both(EchoingSockets)
    assert recorded.stdout == bare.stdout == b"one again\n"
    assert len(one.exchanges()) == 0
    assert b"not recorded: websocket ws://127.0.0.1:" in recorded.stderr
    replayed = one.replay()
    assert replayed.returncode == 4, replayed.stderr.decode()
    assert b"websocket ws://127.0.0.1:" in replayed.stderr
