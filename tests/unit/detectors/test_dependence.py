"""What a judge finds in a replay of one recording in which one thing was another."""

import json

import pytest
from msgspec.structs import replace

from agentvcr.detectors.dependence import Judge
from agentvcr.diff.rundiff import diff
from agentvcr.model.diagnosis import WITNESS
from agentvcr.model.run import WorldPart
from tests.unit.build import CHAT, chat, run

SEVERAL = ["clock", "chance", "hash-order", "nothing"]


def judged(control, recorded, replayed):
    """Give what is found, each with where it shows."""
    judge = Judge(recorded, {})
    judge.look(control, diff(recorded, replayed))
    return [(one.cause, [place.where for place in one.places]) for one in judge.findings()]


@pytest.mark.parametrize("control", SEVERAL)
def test_equal_requests_of_one_lane_in_another_order_are_a_finding(control):
    recorded = run(chat("oak"), chat("elm"))
    cause = "unknown" if control == "nothing" else control
    found = judged(control, recorded, run(chat("elm"), chat("oak")))
    assert found == [(cause, ["order"])]


def by_workers(*questions, kind="work"):
    """Give a run in which each question is asked by a worker of its own."""
    return run(*(chat(one, lane=f"main/{kind}{number}") for number, one in enumerate(questions)))


@pytest.mark.parametrize("control", SEVERAL)
def test_a_request_that_another_lane_makes_is_a_finding(control):
    cause = "unknown" if control == "nothing" else control
    found = judged(control, by_workers("oak", "elm"), by_workers("elm", "oak"))
    assert found == [(cause, ["lane", "lane"])]


def test_who_takes_the_next_piece_of_work_is_no_race():
    assert judged("race", by_workers("oak", "elm"), by_workers("elm", "oak")) == []


@pytest.mark.parametrize("control", SEVERAL)
def test_which_thread_takes_a_piece_of_work_is_no_finding(control):
    recorded = by_workers("oak", "elm", kind="thread")
    assert judged(control, recorded, by_workers("elm", "oak", kind="thread")) == []


def test_another_answer_is_no_finding():
    assert judged("race", run(chat("oak", "Yes.")), run(chat("oak", "No."))) == []


def test_what_is_another_though_nothing_was_is_excused_as_a_whole():
    def saved(moment):
        return run(chat(f"saved at {moment} by agent 4711"))

    judge = Judge(saved("2026-11-27 17:49:21.384"), {})
    recorded = saved("2026-11-27 17:49:21.384")
    judge.look("nothing", diff(recorded, saved("2026-11-27 17:49:21.912")))
    assert not judge.look("clock", diff(recorded, saved("2026-11-28 00:00:03.912")))
    other = run(chat("saved at 2026-11-27 17:49:21.384 by agent 4712"))
    assert judge.look("chance", diff(recorded, other))


@pytest.mark.parametrize("control", ["nothing", "hash-order"])
def test_what_differs_though_nothing_was_changed_does_not_come_back(control):
    recorded, again = run(chat("use read, write")), run(chat("use write, read"))
    judge = Judge(recorded, {})
    judge.look(control, diff(recorded, again))
    (found,) = judge.findings()
    assert (found.cause, found.comes_back) == ("hash-order", control != "nothing")


def witnessed(recorded, *lines):
    """Add what a witness told of each request: through which lines, innermost first."""
    parts = []
    for exchange, spots in zip(recorded.exchanges, lines, strict=True):
        told = {"method": "POST", "path": CHAT, "lines": [("x.py", one, "f") for one in spots]}
        data = json.dumps(told).encode()
        parts.append(WorldPart(kind=WITNESS, process=0, lane=exchange.lane, data=data))
    return replace(recorded, world=tuple(parts))


def found_of(control, recorded, replayed, source=""):
    judge = Judge(recorded, {"x.py": source})
    judge.look(control, diff(recorded, replayed))
    (found,) = judge.findings()
    return found


WRAPPER, HERE, THERE = 3, 20, 30


@pytest.mark.parametrize("control", ["race", "hash-order", "nothing"])
def test_where_nothing_is_suspicious_the_callers_are_named_and_no_wrapper(control):
    recorded = witnessed(run(chat("a"), chat("b")), (WRAPPER, HERE), (WRAPPER, THERE))
    found = found_of(control, recorded, run(chat("a"), chat("other")))
    assert [line.line for line in found.lines] == [THERE]
    assert [place.request.line for place in found.places] == [THERE]


def test_a_client_that_one_place_calls_is_no_wrapper():
    recorded = witnessed(run(chat("a")), (WRAPPER, HERE))
    found = found_of("nothing", recorded, run(chat("other")))
    assert [line.line for line in found.lines] == [WRAPPER, HERE]


@pytest.mark.parametrize(("now", "line"), [("go b a", 1), ("go 4711", 2)])
def test_another_order_is_a_sets_and_another_text_is_a_hashs(now, line):
    source = "print(*{'a', 'b'})\nhash('a')\n"
    recorded = witnessed(run(chat("go a b")), (HERE,))
    found = found_of("hash-order", recorded, run(chat(now)), source)
    assert [one.line for one in found.lines] == [line]


def test_a_race_in_which_nothing_takes_the_first_is_at_the_racers_line():
    first, second = "This is the first.", "This is the second."

    def asked(*results):
        return run(
            chat("a", first, lane="main/thread0"),
            chat("b", second, lane="main/thread1"),
            chat(" ".join(("Sum up:", *results))),
        )

    recorded = witnessed(asked(first, second), (WRAPPER, HERE), (WRAPPER, HERE), (WRAPPER, THERE))
    found = found_of("race", recorded, asked(second, first))
    assert [line.line for line in found.lines] == [HERE]
    assert [racer.request.line for racer in found.racers] == [HERE, HERE]
