"""A replayed program gets the signals of its recorded run, in their turn."""

import signal
import time

import msgspec
import pytest

from agentvcr.model.run import Note, Outcome
from agentvcr.replaying.deliveries import Deliveries, Progress
from agentvcr.session.replaying import Replay
from tests.unit import build


def recorded(*, notes=(), outcome=None, exchanges=(), printed=b""):
    run = build.run(*exchanges, stdout=printed)
    return msgspec.structs.replace(run, notes=notes, outcome=outcome)


def note(name, at_ns):
    return Note(kind="signal", at_ns=at_ns, process=0, text=name)


def ended(number):
    return Outcome(at_ns=0, exit_status=None, signal=number)


def test_a_signal_comes_at_its_time_and_once():
    coming = Deliveries(recorded(notes=(note("SIGTERM", 0), note("SIGUSR1", 10**15))), Progress)
    assert coming.due() == [signal.SIGTERM]
    assert coming.due() == []
    assert coming.timeout_s > 1000


@pytest.mark.parametrize("on_miss", ["fail", "nearest", "live"])
def test_a_run_that_goes_on_beyond_its_recording_is_sent_no_signal(on_miss):
    run = recorded(notes=(note("SIGINT", 0),))
    replay = Replay(run, on_miss=on_miss, pace=0.0, live=())
    assert (replay.deliveries(Progress) is None) == (on_miss == "live")
    assert replay.signals() == (() if on_miss == "live" else ("SIGINT",))


def pass_ms(count):
    start = time.monotonic()
    while time.monotonic() < start + count / 1000:
        pass


def test_no_signal_overtakes_what_was_done_before_it():
    progress = Progress()
    asked = build.chat("first", began_ms=1, took_ms=1)
    made = recorded(notes=(note("SIGINT", 3 * 10**6),), exchanges=(asked,), printed=b"Yes.")
    coming = Deliveries(made, lambda: progress)
    pass_ms(4)  # its time has come
    assert coming.due() == []
    progress = Progress(served=1)
    assert coming.due() == []
    progress = Progress(served=1, taken=1)
    assert coming.due() == []
    progress = Progress(served=1, taken=1, printed=4)
    assert coming.due() == [signal.SIGINT]


def test_a_late_replay_has_as_long_before_a_signal_as_the_recorded_run_had(monkeypatch):
    now_s = 0.0
    monkeypatch.setattr("agentvcr.replaying.deliveries.monotonic", lambda: now_s)
    progress = Progress()
    asked = build.chat("first", began_ms=1, took_ms=1)
    made = recorded(notes=(note("SIGINT", 200 * 10**6),), exchanges=(asked,))
    coming = Deliveries(made, lambda: progress)
    now_s = 0.3
    progress = Progress(served=1, taken=1)
    assert coming.due() == []
    assert coming.timeout_s == pytest.approx(0.198)
    now_s = 0.49
    assert coming.due() == []
    now_s = 0.5
    assert coming.due() == [signal.SIGINT]


def test_what_no_replay_asks_keeps_no_signal_back():
    inner = msgspec.structs.replace(build.chat("first", began_ms=1), internal=True)
    made = recorded(notes=(note("SIGINT", 3 * 10**6),), exchanges=(inner,))
    coming = Deliveries(made, Progress)
    pass_ms(4)
    assert coming.due() == [signal.SIGINT]


def test_a_signal_that_killed_unseen_is_sent_later_than_it_came():
    coming = Deliveries(recorded(outcome=ended(signal.SIGKILL)), Progress)
    assert coming.due() == []
    assert 0 < coming.timeout_s <= 2


def test_a_signal_that_was_seen_is_not_sent_twice():
    run = recorded(notes=(note("SIGTERM", 0),), outcome=ended(signal.SIGTERM))
    coming = Deliveries(run, Progress)
    assert coming.due() == [signal.SIGTERM]
    assert coming.timeout_s is None


def test_a_run_without_signals_waits_for_none():
    assert Deliveries(recorded(), Progress).timeout_s is None
