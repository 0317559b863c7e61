"""The clients on top of `http.client` over TLS, and through proxies that tunnel or forward.

Each scene is a program of its own, bare, recorded and replayed, with servers and proxies gone.
"""

import contextlib
import os
import socket
import struct
import subprocess
import sys
import threading

import pytest
import trustme

from agentvcr.cassette.reader import load_run
from tests.programs.family_clients import HOWS
from tests.support.command_line import agentvcr
from tests.support.proxy_server import ProxyServer
from tests.support.script_server import ScriptServer
from tests.support.secure_server import SecureServer
from tests.support.server_process import ROOT
from tests.support.storage_server import StorageServer

PATIENCE_S = 60
WARNING = ("urllib3", "requests", "botocore")
EACH = pytest.mark.parametrize("client", list(HOWS))
PROXIED = pytest.mark.parametrize("client", [one for one in HOWS if one != "httplib2"])


class Route:
    """One scene of one client."""

    def __init__(self, client, scene, folder, env):
        self.program = [sys.executable, "-m", "tests.programs.family_routes", client, scene]
        self.folder = folder
        self.env = {"PYTHONPATH": str(ROOT), **env}

    @property
    def base_url(self):
        return self.env["BASE_URL"]

    def bare(self):
        return subprocess.run(
            self.program,
            env={**os.environ, **self.env},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )

    def record(self):
        words = ("record", "-o", "x.avcr", "--", *self.program)
        return agentvcr(*words, cwd=self.folder, env=self.env)

    def replay(self):
        return agentvcr("replay", "x.avcr", cwd=self.folder, env=self.env)

    def exchanges(self):
        return load_run(self.folder / "x.avcr").exchanges


def own_words(stderr):
    """What the program said on standard error, without our lines."""
    return [line for line in stderr.splitlines() if not line.startswith(b"agentvcr: ")]


@contextlib.contextmanager
def a_route(client, scene, folder, server, env):
    """Run it bare and recorded while the server is there; then, when it is gone, replay."""
    with server:
        route = Route(client, scene, folder, {"BASE_URL": server.base_url, **env})
        bare, recorded = route.bare(), route.record()
        yield route, bare
    assert recorded.stdout == bare.stdout
    assert own_words(recorded.stderr) == own_words(bare.stderr)
    replayed = route.replay()
    assert replayed.stdout == bare.stdout, replayed.stderr.decode()
    assert own_words(replayed.stderr) == own_words(bare.stderr)
    assert replayed.returncode == 0, replayed.stderr.decode()
    assert b"the same: " in replayed.stderr


def urls(route):
    return [one.request.url for one in route.exchanges()]


@EACH
def test_tls_is_recorded_and_needs_none_in_a_replay(client, tmp_path):
    server = SecureServer(tmp_path)
    env = {"AUTHORITY": str(server.authority)}
    with a_route(client, "trusted", tmp_path, server, env) as (route, bare):
        assert bare.stdout.count(b"\n") == 3, bare.stdout + bare.stderr
    assert all(url.startswith(route.base_url + "/") for url in urls(route))


@EACH
def test_an_unverified_connection_warns_as_it_does_without_us(client, tmp_path):
    with a_route(client, "unverified", tmp_path, SecureServer(tmp_path), {}) as (_, bare):
        assert bare.stdout.count(b"\n") == 3, bare.stdout + bare.stderr
        assert (b"InsecureRequestWarning" in bare.stderr) == (client in WARNING)


@EACH
def test_a_certificate_that_is_not_trusted_fails_again_in_the_same_words(client, tmp_path):
    (tmp_path / "other").mkdir()
    other = SecureServer(tmp_path / "other")
    with other:
        env = {"OTHER_AUTHORITY": str(other.authority)}
        with a_route(client, "untrusted", tmp_path, SecureServer(tmp_path), env) as (route, bare):
            assert b"CERTIFICATE_VERIFY_FAILED" in bare.stdout
    kinds = {one.ending.failure.type for one in route.exchanges()}
    assert kinds == {"ssl.SSLCertVerificationError"}


@PROXIED
def test_what_goes_through_a_tunnel_is_recorded_under_its_own_address(client, tmp_path):
    server = SecureServer(tmp_path)
    with ProxyServer() as proxy:
        env = {"AUTHORITY": str(server.authority), "PROXY": proxy.url}
        with a_route(client, "proxied", tmp_path, server, env) as (route, bare):
            assert bare.stdout.count(b"\n") == 3, bare.stdout + bare.stderr
            assert proxy.tunnels
            proxy.stop()
    assert all(url.startswith(route.base_url + "/") for url in urls(route))


@PROXIED
def test_what_a_proxy_forwards_is_recorded_under_its_own_address(client, tmp_path):
    server = ScriptServer()
    with (
        ProxyServer() as proxy,
        a_route(client, "proxied", tmp_path, server, {"PROXY": proxy.url}) as (route, bare),
    ):
        assert bare.stdout.count(b"\n") == 3, bare.stdout + bare.stderr
        assert proxy.forwarded
        proxy.stop()
    assert all(url.startswith(route.base_url + "/") for url in urls(route))


@PROXIED
def test_a_tunnel_that_is_refused_fails_again_in_the_same_words(client, tmp_path):
    server = SecureServer(tmp_path)
    with ProxyServer(refuse=True) as proxy:
        env = {"AUTHORITY": str(server.authority), "PROXY": proxy.url}
        with a_route(client, "proxied", tmp_path, server, env) as (_, bare):
            assert b"407" in bare.stdout


@PROXIED
def test_a_proxy_that_is_not_there_fails_again_in_the_same_words(client, tmp_path):
    server = SecureServer(tmp_path)
    env = {"AUTHORITY": str(server.authority), "PROXY": "http://127.0.0.1:9"}
    with a_route(client, "proxied", tmp_path, server, env) as (_, bare):
        assert b"refused" in bare.stdout


def test_aws_clients_are_answered_as_they_were(tmp_path):
    """Objects, `Expect: 100-continue` granted, refused and ignored, and a stream of events."""
    route = Route("", "", tmp_path, {"AWS_CONFIG_FILE": os.devnull})
    route.program = [sys.executable, "-m", "tests.programs.family_aws"]
    with StorageServer() as server:
        route.env["BASE_URL"] = server.base_url
        bare, recorded = route.bare(), route.record()
        assert recorded.stdout == bare.stdout, recorded.stderr.decode()
    assert bare.returncode == 0, bare.stderr.decode()
    assert bare.stdout.count(b"\n") == 9
    bodies = {one.request.url.rpartition("/")[2]: one.request.body for one in route.exchanges()[:4]}
    assert bodies == {
        "a": b"bytes",
        "b": b"f" * 100_000,
        "refused": b"never sent",
        "silent": b"sent at last",
    }
    assert [len(one.response.chunks) for one in route.exchanges()[-2:]] == [3, 1]
    replayed = route.replay()
    assert replayed.stdout == bare.stdout, replayed.stderr.decode()
    assert replayed.returncode == 0, replayed.stderr.decode()


class Mute:
    """Takes connections and says nothing; `reset` breaks each when it has said hello."""

    def __init__(self, *, reset):
        self._reset = reset
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open = []

    @property
    def base_url(self):
        return f"https://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error):
        for sock in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self._reset:
                    client.recv(65536)
                    option = struct.pack("ii", 1, 0)
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)
                    client.close()
                else:
                    self._open.append(client)


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "late"])
@EACH
def test_a_handshake_that_fails_fails_again_in_the_same_words(client, reset, tmp_path):
    authority = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    env = {"AUTHORITY": str(authority), "TIMEOUT": "0.3"}
    with a_route(client, "trusted", tmp_path, Mute(reset=reset), env) as (_, bare):
        assert (b"Reset" if reset else b"timed out") in bare.stdout
