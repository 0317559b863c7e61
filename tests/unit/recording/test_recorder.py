"""What is told to the recorder is in the file: when it must be, once, and without credentials."""

import gzip
import os
from time import monotonic_ns

import pytest

from agentvcr.boundary import Boundary
from agentvcr.cassette import format as fmt
from agentvcr.cassette.reader import load_run
from agentvcr.inside.exchange import Forward, ReplayHalt, Serve
from tests.unit.recorded import JSON, answer, ask, recorder_of

PROCESS = {"pid": 10, "ppid": 9, "lane": "main", "argv": ["python"], "python": "3.9.1"}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.avcr"


def closed(recorder, path):
    recorder.close(0, None)
    assert recorder.broken is None
    return load_run(path)


class Inner:
    """Answers with one recorded answer, or halts."""

    def __init__(self, **changes):
        self.asked = []
        self.changes = changes

    def internal(self, *_):
        return 0

    def begin(self, request):
        self.asked.append(request)
        if not self.changes:
            raise ReplayHalt(f"no answer to {request.url}")
        fields = {
            "status": 200,
            "reason": b"",
            "http_version": b"HTTP/1.1",
            "headers": [],
            "chunks": [b"one", b"two"],
            "delays_ns": [],
            "end_kind": "eof",
            "failure": None,
            "number": 7,
        }
        return Serve(**fields | self.changes)


def test_a_request_is_in_the_file_once_it_is_flushed_and_not_before(path):
    recorder = recorder_of(path)
    recorder.flush()
    recorder.begin(ask(body=b"{}"))
    assert load_run(path).exchanges[:] == ()
    recorder.flush()
    (exchange,) = load_run(path).exchanges
    assert (exchange.request.body, exchange.response, exchange.ending) == (b"{}", None, None)
    recorder.close(0, None)


def test_an_exchange_ends_once(path):
    recorder = recorder_of(path)
    sink = recorder.begin(ask()).sink
    answer(sink, [b"a"])
    sink.end("failed", ValueError("late"))
    (exchange,) = closed(recorder, path).exchanges
    assert (exchange.ending.kind, exchange.ending.failure) == ("eof", None)


def test_what_is_open_at_the_end_is_cut_and_keeps_what_came(path):
    recorder = recorder_of(path)
    sink = recorder.begin(ask()).sink
    sink.head(200, [], b"", b"HTTP/1.1")
    sink.chunk(b"came")
    recorder.begin(ask())
    began, silent = closed(recorder, path).exchanges
    assert (began.ending.kind, began.response.body) == ("cut", b"came")
    assert (silent.ending.kind, silent.response) == ("cut", None)


@pytest.mark.parametrize(
    ("how", "named"),
    [("failed", True), ("cancelled", True), ("abandoned", False), ("closed", False)],
)
def test_the_exception_is_named_where_it_was_the_end(path, how, named):
    recorder = recorder_of(path)
    recorder.begin(ask()).sink.end(how, TimeoutError("after 5 s"))
    (exchange,) = closed(recorder, path).exchanges
    failure = exchange.ending.failure
    assert (failure and (failure.type, failure.message)) == (
        ("builtins.TimeoutError", "after 5 s") if named else None
    )


def test_live_and_telemetry_are_noted_without_credentials_and_not_recorded(path):
    recorder = recorder_of(path, boundary=Boundary(("live.example",)))
    live = recorder.begin(ask("http://live.example/?key=SECRET-0123456789"))
    assert isinstance(live, Forward)
    assert recorder.recorded_sink(live) is None
    told = recorder.begin(ask("http://o1.ingest.sentry.io/?key=SECRET-0123456789"))
    answer(told.sink, [b"what a collector says is not kept"])
    run = closed(recorder, path)
    assert run.exchanges[:] == ()
    assert [one.kind for one in run.notes] == ["live", "telemetry"]
    assert all("?key=redacted-" in one.text for one in run.notes)
    assert run.notes[1].text.endswith(" -> 200")


@pytest.mark.parametrize("end", ["failed", "cut", "closed"])
def test_how_a_collector_failed_is_kept(path, end):
    recorder = recorder_of(path)
    sink = recorder.begin(ask("http://o1.ingest.sentry.io/")).sink
    if end == "failed":
        sink.end("failed", TimeoutError("after 5 s"))
    elif end == "closed":
        sink.head(503, [], b"", b"HTTP/1.1")
        sink.end("closed")
    (note,) = closed(recorder, path).notes
    how = {"failed": "builtins.TimeoutError: after 5 s", "cut": "cut", "closed": "503"}[end]
    assert note.text.endswith(f" -> {how}")


def test_a_server_of_the_run_is_recorded_and_asked_for_real_also_while_replaying(path):
    boundary, inner = Boundary(), Inner()
    boundary.listens(8000)
    recorder = recorder_of(path, boundary=boundary, inner=inner)
    answer(recorder.begin(ask("http://127.0.0.1:8000/")).sink, [b"own"])
    (exchange,) = closed(recorder, path).exchanges
    assert (exchange.internal, exchange.response.body, inner.asked) == (True, b"own", [])


@pytest.mark.parametrize(("taken", "expected"), [(0, []), (1, [b"one"]), (2, [b"one", b"two"])])
def test_a_served_answer_is_recorded_as_far_as_it_was_taken(path, taken, expected):
    recorder = recorder_of(path, inner=Inner(headers=[(b"a", b"b")]))
    recorder.begin(ask()).taken(taken, "closed")
    (exchange,) = closed(recorder, path).exchanges
    assert [chunk.data for chunk in exchange.response.chunks] == expected
    assert (exchange.served_from, exchange.ending.kind) == (7, "closed")


def test_a_served_answer_that_was_read_on_is_cut_and_one_that_failed_has_no_head(path):
    recorder = recorder_of(path, inner=Inner(status=0, end_kind="failed", failure=("a.B", "c")))
    recorder.begin(ask()).taken(0, "failed")
    recorder.begin(ask()).taken(0, "overrun")
    failed, overrun = closed(recorder, path).exchanges
    assert (failed.response, failed.ending.failure.type) == (None, "a.B")
    assert overrun.ending.kind == "cut"


def test_who_answers_sees_no_credential_and_knows_the_fingerprint(path):
    inner = Inner(number=1)
    recorder = recorder_of(path, inner=inner)
    request = ask(
        "http://a.example/?key=SECRET-0123456789",
        b'{"password":"SECRET-0123456789"}',
        headers=[(b"x-api-key", b"SECRET-0123456789"), (b"content-type", JSON)],
        lane="main/task0",
    )
    recorder.begin(request)
    (asked,) = inner.asked
    assert "SECRET" not in f"{asked.url} {asked.headers} {asked.body}"
    assert (asked.lane, asked.client) == ("main/task0", "httpx")
    assert request.body == b'{"password":"SECRET-0123456789"}'
    (exchange,) = closed(recorder, path).exchanges
    assert asked.fingerprint == exchange.fingerprint != b""


def test_a_request_without_an_answer_in_the_recording_is_recorded_and_noted(path):
    recorder = recorder_of(path, inner=Inner())
    with pytest.raises(ReplayHalt):
        recorder.begin(ask(body=b"{}"))
    run = closed(recorder, path)
    assert [one.request.body for one in run.exchanges] == [b"{}"]
    assert [one.kind for one in run.notes] == ["divergence"]


def test_a_body_with_a_credential_has_no_raw_hash_and_another_has(path):
    recorder = recorder_of(path)
    for body in (b'{"password":"short"}', b'{"password":"other"}', b'{"harmless":"short"}'):
        recorder.begin(ask(body=body))
    one, other, harmless = closed(recorder, path).exchanges
    assert (one.raw_hash, other.raw_hash, len(harmless.raw_hash)) == (b"", b"", 8)
    assert one.fingerprint == other.fingerprint != harmless.fingerprint


def test_an_encoded_answer_that_is_kept_decoded_is_one_chunk_of_the_last_time(path):
    recorder = recorder_of(path)
    sink = recorder.begin(ask()).sink
    zipped = gzip.compress(b'{"password":"SECRET-0123456789"}')
    start = monotonic_ns()
    sink.head(200, [(b"content-encoding", b"gzip"), (b"a", b"b")], b"", b"", start + 10_000)
    sink.chunk(zipped[:9], start + 20_000)
    sink.chunk(zipped[9:], start + 30_000)
    sink.end("eof")
    (exchange,) = closed(recorder, path).exchanges
    (chunk,) = exchange.response.chunks
    assert chunk.data.startswith(b'{"password":"redacted-')
    assert chunk.at_ns - exchange.response.at_ns == 20_000
    assert exchange.response.headers == ((b"a", b"b"),)


def test_times_count_from_the_beginning_of_the_run_and_are_never_negative(path):
    before = monotonic_ns()
    recorder = recorder_of(path)
    recorder.output(0, "stdout", b"early", before - 5)
    recorder.output(0, "stdout", b"later", before + 60_000_000_000)
    first, second = closed(recorder, path).outputs
    assert first.at_ns == 0
    assert 0 < 60_000_000_000 - second.at_ns < 5_000_000_000


def test_a_run_that_is_over_is_told_with_moments_of_its_own_and_no_clock(path):
    recorder = recorder_of(path, origin_ns=1)
    request = ask()
    request.at_ns = 1 + 2_000_000
    sink = recorder.begin(request).sink
    sink.head(200, [], b"", b"HTTP/1.1", 1 + 3_000_000)
    sink.chunk(b"x", 1 + 4_000_000)
    sink.end_as("eof", None, 1 + 5_000_000)
    recorder.close(0, None, 1)
    run = load_run(path)
    (one,) = run.exchanges
    (chunk,) = one.response.chunks
    moments = (one.began_ns, one.response.at_ns, chunk.at_ns, one.ending.at_ns)
    assert moments == (2_000_000, 3_000_000, 4_000_000, 5_000_000)
    assert run.outcome.at_ns == 0


def test_a_record_that_no_reader_would_take_ends_the_recording_and_not_the_program(path):
    recorder = recorder_of(path)
    answer(recorder.begin(ask()).sink, [b"before"])
    answer(recorder.begin(ask("http://a.example/" + "x" * fmt.MAX_FRAME)).sink, [b"x"])
    answer(recorder.begin(ask()).sink, [b"after"])
    recorder.close(0, None)
    assert "ExchangeBegin" in str(recorder.broken)
    assert [one.response.body for one in load_run(path).exchanges] == [b"before"]


def test_text_that_is_no_unicode_is_kept_as_backslash_escapes(path):
    recorder = recorder_of(path)
    odd = os.fsdecode(b"a\xff")
    recorder.process({**PROCESS, "argv": ["python", odd, "é"]}, 0)
    recorder.note("lost", "\ud800" + "x" * 100_000)
    recorder.begin(ask()).sink.end("failed", ValueError("\ud800"))
    run = closed(recorder, path)
    assert run.processes[0].argv == ("python", "a\\xff", "é")
    assert run.notes[0].text.startswith("\\ud800xxx")
    assert len(run.notes[0].text) < 70_000
    assert run.exchanges[0].ending.failure.message


def test_processes_are_numbered_as_they_come(path):
    recorder = recorder_of(path)
    assert [recorder.process({**PROCESS, "pid": pid}, 0) for pid in (30, 20)] == [0, 1]
    assert [one.pid for one in closed(recorder, path).processes] == [30, 20]


def test_a_command_line_loses_its_credentials(path):
    recorder = recorder_of(path)
    recorder.process({**PROCESS, "argv": ["a", "--api-key", "x1", "--max-tokens", "100"]}, 0)
    (process,) = closed(recorder, path).processes
    assert process.argv[2].startswith("redacted-")
    assert process.argv[3:] == ("--max-tokens", "100")


def test_why_an_exchange_was_lost_is_told_without_credentials(path):
    recorder = recorder_of(path)
    recorder.lost("ValueError: bad header sk-abcdefghijklmnopqrstuv1")
    assert "sk-abc" not in recorder.losses[0]
