"""What an exchange through `http.client` holds, and through which clients it is answered again."""

import contextlib
import gzip
import http.client
import io
import itertools
import json
import socket
import threading
import urllib.request
import xmlrpc.client
import xmlrpc.server

import httpx
import pytest
import requests
import urllib3

import agentvcr
from agentvcr.cassette.reader import load_run
from agentvcr.inside.exchange import ReplayHalt
from tests.support import wire
from tests.support.script_server import ScriptServer


def exchanges(folder):
    return load_run(folder / "x.avcr").exchanges


def by_urllib(url):
    with urllib.request.urlopen(url) as response:
        return response.status, response.read()


def by_requests(url):
    response = requests.get(url)
    return response.status_code, response.content


def by_httpx(url):
    response = httpx.get(url, verify=False)
    return response.status_code, response.content


@pytest.mark.parametrize("path", ["/json", "/sse?events=3", "/headers", "/empty"])
@pytest.mark.parametrize(
    ("one", "other"), list(itertools.permutations([by_urllib, by_requests, by_httpx], 2))
)
def test_what_one_client_recorded_is_answered_through_another(one, other, path, tmp_path):
    with ScriptServer() as server:
        url = server.base_url + path
        with agentvcr.record(tmp_path / "x.avcr"):
            told = one(url)
    with agentvcr.replay(tmp_path / "x.avcr") as session:
        assert other(url) == told
    assert session.divergences == ()


def test_pieces_are_the_same_as_another_client_records(tmp_path):
    with ScriptServer() as server:
        url = server.base_url + "/gzip-sse?events=3&gap_ms=30"
        with agentvcr.record(tmp_path / "x.avcr"):
            by_requests(url)
            by_httpx(url)
    mine, theirs = (one.response for one in exchanges(tmp_path))
    assert [one.data for one in mine.chunks] == [one.data for one in theirs.chunks]
    assert (mine.headers, mine.reason, mine.http_version) == (
        theirs.headers,
        theirs.reason,
        theirs.http_version,
    )


def test_a_request_is_recorded_as_it_is_sent(tmp_path):
    def ask(port):
        conn = http.client.HTTPConnection("127.0.0.1", port)
        conn.putrequest("POST", "/echo?a=1", skip_accept_encoding=True)
        conn.putheader("X-Odd-CASE", "one")
        conn.putheader("x-odd-case", "two")
        conn.putheader("Transfer-Encoding", "chunked")
        conn.endheaders()
        for part in (b"abc", b"de"):
            conn.send(b"%x\r\n%s\r\n" % (len(part), part))
        conn.send(b"0\r\n\r\n")
        with contextlib.closing(conn):
            return conn.getresponse().read()

    with ScriptServer() as server:
        with agentvcr.record(tmp_path / "x.avcr"):
            told = ask(server.port)
        (asked,) = server.asked
    (exchange,) = exchanges(tmp_path)
    sent = [(name.decode(), value.decode()) for name, value in exchange.request.headers]
    assert tuple(sent) == asked.headers
    assert exchange.request.url == f"http://127.0.0.1:{server_port(exchange)}/echo?a=1"
    assert exchange.request.body == b"abcde"
    with agentvcr.replay(tmp_path / "x.avcr"):
        assert ask(server_port(exchange)) == told


def server_port(exchange):
    return urllib3.util.parse_url(exchange.request.url).port


def test_nothing_is_sent_before_a_body_in_parts_is_whole(tmp_path):
    """A miss must be known before the first byte leaves, so the body is read first."""

    def body():
        yield b"first"
        assert server.count == 0
        yield b"second"

    with ScriptServer() as server, agentvcr.record(tmp_path / "x.avcr"):
        answer = requests.post(server.base_url + "/echo", data=body()).json()
    assert answer["text"] == "firstsecond"
    assert exchanges(tmp_path)[0].request.body == b"firstsecond"


@pytest.mark.parametrize("ask", [by_urllib, by_requests])
@pytest.mark.parametrize("packed", [True, False])
def test_an_answer_without_its_credential_is_as_long_as_it_says(packed, ask, tmp_path):
    told = json.dumps({"api_key": "sk-test-" + "not0a0key1" * 4, "ok": True}).encode()

    def answer(_, line):
        body = gzip.compress(told, mtime=0) if packed else told
        coded = [("Content-Encoding", "gzip")] if packed else []
        line.send(wire.whole(200, body, [wire.JSON_TYPE, *coded]))

    with ScriptServer({"/key": answer}) as server:
        url = server.base_url + "/key"
        with agentvcr.record(tmp_path / "x.avcr"):
            ask(url)
    with agentvcr.replay(tmp_path / "x.avcr"):
        status, content = ask(url)
    assert (status, json.loads(content)["ok"]) == (200, True)
    assert b"not0a0key1" not in content


class LocalConnection(http.client.HTTPConnection):
    """As clients of a local daemon have it."""

    def __init__(self, path):
        super().__init__("localhost")
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self._path)


def test_a_connection_over_a_unix_socket_is_recorded_under_its_name(tmp_path):
    def ask():
        conn = LocalConnection(str(tmp_path / "s"))
        conn.request("GET", "/info")
        answer = conn.getresponse().read()
        conn.close()
        return answer

    def serve(listener):
        client, _ = listener.accept()
        with client, client.makefile("rb") as reader:
            assert wire.read_request(reader).path == "/info"
            client.sendall(wire.whole_json("here"))

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        with agentvcr.record(tmp_path / "x.avcr", strict=True):
            assert ask() == b'"here"'
        thread.join()
    assert exchanges(tmp_path)[0].request.url == "http://localhost/info"
    with agentvcr.replay(tmp_path / "x.avcr") as session:
        assert ask() == b'"here"'
    assert session.diff.same


def test_an_upgraded_connection_is_the_program_s(tmp_path):
    with ScriptServer() as server, agentvcr.record(tmp_path / "x.avcr"):
        conn = http.client.HTTPConnection("127.0.0.1", server.port)
        conn.request("GET", "/upgrade", headers={"Connection": "Upgrade", "Upgrade": "echo"})
        response = conn.getresponse()
        assert (response.status, type(response.fp).__name__) == (101, "BufferedReader")
        conn.sock.sendall(b"hello")
        assert conn.sock.recv(5) == b"hello"
        conn.close()
    (exchange,) = exchanges(tmp_path)
    assert (exchange.response.status, exchange.ending.kind) == (101, "closed")
    assert not exchange.response.chunks


def test_a_call_over_xml_is_recorded(tmp_path):
    with xmlrpc.server.SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False) as server:
        server.register_function(lambda a, b: a + b, "add")
        url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        with agentvcr.record(tmp_path / "x.avcr"), xmlrpc.client.ServerProxy(url) as proxy:
            assert [proxy.add(1, 2), proxy.add(3, 4)] == [3, 7]
        server.shutdown()
        thread.join()
    with agentvcr.replay(tmp_path / "x.avcr") as session, xmlrpc.client.ServerProxy(url) as proxy:
        assert [proxy.add(1, 2), proxy.add(3, 4)] == [3, 7]
    assert session.diff.same


class Canned:
    """A socket of a program's own, whose file is not a socket's."""

    def __init__(self, answer):
        self._answer = answer

    def sendall(self, data):
        pass

    def makefile(self, *_):
        return io.BytesIO(self._answer)

    def close(self):
        pass


class Broken(Canned):
    def sendall(self, _):
        raise BrokenPipeError(32, "Broken pipe")


def test_a_send_that_fails_fails_again_while_it_is_sent(tmp_path):
    def ask():
        conn = http.client.HTTPConnection("canned.example")
        conn.sock = Broken(b"")
        with contextlib.closing(conn), pytest.raises(BrokenPipeError, match="Errno 32") as caught:
            conn.request("POST", "/", body=b"something")
        return caught.value.args

    with agentvcr.record(tmp_path / "x.avcr"):
        told = ask()
    (exchange,) = exchanges(tmp_path)
    assert exchange.ending.failure.message == "[Errno 32] Broken pipe (while sending)"
    with agentvcr.replay(tmp_path / "x.avcr") as session:
        assert ask() == told
    assert session.diff.same


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (wire.whole(200, b"abc"), "eof"),
        (wire.head(200, [wire.CHUNKED]) + wire.piece(b"abc") + wire.LAST_PIECE, "eof"),
        (wire.head(200, [wire.CHUNKED]) + wire.piece(b"abc"), "failed"),
        (wire.head(200, [("Content-Length", "9")]) + b"abc", "failed"),
        (wire.head(200) + b"abc", "eof"),
    ],
)
def test_a_socket_of_the_program_s_own_is_heard_too(answer, kind, tmp_path):
    conn = http.client.HTTPConnection("canned.example")
    conn.sock = Canned(answer)
    with agentvcr.record(tmp_path / "x.avcr"):
        conn.request("GET", "/")
        response = conn.getresponse()
        with contextlib.suppress(http.client.IncompleteRead):
            assert response.read() == b"abc"
    (exchange,) = exchanges(tmp_path)
    assert (exchange.response.body, exchange.ending.kind) == (b"abc", kind)


def test_a_connection_made_before_its_request_goes_nowhere_in_a_replay(tmp_path):
    def ask(port):
        conn = http.client.HTTPConnection("127.0.0.1", port)
        conn.connect()
        conn.request("GET", "/json")
        with contextlib.closing(conn):
            return conn.getresponse().read()

    with ScriptServer() as server:
        with agentvcr.record(tmp_path / "x.avcr"):
            told = ask(server.port)
        with agentvcr.replay(tmp_path / "x.avcr") as session:
            assert ask(server.port) == told
        assert server.count == 1
    assert session.diff.same


def test_what_is_sent_past_the_client_stops_the_replay(tmp_path):
    with ScriptServer() as server, agentvcr.record(tmp_path / "x.avcr"):
        requests.get(server.base_url + "/json")
    with agentvcr.replay(tmp_path / "x.avcr"):
        conn = http.client.HTTPConnection("127.0.0.1", server_port(exchanges(tmp_path)[0]))
        conn.connect()
        with pytest.raises(ReplayHalt, match=r"past http\.client"):
            conn.sock.sendall(b"anything")
        assert requests.get(exchanges(tmp_path)[0].request.url).status_code == 200
