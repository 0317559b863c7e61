"""A trace is one word, and another one for whatever a run did otherwise."""

import msgspec
import pytest

from agentvcr.steps.trace import trace
from tests.unit.build import chat, run


def plain(**options):
    return run(
        chat("one", "1", lane="main/thread0"),
        chat("two", "2", lane="main/thread1"),
        chat("three", "3", lane="main/thread0"),
        stdout=b"done\n",
        **options,
    )


def test_who_asked_first_among_several_callers_is_no_part_of_it():
    other = run(
        chat("two", "2", lane="main/thread1"),
        chat("one", "1", lane="main/thread0", began_ms=7, took_ms=90),
        chat("three", "3", lane="main/thread0"),
        stdout=b"done\n",
    )
    assert trace(other) == trace(plain())


@pytest.mark.parametrize(
    "other",
    [
        [("one", "1", 0), ("three", "3", 0), ("two", "2", 0)],
        [("three", "3", 0), ("two", "2", 1), ("one", "1", 0)],
        [("one", "1", 0), ("two", "3", 1), ("three", "2", 0)],
        [("one", "1", 0), ("two", "2", 1), ("three", "3", 1)],
        [("one", "1", 0), ("two", "2", 1)],
    ],
)
def test_what_a_caller_asked_and_got_and_in_which_order_is(other):
    asked = [chat(question, said, lane=f"main/thread{who}") for question, said, who in other]
    assert trace(run(*asked, stdout=b"done\n")) != trace(plain())


def test_what_was_said_and_how_it_ended_is():
    traces = {
        trace(plain()),
        trace(plain(exit_status=1)),
        trace(plain(exit_status=None, signal=9)),
        trace(plain(ended=False)),
        trace(plain(stderr=b"done\n")),
    }
    assert len(traces) == 5
    said = msgspec.structs.replace(plain(), outputs=())
    assert trace(said) not in traces


def test_callers_without_a_name_have_no_order():
    asked = [chat("one", "1", lane="?"), chat("two", "2", lane="?")]
    assert trace(run(*asked)) == trace(run(*reversed(asked)))
