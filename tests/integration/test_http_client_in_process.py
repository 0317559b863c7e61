"""Sessions in the very process that asks, through the clients on top of `http.client`."""

import contextlib
import gc
import http.client
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor

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


def test_a_recorded_connection_is_not_told_as_one_that_was_missed(tmp_path):
    with ScriptServer() as server, agentvcr.record(tmp_path / "x.avcr") as session:
        requests.get(server.base_url + "/json")
        requests.post(server.base_url + "/echo", data=iter([b"in", b"parts"]))
        conn = http.client.HTTPConnection("127.0.0.1", server.port)
        conn.connect()
        conn.close()
    assert session.run.notes == ()


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


def test_a_served_connection_stays_usable(tmp_path, caplog):
    """A pool that looks whether its connection was dropped, or makes ever new ones, is another."""
    with LineServer() as server:
        url = server.base_url + "/line"
        with agentvcr.record(tmp_path / "x.avcr"):
            for _ in range(3):
                requests.get(url)
    with agentvcr.replay(tmp_path / "x.avcr"):
        caplog.set_level("DEBUG", "urllib3")
        pool = urllib3.HTTPConnectionPool("127.0.0.1", urllib3.util.parse_url(url).port)
        for _ in range(3):
            assert pool.request("GET", "/line").status == 200
        assert (pool.num_connections, pool.num_requests) == (1, 3)
    assert "dropped" not in caplog.text


def test_a_served_connection_is_broken_when_the_replay_is_over(tmp_path):
    with LineServer() as server:
        with agentvcr.record(tmp_path / "x.avcr"):
            requests.get(server.base_url + "/line")
        conn = http.client.HTTPConnection("127.0.0.1", server.port)
        with agentvcr.replay(tmp_path / "x.avcr"):
            conn.request("GET", "/line")
            assert conn.getresponse().read() == b"0"
        with pytest.raises(ConnectionResetError):
            conn.request("GET", "/line")
        conn.close()
        conn.request("GET", "/line")
        assert conn.getresponse().read() == b"1"
        conn.close()


def test_a_server_of_the_block_s_own_is_asked_again(tmp_path):
    """Also where the program connects before it asks, when nobody knows yet what for."""

    def ask():
        with ScriptServer() as server:
            conn = http.client.HTTPConnection("127.0.0.1", server.port)
            conn.connect()
            conn.request("GET", "/json")
            with contextlib.closing(conn):
                return conn.getresponse().read(), server.count

    with agentvcr.record(tmp_path / "x.avcr"):
        told = ask()
    with agentvcr.replay(tmp_path / "x.avcr") as session:
        assert ask() == told == (b'{"ok": true}', 1)
    assert session.divergences == ()


def test_how_much_of_an_answer_is_taken_is_recorded_again(tmp_path):
    with ScriptServer() as server:
        url = server.base_url + "/sse?events=4"
        with agentvcr.record(tmp_path / "x.avcr"):
            assert len(list(requests.get(url, stream=True).iter_content(None))) == 4
    with agentvcr.replay(tmp_path / "x.avcr") as session:
        left = requests.get(url, stream=True)
        assert next(left.iter_content(None))
        left.close()
    assert not session.diff.same
    (exchange,) = session.run.exchanges
    assert (len(exchange.response.chunks), exchange.ending.kind) == (1, "closed")


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
