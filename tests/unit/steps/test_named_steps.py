"""The tree of steps: who is inside whom, in which order, whichever record came first."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest

from agentvcr.cassette.reader import load_run
from agentvcr.errors import NoSuchStepError
from agentvcr.inside.exchange import StepBegan, StepEnded
from agentvcr.model.run import NamedStep
from agentvcr.steps import find_step, outline, steps_of
from tests.unit.build import MS, chat, exchange, request, response, run, tool
from tests.unit.recorded import answer, ask, recorder_of


def named(path: str, **details: Any) -> NamedStep:
    """Give a step that the program named; it begins before every exchange."""
    settings = {
        "name": path.rpartition("/")[2],
        "kind": "agent",
        "agent": None,
        "process": 0,
        "lane": "main",
        "began_ns": MS,
        "after": 0,
        "input": b"",
        "ended_ns": 2 * MS,
    }
    return NamedStep(path=path, **{**settings, **details})


def at(place, one):
    """Put an exchange in its place."""
    return msgspec.structs.replace(one, place=place)


def call(path, **details):
    """Give a recorded function's call, whose place is its own path."""
    asked = request({}, url=f"tool:{path.rpartition('/')[2]}", method="CALL")
    one = exchange(asked, response({}), **details)
    return msgspec.structs.replace(one, client="agentvcr.tool", place=path)


def made_of(steps, *exchanges):
    return msgspec.structs.replace(run(*exchanges), steps=tuple(steps))


def ids(one):
    return [step.id for step in steps_of(one)]


def parents(one):
    return {step.id: step.parent for step in steps_of(one)}


# --- paths and parents ----------------------------------------------------------------------------


def test_an_exchange_is_a_step_of_its_place_numbered_there():
    one = made_of(
        [named("a"), named("a/b")],
        at("a", chat("1")),
        at("a/b", chat("2")),
        at("a", tool("/x")),
        at("a", chat("3")),
        chat("4"),
    )
    assert parents(one) == {
        "a": None,
        "a/llm[0]": "a",
        "a/b": "a",
        "a/b/llm[0]": "a/b",
        "a/tool[0]": "a",
        "a/llm[1]": "a",
        "llm[0]": None,
    }


def test_lanes_between_a_step_and_what_it_holds_are_no_steps():
    one = made_of(
        [named("a"), named("a/task0/work1/b", lane="main/task0/work1")],
        at("a/task0/work1/b", chat("1", lane="main/task0/work1")),
        at("a/task0", chat("2", lane="main/task0")),
    )
    assert parents(one) == {
        "a": None,
        "a/task0/work1/b": "a",
        "a/task0/work1/b/llm[0]": "a/task0/work1/b",
        "a/task0/llm[0]": "a",
    }


def test_a_path_that_begins_with_the_same_letters_is_not_inside():
    one = made_of([named("a"), named("ab"), named("a[1]"), named("a[1]/c")])
    assert parents(one) == {"a": None, "ab": None, "a[1]": None, "a[1]/c": "a[1]"}


def test_a_call_is_one_step_and_what_it_did_is_inside_it():
    inner = at("a/look", tool("/x", internal=True))
    one = made_of([named("a")], call("a/look"), inner, call("a/look[1]"))
    assert parents(one) == {"a": None, "a/look": "a", "a/look/tool[0]": "a/look", "a/look[1]": "a"}
    assert [step.kind for step in steps_of(one)] == ["agent", "tool", "tool", "tool"]


def test_a_step_whose_own_parent_is_unknown_belongs_to_the_one_around_that():
    assert parents(made_of([named("a"), named("a/lost/b")]))["a/lost/b"] == "a"


def test_who_does_the_work_is_said_of_the_innermost_step():
    steps = [named("a", agent="ann"), named("a/b"), named("a/b/c", agent="cid"), named("d")]
    one = made_of(steps, at("a/b/c", chat("1")), at("a/b", chat("2")), at("d", chat("3")))
    agents = {step.id: step.agent for step in steps_of(one)}
    assert agents["a/b/llm[0]"] == agents["a/b"] == agents["a"] == "ann"
    assert agents["a/b/c/llm[0]"] == "cid"
    assert agents["d/llm[0]"] is None


# --- order ----------------------------------------------------------------------------------------


def test_steps_come_in_the_order_in_which_they_began():
    one = made_of(
        [named("a"), named("b", after=1), named("c", after=2)],
        at("a", chat("1")),
        at("b", chat("2")),
    )
    assert ids(one) == ["a", "a/llm[0]", "b", "b/llm[0]", "c"]
    assert [step.number for step in steps_of(one)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("late", [1, 2])
def test_a_step_stands_before_what_is_in_it_though_it_was_heard_of_later(late):
    one = made_of(
        [named("a", after=late), named("a/b", after=late)],
        at("a/b", chat("1")),
        at("a", chat("2")),
    )
    assert ids(one) == ["a", "a/b", "a/b/llm[0]", "a/llm[0]"]


def test_a_parent_of_another_process_stands_before_its_child():
    one = made_of([named("a", after=3), named("a/proc0/b", after=0)], chat("1"), chat("2"))
    assert ids(one) == ["a", "a/proc0/b", "llm[0]", "llm[1]"]


# --- finding and telling --------------------------------------------------------------------------


def test_a_step_is_found_by_path_or_number():
    one = made_of([named("a"), named("a/b")], at("a/b", chat("1")))
    assert find_step(one, "a/b").number == find_step(one, "2").number == 2
    assert find_step(one, "main/a/b/llm[0]").exchange is not None
    with pytest.raises(NoSuchStepError) as caught:
        find_step(one, "a/c")
    assert "a/b" in caught.value.cure


def test_a_step_without_an_end_is_in_progress():
    one = outline(made_of([named("a", ended_ns=None), named("b")])).steps
    assert [(row.result, row.ending, row.latency_ms) for row in one] == [
        ("in progress", None, None),
        ("", "done", 1.0),
    ]


# --- from records ---------------------------------------------------------------------------------


def told(path, lane="main"):
    return StepBegan(path, path, "agent", "", lane, b"", 1)


@pytest.mark.parametrize("order", [*itertools.permutations(range(4))])
def test_beginnings_and_ends_may_come_in_any_order(tmp_path, order):
    recorder = recorder_of(tmp_path / "a.avcr")
    events = [
        lambda: recorder.step_began(told("a")),
        lambda: recorder.step_began(told("a/b")),
        lambda: recorder.step_ended(StepEnded("a/b", b'"out"', None, 2)),
        lambda: recorder.step_ended(StepEnded("a", b"", ("E", "m"), 3)),
    ]
    for index in order:
        events[index]()
    recorder.close(0, None)
    one = load_run(tmp_path / "a.avcr")
    assert parents(one) == {"a": None, "a/b": "a"}
    ends = {step.path: (step.output, step.failure and step.failure.type) for step in one.steps}
    assert ends == {"a": (b"", "E"), "a/b": (b'"out"', None)}


def test_a_step_counts_the_exchanges_that_had_begun_by_then(tmp_path):
    recorder = recorder_of(tmp_path / "a.avcr")
    answer(recorder.begin(ask()).sink)
    recorder.step_began(told("a"))
    recorder.close(0, None)
    assert [one.after for one in load_run(tmp_path / "a.avcr").steps] == [1]


def test_the_first_end_of_a_step_counts(tmp_path):
    recorder = recorder_of(tmp_path / "a.avcr")
    recorder.step_began(told("a"))
    recorder.step_ended(StepEnded("a", b"1", None, 2))
    recorder.step_ended(StepEnded("a", b"2", ("E", "m"), 3))
    recorder.close(0, None)
    (one,) = load_run(tmp_path / "a.avcr").steps
    assert (one.output, one.failure) == (b"1", None)
