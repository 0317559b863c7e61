from __future__ import annotations

import pytest

from agentvcr.errors import NoSuchStepError
from agentvcr.steps import find_step, steps_of
from agentvcr.steps.path import each_step
from tests.unit.build import chat, run, tool

LANES = run(
    chat("a"),
    tool("/x"),
    chat("b", lane="main/task0"),
    chat("c"),
    tool("/y", lane="main/task0/thread1"),
    chat("d", lane="main/task0"),
)


def test_a_path_is_the_lane_without_its_root_the_kind_and_an_index_of_its_own():
    assert [step.id for step in steps_of(LANES)] == [
        "llm[0]",
        "tool[0]",
        "task0/llm[0]",
        "llm[1]",
        "task0/thread1/tool[0]",
        "task0/llm[1]",
    ]


def test_numbers_follow_the_order_of_the_run():
    assert [step.number for step in steps_of(LANES)] == [1, 2, 3, 4, 5, 6]


def test_a_lane_of_another_root_keeps_it_so_that_paths_stay_apart():
    ids = [step.id for step in steps_of(run(chat("a"), chat("b", lane="orphan")))]
    assert ids == ["llm[0]", "orphan/llm[0]"]


@pytest.mark.parametrize("wanted", ["task0/llm[1]", "6", " 6 ", "main/task0/llm[1]"])
def test_a_step_is_found_by_path_or_number(wanted):
    assert find_step(LANES, wanted).number == 6


def test_a_step_that_is_not_there_is_an_error_that_names_near_ones():
    with pytest.raises(NoSuchStepError) as caught:
        find_step(LANES, "task0/llm[2]")
    assert "task0/llm[0]" in caught.value.cure
    with pytest.raises(NoSuchStepError, match="no step 99"):
        find_step(LANES, "99")


def test_steps_come_one_at_a_time_where_they_are_asked_for_so():
    one_by_one = each_step(LANES)
    assert next(one_by_one).id == "llm[0]"
    assert (next(one_by_one), *one_by_one) == steps_of(LANES)[1:]


@pytest.mark.parametrize(
    ("wanted", "cure"),
    [
        ("tool[0]/x", "did you mean"),
        ("thread1", "did you mean task0/thread1/tool[0]?"),
        ("task0", "did you mean task0/llm[0] or task0/thread1/tool[0] or task0/llm[1]?"),
    ],
)
def test_what_is_no_step_is_told_with_those_that_may_be_meant(wanted, cure):
    with pytest.raises(NoSuchStepError, match="there is no step") as caught:
        find_step(LANES, wanted)
    assert caught.value.cure.startswith(cure)


def test_an_end_that_several_steps_have_is_told_as_that():
    lanes = run(*(chat("a", lane=f"main/task{number}") for number in range(4)))
    with pytest.raises(NoSuchStepError) as caught:
        find_step(lanes, "llm[0]")
    assert caught.value.what == "4 steps end in llm[0]"
    assert caught.value.cure.endswith("task1/llm[0] or task2/llm[0] or another?")
