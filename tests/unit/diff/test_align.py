from __future__ import annotations

import time

from msgspec.structs import replace

from agentvcr.diff.align import align, matches
from agentvcr.steps import steps_of
from tests.unit.build import chat, run, tool


def paired(a, b):
    """Give each pair as two step ids, `-` where a side is missing."""
    pairs = align(steps_of(run(*a)), steps_of(run(*b)))
    return [f"{p.a.id if p.a else '-'} {p.b.id if p.b else '-'}" for p in pairs]


def test_equal_requests_pair_in_order():
    assert paired([chat("a"), chat("a")], [chat("a"), chat("a")]) == [
        "llm[0] llm[0]",
        "llm[1] llm[1]",
    ]


def test_an_inserted_call_is_one_added_step():
    a = [chat("a"), chat("b"), chat("c")]
    b = [chat("a"), chat("new"), chat("b"), chat("c")]
    assert paired(a, b) == ["llm[0] llm[0]", "- llm[1]", "llm[1] llm[2]", "llm[2] llm[3]"]


def test_a_missing_call_is_one_removed_step():
    a = [chat("a"), chat("b"), chat("c")]
    assert paired(a, [chat("a"), chat("c")]) == ["llm[0] llm[0]", "llm[1] -", "llm[2] llm[1]"]


def test_what_is_left_between_two_pairs_pairs_in_order():
    a = [chat("a"), chat("b"), chat("c"), chat("d")]
    b = [chat("a"), chat("B"), chat("C"), chat("d")]
    assert paired(a, b) == [f"llm[{n}] llm[{n}]" for n in range(4)]


def test_a_changed_call_pairs_with_the_one_of_its_address():
    a = [tool("/a"), tool("/weather?q=1"), tool("/z")]
    b = [tool("/a"), tool("/news"), tool("/weather?q=2"), tool("/z")]
    assert paired(a, b) == ["tool[0] tool[0]", "- tool[1]", "tool[1] tool[2]", "tool[2] tool[3]"]


def test_a_changed_call_pairs_with_the_one_whose_answer_it_was_lent():
    a = [chat("a"), chat("b"), chat("c"), chat("d")]
    b = [replace(chat(one), served_from=number) for one, number in (("A", 1), ("C", 3), ("D", 4))]
    assert paired(a, b) == ["llm[0] llm[0]", "llm[1] -", "llm[2] llm[1]", "llm[3] llm[2]"]
    # Of another cassette, perhaps: what it says of an address that is not the same means nothing.
    b = [replace(tool("/weather"), served_from=1), replace(tool("/news"), served_from=2)]
    a = [tool("/news?q=1"), tool("/weather?q=1")]
    assert "tool[0] tool[1]" in paired(a, b)


def test_kinds_and_lanes_do_not_mix():
    a = [chat("a"), tool("/x"), chat("b", lane="main/task0")]
    b = [chat("A"), tool("/X"), chat("B", lane="main/task1")]
    assert paired(a, b) == [
        "llm[0] llm[0]",
        "tool[0] tool[0]",
        "- task1/llm[0]",
        "task0/llm[0] -",
    ]


def test_an_equal_request_of_another_lane_pairs_so_that_a_new_task_moves_nothing():
    a = [chat("one", lane="main/task0"), chat("two", lane="main/task1")]
    b = [
        chat("new", lane="main/task0"),
        chat("one", lane="main/task1"),
        chat("two", lane="main/task2"),
    ]
    assert paired(a, b) == [
        "- task0/llm[0]",
        "task0/llm[0] task1/llm[0]",
        "task1/llm[0] task2/llm[0]",
    ]


def test_equal_requests_of_several_lanes_stay_in_their_own():
    a = [chat("q", lane="main/task0"), chat("q", lane="main/task1")]
    assert paired(a, a[::-1]) == ["task0/llm[0] task0/llm[0]", "task1/llm[0] task1/llm[0]"]


def test_an_added_step_stands_behind_its_predecessor_in_its_lane():
    a = [chat("a", lane="main/task0"), chat("b", lane="main/task1"), chat("c", lane="main/task0")]
    b = [*a, chat("d", lane="main/task1"), chat("e", lane="main/task1")]
    assert paired(a, b) == [
        "task0/llm[0] task0/llm[0]",
        "task1/llm[0] task1/llm[0]",
        "- task1/llm[1]",
        "- task1/llm[2]",
        "task0/llm[1] task0/llm[1]",
    ]


def test_every_step_is_in_exactly_one_pair():
    a = [chat(letter) for letter in "abcabcxyzabc"]
    b = [chat(letter) for letter in "bcaxbcyyabca"]
    pairs = align(steps_of(run(*a)), steps_of(run(*b)))
    assert sorted(p.a.number for p in pairs if p.a) == list(range(1, 13))
    assert sorted(p.b.number for p in pairs if p.b) == list(range(1, 13))


def test_one_poll_less_among_alternating_polls_is_one_removed_step():
    a = "pq" * 50
    found = matches(a, a[1:], str)
    assert len(found) == 99


def test_thousands_of_equal_requests_are_aligned_in_a_moment():
    a, b = ["x", "y"] * 5000, ["y"] + ["x", "y"] * 4999 + ["z"]
    began = time.perf_counter()
    found = matches(a, b, str)
    assert time.perf_counter() - began < 5
    assert all(left == right for left, right in found)
    assert len(found) > 4900
