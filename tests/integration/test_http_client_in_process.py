"""Sessions in the very process that asks, through the clients on top of `http.client`."""

import contextlib
import gc
import http.client
import io
import itertools
import socket
import threading
import urllib.request
import xmlrpc.client
import xmlrpc.server
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import requests
import urllib3

import agentvcr
from agentvcr.cassette.reader import load_run
from agentvcr.errors import DivergenceError
from agentvcr.inside import interceptors
from agentvcr.inside.exchange import ReplayHalt
from tests.support import wire
from tests.support.counter_server import CounterServer
from tests.support.script_server import ScriptServer

AGENTS = 8
MANY = 200
CHAT = {"model": "m", "messages": [{"role": "user", "content": "the same for all"}]}


class LineServer(ScriptServer):
    """Says on which connection a request came."""

    def __init__(self):
        self._known = []
        super().__init__({"/line": self._line})

    def _line(self, _, line):
        if line not in self._known:
            self._known.append(line)
        line.send(wire.whole_json(self._known.index(line)))


def content_of(answer):
    return answer["choices"][0]["message"]["content"]


def by_a_session(session):
    return lambda url: content_of(session.post(url, json=CHAT).json())


def by_a_pool(pool):
    return lambda url: content_of(pool.request("POST", url, json=CHAT).json())


def by_http_client(_):
    def ask(url):
        parts = urllib3.util.parse_url(url)
        conn = http.client.HTTPConnection(parts.host, parts.port)
        conn.request("POST", parts.path, body=b'{"model": "m", "messages": []}')
        answer = conn.getresponse().read()
        conn.close()
        return answer

    return ask


CALLS = {
    "requests": (requests.Session, by_a_session),
    "urllib3": (lambda: urllib3.PoolManager(maxsize=3), by_a_pool),
    "http.client": (lambda: None, by_http_client),
}


@pytest.fixture(params=CALLS)
def asker(request):
    """Make a function that asks; its connections are new, and shared by those who use it."""
    make, call = CALLS[request.param]
    return lambda: call(make())


def in_threads(ask, url, count=AGENTS):
    answers = [None] * count

    def work(place):
        answers[place] = [ask(url), ask(url)]

    threads = [threading.Thread(target=work, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def in_a_pool(ask, url):
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(lambda _: ask(url), range(AGENTS)))


@pytest.mark.parametrize("fan_out", [in_threads, in_a_pool])
def test_each_caller_gets_its_own_answer_again(fan_out, asker, tmp_path):
    with CounterServer(jitter_ms=(1, 30)) as server:
        url = server.base_url + "/v1/chat/completions"
        with agentvcr.record(tmp_path / "x.avcr"):
            told = fan_out(asker(), url)
    with agentvcr.replay(tmp_path / "x.avcr") as session:
        again = fan_out(asker(), url)
    assert again == told
    assert len({str(answer) for answer in told}) == AGENTS
    assert session.divergences == ()
    assert session.diff.same


def test_two_hundred_threads_lose_nothing(tmp_path):
    with CounterServer() as server:
        url = server.base_url + "/v1/chat/completions"
        with agentvcr.record(tmp_path / "x.avcr"):
            told = in_threads(by_a_session(requests.Session()), url, MANY)
        assert server.count == 2 * MANY
    assert len(load_run(tmp_path / "x.avcr").exchanges) == 2 * MANY
    with agentvcr.replay(tmp_path / "x.avcr") as session:
        again = in_threads(by_a_session(requests.Session()), url, MANY)
    assert again == told
    assert session.diff.same


def exchanges(folder):
    return load_run(folder / "x.avcr").exchanges


def test_a_client_is_put_back_as_it_was(tmp_path):
    class Made(http.client.HTTPConnection):
        def connect(self):
            super().connect()

    classes = (http.client.HTTPConnection, http.client.HTTPResponse, http.client.HTTPSConnection)
    owners = (*classes, Made, urllib3.connection.HTTPConnection, urllib3.HTTPConnectionPool)
    before = [dict(vars(owner)) for owner in (*owners, urllib3.util.connection)]
    with agentvcr.record(tmp_path / "x.avcr"):
        assert http.client.HTTPConnection.send is not before[0]["send"]
        assert Made.connect is not before[3]["connect"]
        assert "http.client" in interceptors.installed()

        class Later(Made):
            def connect(self):
                super().connect()

        own = Later.__dict__["connect"]
        Later("127.0.0.1", 1)
        assert Later.__dict__["connect"] is not own
    assert [dict(vars(owner)) for owner in (*owners, urllib3.util.connection)] == before
    assert Later.__dict__["connect"] is own


def test_nothing_is_recorded_before_or_after_the_block(tmp_path):
    with ScriptServer() as server, requests.Session() as session:
        url = server.base_url + "/json"
        session.get(url)
        with agentvcr.record(tmp_path / "x.avcr"):
            session.get(url)
        session.get(url)
        assert server.count == 3
    assert len(exchanges(tmp_path)) == 1


@pytest.mark.parametrize("before", [True, False])
def test_a_session_may_be_live_around_a_replay(before, tmp_path):
    """Its connection was real, is a stand-in while it is replayed, and real again."""
    with LineServer() as server, requests.Session() as session:
        url = server.base_url + "/line"
        with agentvcr.record(tmp_path / "x.avcr"):
            requests.get(url)
        if before:
            assert session.get(url).json() == 1
        with agentvcr.replay(tmp_path / "x.avcr"):
            assert session.get(url).json() == 0
        assert session.get(url).json() == 1 + before
        assert server.count == 2 + before


def test_connections_are_kept_alive_as_without_us(tmp_path):
    def ask(session, url):
        told = [session.get(url + "/line").json() for _ in range(3)]
        list(session.get(url + "/sse?events=2", stream=True).iter_content(None))
        told.append(session.get(url + "/line").json())
        left = session.get(url + "/sse?events=2&then=hang", stream=True)
        next(left.iter_content(None))
        left.close()
        return [*told, session.get(url + "/line").json()]

    with LineServer() as server:
        assert ask(requests.Session(), server.base_url) == [0, 0, 0, 0, 1]
    with LineServer() as server:
        with agentvcr.record(tmp_path / "x.avcr"):
            assert ask(requests.Session(), server.base_url) == [0, 0, 0, 0, 1]
        url = server.base_url
    with agentvcr.replay(tmp_path / "x.avcr") as session:
        assert ask(requests.Session(), url) == [0, 0, 0, 0, 1]
    assert session.diff.same


def test_a_served_connection_stays_usable(tmp_path):
    """A pool that looks whether its connection was dropped, or makes ever new ones, is another."""
    with LineServer() as server:
        url = server.base_url + "/line"
        with agentvcr.record(tmp_path / "x.avcr"):
            for _ in range(3):
                requests.get(url)
    with agentvcr.replay(tmp_path / "x.avcr"):
        pool = urllib3.HTTPConnectionPool("127.0.0.1", urllib3.util.parse_url(url).port)
        for _ in range(3):
            assert pool.request("GET", "/line").status == 200
        assert (pool.num_connections, pool.num_requests) == (1, 3)


def test_each_retry_is_an_exchange_of_its_own(tmp_path):
    def ask(url):
        again = urllib3.Retry(3, status_forcelist=[503], backoff_factor=0)
        response = urllib3.PoolManager(retries=again).request("GET", url)
        return response.status, len(response.retries.history), response.json()

    with ScriptServer() as server:
        url = server.base_url + "/retry?key=a&times=2&code=503&after=0"
        with agentvcr.record(tmp_path / "x.avcr"):
            told = ask(url)
        assert server.count == 3
    assert [one.response.status for one in exchanges(tmp_path)] == [503, 503, 200]
    with agentvcr.replay(tmp_path / "x.avcr") as session:
        assert ask(url) == told
    assert session.diff.same


def test_how_a_stream_ends_is_recorded(tmp_path):
    with ScriptServer() as server:
        url = server.base_url + "/sse?events=3"
        with agentvcr.record(tmp_path / "x.avcr"):
            with urllib.request.urlopen(url) as response:
                assert response.readline()
            assert list(requests.get(url, stream=True).iter_content(None))
            conn = http.client.HTTPConnection("127.0.0.1", server.port)
            conn.request("GET", "/json")
            conn.close()
            with pytest.raises(requests.ConnectionError):
                requests.get("http://127.0.0.1:9/")
    kinds = [one.ending.kind for one in exchanges(tmp_path)]
    assert kinds == ["closed", "eof", "closed", "failed"]
    sizes = [len(one.response.chunks) for one in exchanges(tmp_path)[:2]]
    assert sizes == [1, 3]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_is_dropped_is_ended_when_it_is_collected(tmp_path):
    """The standard library closes an answer that is dropped; a request without one it does not."""
    with ScriptServer() as server, agentvcr.record(tmp_path / "x.avcr"):
        conn = http.client.HTTPConnection("127.0.0.1", server.port)
        conn.request("GET", "/sse?events=3&then=hang")
        response = conn.getresponse()
        assert response.read1(10)
        del response, conn
        gc.collect()
        conn = http.client.HTTPConnection("127.0.0.1", server.port)
        conn.request("GET", "/hang")
        del conn
        gc.collect()
        requests.get(server.base_url + "/json")
    kinds = [one.ending.kind for one in exchanges(tmp_path)]
    assert kinds == ["closed", "abandoned", "eof"]


def test_reading_on_is_an_overrun_and_a_divergence(tmp_path):
    with ScriptServer() as server:
        url = server.base_url + "/sse?events=4"
        with (
            agentvcr.record(tmp_path / "x.avcr"),
            requests.get(url, stream=True) as response,
        ):
            assert next(response.iter_content(None))
    session = agentvcr.replay(tmp_path / "x.avcr")
    with pytest.raises(DivergenceError, match="reads on after"), session, pytest.raises(ReplayHalt):
        requests.get(url)
    assert [one.kind for one in session.divergences] == ["overrun"]


def test_a_miss_is_no_error_that_a_client_could_retry(tmp_path):
    with ScriptServer() as server:
        with agentvcr.record(tmp_path / "x.avcr"):
            requests.get(server.base_url + "/json")
        session = agentvcr.replay(tmp_path / "x.avcr")
        with (
            pytest.raises(DivergenceError, match="no recorded exchange"),
            session,
            pytest.raises(ReplayHalt),
        ):
            urllib3.request("GET", server.base_url + "/other", retries=10)
        assert server.count == 1
    assert [one.kind for one in session.divergences] == ["miss"]


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
        with agentvcr.record(tmp_path / "x.avcr"):
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
