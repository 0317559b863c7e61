from __future__ import annotations

import io

from agentvcr.interop.foreign import Exported, LeftOut
from agentvcr.reporters import exported


def lines(written, *left_out, notes=()):
    out = io.StringIO()
    left = tuple(LeftOut(number=number, reason=reason) for number, reason in left_out)
    exported.render(Exported(written=written, left_out=left, notes=notes), out)
    return out.getvalue().splitlines()


def test_a_whole_export_is_one_line():
    assert lines(1) == ["agentvcr: exported 1 of 1 exchange"]


def test_what_was_left_out_is_told_by_reason_with_a_few_numbers():
    told = lines(2, (1, "slow"), (4, "cut"), *[(number, "slow") for number in range(5, 11)])
    assert told == [
        "agentvcr: exported 2 of 10 exchanges",
        "agentvcr: left out exchanges 1, 5, 6, 7, 8 and 2 more: slow",
        "agentvcr: left out exchange 4: cut",
    ]


def test_what_was_lost_is_told_and_cannot_steer_a_terminal():
    assert lines(1, notes=("times\x1b[2J",))[1] == "agentvcr: lost: times\\x1b[2J"
