"""What a judge finds in a replay of one recording in which one thing was another."""

import pytest

from agentvcr.detectors.dependence import Judge
from agentvcr.diff.rundiff import diff
from tests.unit.build import chat, run

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
