"""A replayed program gets the signals of its recorded run, in their turn."""

import signal
import time

import msgspec
import pytest

from agentvcr.model.run import Note, Outcome
from agentvcr.replaying.deliveries import Deliveries
from agentvcr.session.replaying import Replay
from tests.unit import build


def recorded(*, notes=(), outcome=None, exchanges=()):
    run = build.run(*exchanges)
    return msgspec.structs.replace(run, notes=notes, outcome=outcome)


def note(name, at_ns):
    return Note(kind="signal", at_ns=at_ns, process=0, text=name)


def ended(number):
    return Outcome(at_ns=0, exit_status=None, signal=number)


def test_a_signal_comes_at_its_time_and_once():
    coming = Deliveries(recorded(notes=(note("SIGTERM", 0), note("SIGUSR1", 10**15))), lambda: 0)
    assert coming.due() == [signal.SIGTERM]
    assert coming.due() == []
    assert coming.timeout_s > 1000


@pytest.mark.parametrize("on_miss", ["fail", "nearest", "live"])
def test_a_run_that_goes_on_beyond_its_recording_is_sent_no_signal(on_miss):
    run = recorded(notes=(note("SIGINT", 0),))
    replay = Replay(run, on_miss=on_miss, pace=0.0, live=())
    assert (replay.deliveries(lambda: 0) is None) == (on_miss == "live")
    assert replay.signals() == (() if on_miss == "live" else ("SIGINT",))


def test_no_signal_overtakes_what_was_asked_before_it():
    begun = 0
    asked = build.chat("first", began_ms=1)
    coming = Deliveries(
        recorded(notes=(note("SIGINT", 2 * 10**6),), exchanges=(asked,)), lambda: begun
    )
    start = time.monotonic()
    while time.monotonic() < start + 0.003:  # its time has come
        pass
    assert coming.due() == []
    begun = 1
    assert coming.due() == [signal.SIGINT]


def test_a_signal_that_killed_unseen_is_sent_later_than_it_came():
    coming = Deliveries(recorded(outcome=ended(signal.SIGKILL)), lambda: 0)
    assert coming.due() == []
    assert 0 < coming.timeout_s <= 2


def test_a_signal_that_was_seen_is_not_sent_twice():
    run = recorded(notes=(note("SIGTERM", 0),), outcome=ended(signal.SIGTERM))
    coming = Deliveries(run, lambda: 0)
    assert coming.due() == [signal.SIGTERM]
    assert coming.timeout_s is None


def test_a_run_without_signals_waits_for_none():
    assert Deliveries(recorded(), lambda: 0).timeout_s is None
