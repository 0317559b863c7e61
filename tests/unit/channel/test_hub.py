"""The engine's end of the channel, over real sockets and processes."""

import os
import socket
import threading

import pytest

from agentvcr.boundary import Boundary
from agentvcr.cassette import format as fmt
from agentvcr.cassette.journal import Journal
from agentvcr.cassette.reader import load_run
from agentvcr.channel.hub import Hub
from agentvcr.inside import frames
from agentvcr.inside.channel import Link
from agentvcr.inside.exchange import Request, Serve
from agentvcr.inside.remote import RemoteHandler
from agentvcr.inside.wire import pack_begin, pack_serve, unpack_serve
from agentvcr.matching.fingerprint import Fingerprinter
from agentvcr.recording.recorder import Recorder
from agentvcr.redaction.redactor import Redactor
from tests.unit.cassette.page_reader import journal_frames, records


class Engine:
    """A recorder behind a hub that a thread turns."""

    def __init__(self, path):
        self.path = path
        self.recorder = Recorder(
            Journal(path), Redactor(b"k" * 32), boundary=Boundary(), fingerprinter=Fingerprinter()
        )
        self.recorder.add(fmt.RunBegin("run", 0, (), ".", "0", "p", "1", {}))
        self.hub = Hub(self.recorder, Boundary(), None)
        self.failed = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._turn)
        self._thread.start()

    def _turn(self):
        try:
            while not self._stop.is_set():
                self.hub.turn(0.01)
        except BaseException as error:  # noqa: BLE001  (the test says what it was)
            self.failed = error

    def finish(self):
        self._stop.set()
        self._thread.join()
        self.hub.drain(0.1)
        self.hub.close()
        self.recorder.close(0, None)
        assert self.failed is None
        return load_run(self.path)

    def wire(self, uid="one", **meta):
        fields = {
            "protocol": frames.PROTOCOL,
            "token": self.hub.token,
            "uid": uid,
            "pid": 1,
            "ppid": 1,
            "lane": "main",
            "argv": ["x"],
            "python": "3",
            **meta,
        }
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(5)
        sock.connect(self.hub.address.removeprefix("unix:"))
        sock.sendall(frames.pack(frames.HELLO, 0, 0, 0, frames.pack_meta(fields), b""))
        return sock


@pytest.fixture
def engine(tmp_path):
    made = Engine(tmp_path / "a.avcr")
    yield made
    if not made._stop.is_set():
        made._stop.set()
        made._thread.join()
        made.hub.close()
        made.recorder.close(0, None)


def ask(body=b"", url="http://a.example/"):
    return Request("POST", url, [], body, "main", "httpx")


def answer_frames(number, seq, chunks):
    meta = frames.pack_meta({"status": 200, "headers": [], "reason": "", "version": "HTTP/1.1"})
    out = [frames.pack(frames.HEAD, number, seq, 1, meta, b"")]
    out += [
        frames.pack(frames.CHUNK, number, seq + 1 + at, 1, b"", data)
        for at, data in enumerate(chunks)
    ]
    end = frames.pack_meta({"how": "eof"})
    out.append(frames.pack(frames.END, number, seq + 1 + len(chunks), 1, end, b""))
    return out


def test_an_end_that_overtakes_its_exchange_is_held_and_acknowledged_when_the_gap_closes(engine):
    first, second = engine.wire(), engine.wire()
    begin, seq = pack_begin(1, ask(b"body"))
    head, chunk, end = answer_frames(1, seq, [b"data"])
    second.sendall(end)
    second.settimeout(0.2)
    first.sendall(begin)
    first.sendall(head)
    with pytest.raises(TimeoutError):
        second.recv(100)
    first.sendall(chunk)
    second.settimeout(5)
    assert frames.unpack(second.recv(100), 0)[0].kind == frames.ACK
    for sock in (first, second):
        sock.close()
    (exchange,) = engine.finish().exchanges
    assert (exchange.request.body, exchange.response.body) == (b"body", b"data")


def test_what_is_sent_twice_is_taken_once_and_acknowledged_twice(engine):
    sock = engine.wire()
    begin, seq = pack_begin(1, ask(b"body"))
    everything = b"".join([begin, *answer_frames(1, seq, [b"a", b"b"])])
    for _ in range(2):
        sock.sendall(everything)
        assert frames.unpack(sock.recv(100), 0)[0].kind == frames.ACK
    sock.close()
    (exchange,) = engine.finish().exchanges
    assert [chunk.data for chunk in exchange.response.chunks] == [b"a", b"b"]


def test_an_acknowledged_exchange_is_in_the_file(engine):
    sock = engine.wire()
    begin, seq = pack_begin(1, ask(b"body"))
    sock.sendall(b"".join([begin, *answer_frames(1, seq, [b"data"])]))
    assert frames.unpack(sock.recv(100), 0)[0].kind == frames.ACK
    (exchange,) = load_run(engine.path).exchanges
    assert exchange.ending.kind == "eof"
    sock.close()
    engine.finish()


def test_a_frame_torn_at_the_end_of_its_connection_is_dropped(engine):
    begin, seq = pack_begin(1, ask(b"body"))
    head, chunk, _ = answer_frames(1, seq, [b"whole"])
    torn = frames.pack(frames.CHUNK, 1, seq + 2, 1, b"", b"torn")[:-1]
    sock = engine.wire()
    sock.sendall(begin + head + chunk + torn)
    sock.close()
    (exchange,) = engine.finish().exchanges
    assert (exchange.response.body, exchange.ending.kind) == (b"whole", "cut")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"not json", id="no JSON"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b'{"protocol":1,"token":"guess"}', id="another token"),
        pytest.param(b'{"protocol":99}', id="another protocol"),
    ],
)
def test_a_stranger_is_refused_and_the_run_goes_on(engine, data):
    stranger = socket.socket(socket.AF_UNIX)
    stranger.settimeout(5)
    stranger.connect(engine.hub.address.removeprefix("unix:"))
    stranger.sendall(frames.pack(frames.HELLO, 0, 0, 0, data, b""))
    assert stranger.recv(1) == b""
    stranger.close()
    with engine.wire():
        pass
    assert len(engine.finish().processes) == 1


def test_a_header_that_claims_too_much_ends_its_connection_and_no_other(engine):
    bad, good = engine.wire(), engine.wire()
    bad.sendall(frames.HEADER.pack(frames.BODY, 1, 0, 0, frames.MAX_RAW + 1, 0))
    assert bad.recv(1) == b""
    begin, seq = pack_begin(7, ask())
    good.sendall(b"".join([begin, *answer_frames(7, seq, [])]))
    assert frames.unpack(good.recv(100), 0)[0].kind == frames.ACK
    for sock in (bad, good):
        sock.close()
    assert len(engine.finish().exchanges) == 1


def test_a_client_that_dies_while_it_is_answered_does_not_end_the_engine(engine):
    for number in range(1, 20):
        sock = engine.wire(uid=str(number))
        begin, seq = pack_begin(1, ask())
        sock.sendall(b"".join([begin, *answer_frames(1, seq, [b"x"])]))
        sock.close()
    assert len(engine.finish().exchanges) == 19


@pytest.mark.parametrize("url", ["http://a.example:99999/", "http://[::1/"])
def test_a_request_that_makes_no_sense_does_not_end_the_engine(engine, url):
    sock = engine.wire()
    begin, seq = pack_begin(1, ask(url=url))
    sock.sendall(b"".join([begin, *answer_frames(1, seq, [])]))
    assert frames.unpack(sock.recv(100), 0)[0].kind == frames.ACK
    sock.close()
    assert engine.finish().exchanges[0].request.url == url


def test_a_command_line_that_is_no_unicode_does_not_end_the_engine(engine):
    with engine.wire(argv=["python", "\udcff"]):
        pass
    assert len(engine.finish().processes) == 1


def test_a_very_long_failure_is_recorded_as_a_failure(engine):
    handler = RemoteHandler(Link(engine.hub.address, engine.hub.token, "main"), replaying=False)
    handler.begin(ask()).sink.end("failed", ValueError("x" * frames.MAX_META))
    handler.link.free.clear()
    assert engine.finish().exchanges[0].ending.kind == "failed"


@pytest.mark.parametrize("delays", [0, 1])
@pytest.mark.parametrize("sizes", [[], [0], [3, 0, 5], [frames.MAX_RAW] * 3, [1] * 120_000])
def test_an_answer_of_any_shape_fits_the_frames_and_comes_out_as_it_went_in(sizes, delays):
    serve = Serve(
        status=200,
        reason=b"OK",
        http_version=b"HTTP/1.1",
        headers=[(b"a", b"\xff"), (b"A", b"")],
        chunks=[os.urandom(size) for size in sizes],
        delays_ns=[3_600_000_000_000] * (len(sizes) + 2) * delays,
        end_kind="eof",
        failure=("a.B", "c"),
        is_lent=bool(delays),
    )
    packed, offset, raw = pack_serve(serve), 0, b""
    while offset < len(packed):
        frame, offset = frames.unpack(packed, offset)
        raw += frame.raw
    whole = frames.Frame(frame.kind, 0, 0, 0, frame.meta, raw)
    out = unpack_serve(whole, None)
    for name in set(Serve.__slots__) - {"taken", "number"}:
        assert getattr(out, name) == getattr(serve, name), name


def test_the_end_of_a_process_is_written_when_its_last_connection_is_closed(engine):
    first, second, other = engine.wire(), engine.wire(), engine.wire(uid="two", pid=2)
    for number, sock in enumerate((first, second, other), 1):
        begin, seq = pack_begin(number, ask())
        sock.sendall(b"".join([begin, *answer_frames(number, seq, [])]))
        assert frames.unpack(sock.recv(100), 0)[0].kind == frames.ACK  # it is connected
    for sock in (first, other, second):
        sock.close()
    engine.finish()
    raws = journal_frames(engine.path.read_bytes())
    kinds = [(kind, fields.get("index")) for raw in raws for kind, fields in records(raw)]
    assert [one for one in kinds if one[0] == 3] == [(3, 0), (3, 1)]
    assert sorted(one for one in kinds if one[0] == 4) == [(4, 0), (4, 1)]
