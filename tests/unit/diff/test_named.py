"""Named steps in a diff: the cause comes first, and not the step around it."""

from __future__ import annotations

import json

import msgspec
import pytest

from agentvcr.diff.rundiff import diff
from agentvcr.model.exchange import Failure
from agentvcr.model.results import DiffCounts
from tests.unit.build import MS, chat, exchange, request, run, tool
from tests.unit.steps.test_named_steps import at, call, made_of, named

HALT = [("divergence", "no such request")]


def js(value):
    return json.dumps(value).encode()


def first(result):
    entry = result.entries[result.first]
    return (entry.a or entry.b).id


def statuses(result):
    return {(entry.a or entry.b).id: entry.status for entry in result.entries}


def crew(answer="Yes.", *, output=None, given="go", inner=None):
    """A crew, whose plan asks a model."""
    steps = [
        named("crew", input=js(given), output=js(output or answer), ended_ns=900 * MS),
        named("crew/plan", output=js(inner or answer), ended_ns=500 * MS),
        named("crew/check", after=1, output=js("ok"), began_ns=600 * MS, ended_ns=700 * MS),
    ]
    return made_of(steps, at("crew/plan", chat("What now?", answer)))


def test_a_run_of_named_steps_is_the_same_as_itself():
    result = diff(crew(), crew())
    assert result.same
    assert result.counts == DiffCounts(same=4)


def test_the_cause_is_first_and_not_the_steps_around_it():
    result = diff(crew("Yes."), crew("No."))
    assert first(result) == "crew/plan/llm[0]"
    order = [result.entries[at].a.id for at in (result.first, *result.consequences)]
    assert order == ["crew/plan/llm[0]", "crew/plan", "crew"]
    assert not result.concurrent
    assert not any(entry.own for entry in result.entries)


def test_a_step_that_was_given_something_else_differs_at_its_beginning():
    result = diff(crew(given="go", answer="Yes."), crew(given="come", answer="No."))
    assert first(result) == "crew"
    assert result.entries[result.first].changes[0].where == "step.input"


def test_a_step_that_gave_something_else_though_all_inside_is_the_same_did_it_itself():
    result = diff(crew(inner="a"), crew(inner="b", output="other"))
    assert first(result) == "crew/plan"
    owns = {entry.a.id: entry.own for entry in result.entries}
    assert owns == {
        "crew": False,
        "crew/plan": True,
        "crew/plan/llm[0]": False,
        "crew/check": False,
    }


def test_the_outermost_step_alone_can_have_done_it():
    result = diff(crew(output="a"), crew(output="b"))
    assert first(result) == "crew"
    assert result.entries[result.first].own


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ({"output": js({"a": [1]})}, {"output": js({"a": [2]})}, "step.output $.a[0]"),
        ({"output": js("a")}, {"output": b""}, "step.output"),
        ({"input": js([1])}, {"input": js({"a": 1})}, "step.input $"),
        ({}, {"failure": Failure(type="E", message="m")}, "error"),
        ({}, {"ended_ns": None}, "ending"),
    ],
)
def test_what_differs_is_named_by_its_place(before, after, where):
    result = diff(made_of([named("a", **before)]), made_of([named("a", **after)]))
    assert where in [change.where for change in result.entries[0].changes]


def test_the_words_of_an_error_are_no_difference():
    def failed(message):
        return made_of([named("a", failure=Failure(type="E", message=message))])

    assert diff(failed("at 0x1"), failed("at 0x2")).same


def test_steps_that_are_only_there_on_one_side():
    a, b = made_of([named("a"), named("b")]), made_of([named("a"), named("c"), named("b")])
    assert statuses(diff(a, b)) == {"a": "same", "c": "added", "b": "same"}
    assert statuses(diff(b, a)) == {"a": "same", "c": "removed", "b": "same"}


# --- recorded functions ---------------------------------------------------------------------------


def answered(one):
    return msgspec.structs.replace(one, served_from=1)


def test_what_was_done_inside_a_call_that_is_answered_is_left_out():
    inside = at("a/look", tool("/x", internal=True))
    steps = [named("a"), named("a/look/fetch")]
    a = made_of(steps, call("a/look"), inside)
    b = made_of(steps[:1], answered(call("a/look")))
    assert statuses(diff(a, b)) == {"a": "same", "a/look": "same"}
    assert diff(a, b).same
    assert diff(b, a).same
    assert (diff(a, b).a.totals.steps, diff(a, b).b.totals.steps) == (4, 2)


def test_where_both_were_run_what_was_done_inside_counts():
    a = made_of([named("a/look/fetch", output=js(1))], call("a/look"))
    b = made_of([named("a/look/fetch", output=js(2))], call("a/look"))
    assert first(diff(a, b)) == "a/look/fetch"


def test_only_what_is_inside_a_call_is_left_out():
    a = made_of([named("a"), named("a/lookout")], call("a/look"), at("a/lookout", chat("q")))
    b = made_of([named("a")], answered(call("a/look")))
    assert statuses(diff(a, b))["a/lookout"] == "removed"


# --- replays that were stopped --------------------------------------------------------------------


def stopped(**details):
    """A crew whose replay was stopped at its first request."""
    halt = Failure(type="agentvcr.inside.exchange.ReplayHalt", message="m")
    missed = at("crew/plan", exchange(request({}), None, kind="failed"))
    steps = [
        named("crew", **{"input": js("go"), "failure": halt, **details}),
        named("crew/plan", failure=halt),
    ]
    return msgspec.structs.replace(made_of(steps, missed), notes=run(notes=HALT).notes)


def test_steps_around_the_stop_are_not_reached_and_no_cause():
    result = diff(crew(), stopped())
    assert statuses(result) == {
        "crew": "not_reached",
        "crew/plan": "not_reached",
        "crew/plan/llm[0]": "changed",
        "crew/check": "not_reached",
    }
    assert first(result) == "crew/plan/llm[0]"
    assert result.halted == "no such request"


def test_a_step_that_was_killed_in_the_middle_is_not_reached():
    assert statuses(diff(crew(), stopped(failure=None, ended_ns=None)))["crew"] == "not_reached"


def test_what_a_stopped_step_was_given_still_counts():
    result = diff(crew(), stopped(input=js("come")))
    assert first(result) == "crew"
    assert [change.where for change in result.entries[result.first].changes] == ["step.input"]


def test_without_a_stop_an_unended_step_has_changed():
    a, b = made_of([named("a")]), made_of([named("a", ended_ns=None)])
    assert statuses(diff(a, b)) == {"a": "changed"}


# --- what came of it ------------------------------------------------------------------------------


def test_the_use_of_the_first_difference_is_told():
    def two(answer):
        return made_of(
            [
                named("a"),
                named("b", after=1, input=js(answer), began_ns=800 * MS, ended_ns=900 * MS),
            ],
            at("a", chat("q", answer)),
        )

    result = diff(two("Lisbon is sunny."), two("Lisbon has rain."))
    assert first(result) == "a/llm[0]"
    assert [(use.target, use.where) for use in result.flow] == [("b", "step.input $")]
