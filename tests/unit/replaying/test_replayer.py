"""Which recorded exchange answers which request."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from agentvcr.boundary import Boundary
from agentvcr.cassette import format as fmt
from agentvcr.cassette.journal import Journal
from agentvcr.cassette.reader import load_run
from agentvcr.inside.exchange import Forward, ReplayHalt, Request
from agentvcr.matching.fingerprint import Fingerprinter
from agentvcr.model.run import Note
from agentvcr.recording.recorder import Recorder
from agentvcr.redaction.redactor import Redactor
from agentvcr.replaying.fork import Fork
from agentvcr.replaying.interrupted import Interrupted
from agentvcr.replaying.ledger import Ledger
from agentvcr.replaying.patches import Patch
from agentvcr.replaying.replayer import Replayer

HEADERS = [(b"content-type", b"application/json")]


def ask(path="/", body=b"", lane="main", host="http://a.example"):
    return Request("POST", host + path, HEADERS, body, lane, "httpx")


@pytest.fixture
def recorded(tmp_path):
    """Record pairs of a request and an answer for real, and read them.

    An answer is the bytes of a whole one, the name of another end, or None for one in flight.
    """

    def record(*pairs, boundary=None):
        path = tmp_path / "a.avcr"
        redactor = Redactor(b"k" * 32)
        recorder = Recorder(
            Journal(path, force=True),
            redactor,
            boundary=boundary or Boundary(),
            fingerprinter=Fingerprinter(),
        )
        recorder.add(fmt.RunBegin("run", 0, (), ".", "0", "p", "1", {}))
        for request, answer in pairs:
            sink = recorder.begin(request).sink
            if isinstance(answer, bytes):
                sink.head(200, HEADERS, b"OK", b"HTTP/1.1")
                sink.chunk(answer)
                sink.end("eof")
            elif answer:
                sink.end(answer)
        recorder.close(0, None)
        return load_run(path)

    return record


@pytest.fixture
def replayer():
    """Make replayers behind the recorder that tells them what each request is."""
    made = []

    def make(run, **options):
        settings = {"boundary": Boundary(), "ledger": Ledger(), **options}
        inner = Replayer(
            run.exchanges,
            explain=lambda request, closest: f"miss {request.url} {closest and closest.number}",
            **settings,
        )
        known = {one.raw_hash: one.fingerprint for one in run.exchanges if one.raw_hash}
        place = Path(run.path).with_suffix(f".last{len(made)}.avcr")
        engine = Recorder(
            Journal(place, force=True),
            Redactor(b"o" * 32),  # another user's key
            boundary=settings["boundary"],
            fingerprinter=Fingerprinter(known=known),
            inner=inner,
        )
        engine.add(fmt.RunBegin("again", 0, (), ".", "0", "p", "1", {}))
        engine.replayer = inner
        engine.ended = lambda: (made.remove(engine), engine.close(0, None), load_run(place))[2]
        made.append(engine)
        return engine

    yield make
    for engine in made:
        engine.close(0, None)


def said(decision):
    return b"".join(decision.chunks)


def test_equal_requests_of_a_lane_are_answered_in_recorded_order_and_a_third_is_a_miss(
    recorded, replayer
):
    ledger = Ledger()
    engine = replayer(recorded((ask(), b"1"), (ask(), b"2")), ledger=ledger)
    assert [said(engine.begin(ask())) for _ in range(2)] == [b"1", b"2"]
    with pytest.raises(ReplayHalt, match="miss"):
        engine.begin(ask())
    assert ledger.fatal.kind == "miss"


def test_a_lane_gets_its_own_answer_whoever_comes_first(recorded, replayer):
    run = recorded((ask(lane="a"), b"A"), (ask(lane="b"), b"B"))
    engine = replayer(run)
    assert [said(engine.begin(ask(lane=lane))) for lane in "ba"] == [b"B", b"A"]


def test_another_lane_takes_what_is_left_in_recorded_order(recorded, replayer):
    run = recorded((ask(lane="a"), b"A"), (ask(lane="b"), b"B"))
    engine = replayer(run)
    assert said(engine.begin(ask(lane="c"))) == b"A"
    assert [one.lane for one in engine.replayer.unused] == ["b"]


def test_after_a_fatal_divergence_nothing_is_answered_any_more(recorded, replayer):
    engine = replayer(recorded((ask("/a"), b"A")))
    with pytest.raises(ReplayHalt):
        engine.begin(ask("/b"))
    with pytest.raises(ReplayHalt, match="/b"):
        engine.begin(ask("/a"))


def test_nearest_answers_without_using_up_and_is_taken_down(recorded, replayer):
    ledger = Ledger()
    run = recorded((ask(body=b'{"q":"what is the time"}'), b"A"))
    engine = replayer(run, ledger=ledger, on_miss="nearest")
    assert said(engine.begin(ask(body=b'{"q":"what is the date"}'))) == b"A"
    assert said(engine.begin(ask(body=b'{"q":"what is the time"}'))) == b"A"
    assert [one.kind for one in ledger.divergences] == ["nearest"]
    assert ledger.fatal is None


def test_a_forks_change_is_served_once_and_who_asks_again_gets_what_was_recorded(
    recorded, replayer
):
    run = recorded((ask(), b"recorded"))
    fork = Fork(run.exchanges[0], [Patch("response.status", "500")])
    engine = replayer(run, on_miss="nearest", fork=fork)
    assert [engine.begin(ask()).status for _ in range(3)] == [500, 200, 200]


@pytest.mark.parametrize("end", [None, "cut", "cancelled"])
def test_what_a_signal_broke_off_is_asked_anew_where_it_may_be(recorded, replayer, end):
    run = recorded((ask(), end))
    noted = replace(run, notes=(Note(kind="signal", at_ns=0, process=0, text="SIGINT"),))
    engine = replayer(run, on_miss="live", interrupted=Interrupted(noted))
    assert isinstance(engine.begin(ask()), Forward)
    assert (engine.replayer.unused, isinstance(replayer(run).begin(ask()), Forward)) == ([], False)


def test_what_the_program_cancelled_itself_is_asked_in_its_recorded_turn(recorded, replayer):
    run = recorded((ask(), "cancelled"))
    engine = replayer(run, on_miss="live", interrupted=Interrupted(run))
    assert engine.begin(ask()).number == 1


def test_telemetry_gets_an_ordinary_refusal_and_is_counted(recorded, replayer):
    ledger = Ledger()
    engine = replayer(recorded(), ledger=ledger)
    serve = engine.begin(ask(host="https://o1.ingest.sentry.io"))
    assert (serve.status, serve.end_kind, serve.failure[0]) == (0, "failed", "httpx.ConnectError")
    assert (ledger.telemetry, ledger.divergences) == (1, [])


def test_live_and_internal_places_are_let_through(recorded, replayer):
    boundary = Boundary(("db.example:80",))
    boundary.listens(8000)
    engine = replayer(recorded(), boundary=boundary)
    for host in ("http://db.example", "http://localhost:8000"):
        assert isinstance(engine.begin(ask(host=host)), Forward)


def test_reading_on_where_the_recorded_program_stopped_is_fatal(recorded, replayer):
    ledger = Ledger()
    engine = replayer(recorded((ask(), b"A")), ledger=ledger)
    engine.begin(ask()).taken(1, "overrun")
    assert ledger.fatal.kind == "overrun"


def test_delays_are_those_of_the_recording_and_none_without_pace(recorded, replayer):
    run = recorded((ask(), b"A"))
    (one,) = run.exchanges
    serve = replayer(run, pace=1.0).begin(ask())
    times = [one.began_ns, one.response.at_ns, one.response.chunks[0].at_ns, one.ending.at_ns]
    assert serve.delays_ns == [times[i + 1] - times[i] for i in range(3)]
    assert replayer(run).begin(ask()).delays_ns == []


@pytest.mark.parametrize("place", ["body", "query"])
def test_a_token_that_an_answer_gave_may_come_back_anywhere(recorded, replayer, place):
    def use(token):
        if place == "query":
            return ask(f"/use?auth={token}")
        return ask("/use", json.dumps({"session": token}).encode())

    login = json.dumps({"access_token": "TOKEN-1234567890"}).encode()
    engine = replayer(recorded((ask("/login"), login), (use("TOKEN-1234567890"), b"done")))
    token = json.loads(said(engine.begin(ask("/login"))))["access_token"]
    assert said(engine.begin(use(token))) == b"done"


def test_two_loopback_servers_may_be_asked_in_another_order(recorded, replayer):
    one = ask("/a", lane="a", host="http://127.0.0.1:8001")
    other = ask("/b", lane="b", host="http://127.0.0.1:8002")
    engine = replayer(recorded((one, b"A"), (other, b"B")))
    assert [said(engine.begin(request)) for request in (other, one)] == [b"B", b"A"]


def test_tools_with_like_names_are_not_mistaken_for_each_other(recorded, replayer):
    python, shell = (
        ask(body=b'{"tool":"run_%s"}' % name) for name in (b"python_code", b"shell_script")
    )
    engine = replayer(recorded((python, b"P"), (shell, b"S")))
    assert [said(engine.begin(request)) for request in (shell, python)] == [b"S", b"P"]


@pytest.mark.parametrize(
    ("answers", "is_open_ended", "expected"),
    [
        (["cancelled"], False, "cancelled"),
        (["cancelled"], True, "killed"),
        ([None], False, "cut"),
        ([None], True, "killed"),
        (["cancelled", b"later"], True, "cancelled"),
        (["closed"], True, "closed"),
        ([b"whole"], True, "eof"),
    ],
)
def test_an_unanswered_request_waits_unless_nobody_knows_what_ended_the_wait(
    recorded, replayer, answers, is_open_ended, expected
):
    run = recorded(*[(ask(f"/{number}"), answer) for number, answer in enumerate(answers)])
    assert replayer(run, is_open_ended=is_open_ended).begin(ask("/0")).end_kind == expected


def test_one_try_more_to_reach_a_server_of_the_run_is_refused_and_no_divergence(recorded, replayer):
    server = Boundary()
    server.listens(8000)
    run = recorded((ask(host="http://localhost:8000"), b"up"), boundary=server)
    ledger = Ledger()
    engine = replayer(run, ledger=ledger)
    serve = engine.begin(ask(host="http://localhost:8000"))
    assert (serve.status, serve.failure[0]) == (0, "httpx.ConnectError")
    assert (ledger.divergences, engine.replayer.unused) == ([], [])
    assert engine.ended().exchanges[0].served_from is None


def test_what_is_served_is_recorded_with_the_number_it_comes_from(recorded, replayer):
    engine = replayer(recorded((ask("/a"), b"A"), (ask("/b"), b"B")))
    for path in ("/b", "/a"):
        engine.begin(ask(path)).taken(1, "eof")
    again = engine.ended()
    assert [one.served_from for one in again.exchanges] == [2, 1]
    assert [one.response.body for one in again.exchanges] == [b"B", b"A"]


def test_a_miss_is_worded_without_credentials(recorded, replayer):
    engine = replayer(recorded())
    with pytest.raises(ReplayHalt) as caught:
        engine.begin(ask("/?key=SECRET-0123456789"))
    assert "SECRET" not in str(caught.value)


def test_what_nothing_is_like_gets_an_error_and_the_replay_goes_on(recorded, replayer):
    ledger = Ledger()
    run = recorded((ask(body=b'{"q":1}'), b"A"))
    engine = replayer(run, on_miss="nearest", ledger=ledger)
    serve = engine.begin(ask(body=b"completely other " * 9))
    assert (serve.status, serve.is_lent, serve.number) == (400, True, 0)
    assert said(engine.begin(ask(body=b'{"q":1}'))) == b"A"
    assert [(one.kind, one.fatal) for one in ledger.divergences] == [("added", False)]


def test_a_recording_without_an_end_says_so_where_the_replay_leaves_it(recorded, replayer):
    run = recorded((ask("/0"), b"A"))
    engine = replayer(run, is_open_ended=True)
    with pytest.raises(ReplayHalt, match="the recording has no end"):
        engine.begin(ask("/elsewhere"))
