"""Recordings that are another in the order of their answers."""

import pytest

from agentvcr.session.variations import variations
from tests.unit.build import MS, chat, run


def answered(recorded):
    """Give when each is answered where the last asked is first, and how long after its question."""
    *_, (_, other) = variations(recorded)
    both = zip(recorded.exchanges, other.run.exchanges, strict=True)
    return [
        (new.response.at_ns // MS, (new.response.at_ns - old.began_ns) // MS) for old, new in both
    ]


def of_lanes(*began_ms, took_ms):
    """Give a run in which each lane asks once."""
    return run(
        *(
            chat(f"question {number}", lane=f"main/{number}", began_ms=began, took_ms=took_ms)
            for number, began in enumerate(began_ms)
        )
    )


@pytest.mark.parametrize("took_ms", [500, 5], ids=["at once", "each before the next has begun"])
def test_the_last_asked_is_first_whether_all_ask_at_once_or_as_recorded(took_ms):
    times = answered(of_lanes(1000, 1050, 1150, took_ms=took_ms))
    assert times == sorted(times, reverse=True)
    assert len({moment for moment, _ in times}) == len({lag for _, lag in times}) == len(times)
    assert all(lag >= 0 for _, lag in times)


def test_one_caller_alone_waits_for_nobody():
    assert [lag for _, lag in answered(run(chat("one"), chat("two"), chat("three")))] == [0, 0, 0]


def test_the_waits_of_a_long_run_are_bounded():
    recorded = of_lanes(*range(1000, 1_000_000, 400), took_ms=1)
    rounds = run(
        *(
            chat(f"{turn} of {lane}", lane=f"main/{lane}", began_ms=turn * 900 + lane * 400 + 1)
            for turn in range(200)
            for lane in range(2)
        )
    )
    for one in (recorded, rounds):
        assert sum(lag for _, lag in answered(one)[::2]) <= 15_000
