"""What vcrpy's cassettes keep of an answer that our interceptors tell them.

Owns answers that the program reads in part or not at all, and those that break. Clients are real,
and what one does without a cassette is asked of it, not known here.
"""

import asyncio
import contextlib
import http.client
import urllib.request

import aiohttp
import httplib2
import httpx
import pytest
import requests
import urllib3
import vcr
from vcr.errors import CannotOverwriteExistingCassetteException

from agentvcr.session.vcrpy import take_over
from tests.support import wire
from tests.support.peculiar_server import PeculiarServer

_PATIENCE_S = 60
_SHORT_S = 2
"""A client's patience with a peer that says no more: more than a busy machine takes for a head."""
_PIECES = 4


def _httpx(url, take, patience_s=_PATIENCE_S):
    with httpx.stream("GET", url, timeout=patience_s) as response:
        return take(response.iter_bytes())


def _urllib(url, take, patience_s=_PATIENCE_S):
    with urllib.request.urlopen(url, timeout=patience_s) as response:
        return take(iter(lambda: response.read1(65536), b""))


def _http_client(url, take, patience_s=_PATIENCE_S):
    parts = urllib3.util.parse_url(url)
    connection = http.client.HTTPConnection(parts.host, parts.port, timeout=patience_s)
    with contextlib.closing(connection):
        connection.request("GET", parts.request_uri)
        with connection.getresponse() as response:
            return take(iter(lambda: response.read1(65536), b""))


def _urllib3(url, take, patience_s=_PATIENCE_S):
    with urllib3.PoolManager(retries=False, timeout=patience_s) as pool:
        response = pool.request("GET", url, preload_content=False)
        return take(response.stream(65536))


def _requests(url, take, patience_s=_PATIENCE_S):
    with requests.get(url, stream=True, timeout=patience_s) as response:
        return take(response.iter_content(None))


def _async_httpx(url, take, patience_s=_PATIENCE_S):
    async def ask():
        async with (
            httpx.AsyncClient(timeout=patience_s) as client,
            client.stream("GET", url) as response,
        ):
            return await take.of(response.aiter_bytes())

    return asyncio.run(ask())


def _aiohttp(url, take, patience_s=_PATIENCE_S):
    async def ask():
        patience = aiohttp.ClientTimeout(sock_read=patience_s)
        async with aiohttp.ClientSession(timeout=patience) as session, session.get(url) as response:
            return await take.of(response.content.iter_any())

    return asyncio.run(ask())


CLIENTS = {
    "httpx": _httpx,
    "async httpx": _async_httpx,
    "urllib": _urllib,
    "http.client": _http_client,
    "urllib3": _urllib3,
    "requests": _requests,
    "aiohttp": _aiohttp,
}


class Nothing:
    """Takes nothing of an answer."""

    def __call__(self, _):
        return b""

    async def of(self, _):
        return b""


class Everything:
    """Takes all of an answer, and keeps what it has got if that fails."""

    def __init__(self, before=lambda: None):
        self.got = []
        self._before = before

    def __call__(self, pieces):
        self._before()
        for piece in pieces:
            self.got.append(piece)
            self._before()
        return b"".join(self.got)

    async def of(self, pieces):
        self._before()
        async for piece in pieces:
            self.got.append(piece)
            self._before()
        return b"".join(self.got)


def _cut(asked, line):
    """Two chunks, and the connection is over."""
    line.send(wire.head(200, [wire.JSON_TYPE, wire.CHUNKED]))
    line.send(wire.piece(b"[1,") + wire.piece(b"2,"))
    line.close()


def _stuck(asked, line):
    """Half of an answer, and then nothing."""
    line.send(wire.head(200, [wire.JSON_TYPE, ("Content-Length", "10")]) + b"[1,2")
    line.hang()


@pytest.fixture
def server():
    with PeculiarServer() as running:
        running._routes.update({"/cut": _cut, "/stuck": _stuck})
        yield running


@pytest.fixture
def taken_over():
    undo = take_over()
    yield
    undo()


@contextlib.contextmanager
def cassette(path, mode):
    with vcr.VCR(record_mode=mode).use_cassette(str(path)) as used:
        yield used


WHOLE = {
    "of a length": "/large?bytes=300000",
    "in chunks": "/large?bytes=300000&framing=chunked",
    "until the end of the connection": "/large?bytes=300000&framing=close",
    "encoded": "/gzip",
    "of no content": "/empty",
    "an error": "/json?code=500",
}
WHOLE_ANSWERS = [
    (client, kind)
    for client in CLIENTS
    for kind in WHOLE
    if (client, kind) != ("urllib", "an error")  # which it raises
]


@pytest.mark.usefixtures("taken_over")
@pytest.mark.parametrize(("client", "kind"), WHOLE_ANSWERS)
def test_an_answer_that_nobody_reads_is_kept_whole(client, kind, server, tmp_path):
    ask, url = CLIENTS[client], server.base_url + WHOLE[kind]
    bare = ask(url, Everything())
    with cassette(tmp_path / "a.yaml", "once") as used:
        ask(url, Nothing())
        assert len(used) == 1
    with cassette(tmp_path / "a.yaml", "none") as used:
        assert ask(url, Everything()) == bare
        assert used.all_played


@pytest.mark.usefixtures("taken_over")
@pytest.mark.parametrize(("client", "kind"), WHOLE_ANSWERS)
def test_the_program_reads_what_was_read_before_it(client, kind, server, tmp_path):
    ask, url = CLIENTS[client], server.base_url + WHOLE[kind]
    bare = ask(url, Everything())
    with cassette(tmp_path / "a.yaml", "once"):
        assert ask(url, Everything()) == bare


BROKEN = {
    "short of its length": "/truncated?declared=1000&sent=400",
    "in the middle of its chunks": "/cut",
}


def _outcome(ask, url, patience_s=_PATIENCE_S):
    taking = Everything()
    try:
        ask(url, taking, patience_s)
    except Exception as error:  # noqa: BLE001  (each client has its own, and some have none)
        return b"".join(taking.got), type(error), str(error)
    return b"".join(taking.got), None, ""


@pytest.mark.usefixtures("taken_over")
@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("client", CLIENTS)
def test_an_answer_that_breaks_off_breaks_off_for_the_program(client, kind, server, tmp_path):
    ask, url = CLIENTS[client], server.base_url + BROKEN[kind]
    bare = _outcome(ask, url)
    with cassette(tmp_path / "a.yaml", "once") as used:
        assert _outcome(ask, url) == bare
        assert len(used) == 0


@pytest.mark.usefixtures("taken_over")
@pytest.mark.parametrize("client", ["httpx", "urllib", "aiohttp"])
def test_a_client_that_waits_in_vain_meets_that_behind_what_it_has_got(client, server, tmp_path):
    ask, url = CLIENTS[client], server.base_url + "/stuck"
    bare = _outcome(ask, url, _SHORT_S)
    assert bare[0] == b"[1,2"
    with cassette(tmp_path / "a.yaml", "once") as used:
        assert _outcome(ask, url, _SHORT_S) == bare
        assert len(used) == 0


@pytest.mark.usefixtures("taken_over")
@pytest.mark.parametrize("client", CLIENTS)
def test_a_stream_comes_piece_by_piece(client, server, tmp_path):
    ask, url = CLIENTS[client], server.base_url + "/gated"
    taking = Everything(server._released.release)
    with cassette(tmp_path / "a.yaml", "once"):
        ask(url, taking)
    assert len(taking.got) == _PIECES
    with cassette(tmp_path / "a.yaml", "none"):
        assert ask(url, Everything()) == b"".join(taking.got)


@pytest.mark.usefixtures("taken_over")
def test_chunks_of_aiohttp_are_those_of_the_wire(server, tmp_path):
    url = server.base_url + "/large?bytes=200000&framing=chunked"

    async def ask():
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            size, ends = 0, set()
            async for data, is_end in response.content.iter_chunks():
                size += len(data)
                if is_end:  # which may come alone
                    ends.add(size)
            return ends

    with cassette(tmp_path / "a.yaml", "once"):
        assert asyncio.run(ask()) == {65536, 131072, 196608, 200000}


@pytest.mark.usefixtures("taken_over")
def test_what_was_kept_decoded_is_encoded_as_its_headers_say(server, tmp_path):
    url = server.base_url + "/gzip"
    for _ in range(2):
        with cassette(tmp_path / "a.yaml", "once"):
            response = requests.get(url, timeout=_PATIENCE_S)
        assert response.headers["content-encoding"] == "gzip"
        assert response.json()["ok"]


@pytest.mark.usefixtures("taken_over")
def test_a_client_asks_on_after_an_answer_that_was_read_before_it(server, tmp_path):
    with cassette(tmp_path / "a.yaml", "all"):
        with contextlib.closing(httplib2.Http()) as client:
            for _ in range(2):
                assert client.request(server.base_url + "/gzip")[1].startswith(b'{"ok"')
        with httpx.Client() as talking:
            for _ in range(2):
                with talking.stream("GET", server.base_url + "/large"):
                    pass
    with (
        cassette(tmp_path / "b.yaml", "none"),
        pytest.raises(CannotOverwriteExistingCassetteException),
    ):
        httpx.get(server.base_url)
