"""What a failure reads like, at 80 columns and at others."""

from __future__ import annotations

import msgspec
import pytest

from agentvcr.model.report import FailureReport
from agentvcr.reporters.columns import cells
from agentvcr.reporters.failure import render_failure
from tests.golden.make_failures import FAILURES, FOLDER, Pair, asked
from tests.unit.build import run


@pytest.mark.parametrize("name", sorted(FAILURES))
def test_a_failure_reads_as_it_did(name):
    # Changed on purpose? python -m tests.golden.make_failures, and look at each.
    told = (FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    assert render_failure(FAILURES[name]) + "\n" == told


def test_every_text_is_one_of_a_failure():
    assert {path.stem for path in FOLDER.iterdir()} == set(FAILURES)


@pytest.mark.parametrize("width", [30, 50, 80, 120])
@pytest.mark.parametrize("name", sorted(FAILURES))
def test_no_line_is_wider_than_asked_for_but_a_word_of_a_command(name, width):
    text = render_failure(msgspec.structs.replace(FAILURES[name], compare=(), again=()), width)
    assert max(map(cells, text.split("\n"))) <= width
    assert "\x1b" not in text
    assert "\u202e" not in text


def failure(**what):
    return FailureReport(title="x", kind="wording", **what)


def test_wide_signs_take_two_columns_and_marks_stand_below_them():
    text = render_failure(failure(before="木は 青い 空", after="木は 赤い 空"))
    line, marks = text.split("\n")[4:6]
    assert line == "  木は 青い 空" + " " * 26 + "| 木は 赤い 空"
    assert marks == "       ^^" + " " * 31 + "|      ^^"


def test_signs_without_a_width_take_none():
    assert cells("e\u0301\u200d") == 1
    assert cells("東京") == 4


def test_a_side_that_is_absent_is_called_so():
    text = render_failure(failure(before=None, after="new"))
    assert text.split("\n")[2:] == ["  recorded: (absent)", "  now:", "    + new"]


def test_long_lines_stand_below_each_other():
    before, after = ("word " * 40 + end for end in ("oak", "elm"))
    text = render_failure(failure(before=before, after=after))
    assert "  recorded:\n    - word" in text
    assert "  now:\n    + word" in text
    assert text.count("^^^") == 2


def test_a_message_of_ten_megabytes_is_cut_around_what_differs():
    rest = "tree " * 1_000_000
    pair = Pair(run(asked(f"{rest}oak {rest}")), run(asked(f"{rest}elm {rest}")))
    told = pair.failure()
    assert told.before is not None
    assert len(told.before) < 1_000
    text = render_failure(told)
    assert " oak " in text
    assert " elm " in text
    assert len(text) < 2_000


def test_a_text_without_end_is_counted():
    text = render_failure(failure(text="\n".join(f"line {n}" for n in range(100))))
    assert text.endswith("  line 29\n  … 70 more")


def test_many_lines_are_counted():
    before, after = ("\n".join(f"{word} {n}" for n in range(100)) for word in ("oak", "elm"))
    assert render_failure(failure(before=before, after=after)).endswith("  … 76 more lines")


def test_a_command_is_folded_so_that_a_shell_still_takes_it():
    words = ("agentvcr", "record", *(f"a long argument {n}" for n in range(5)))
    lines = render_failure(failure(again=words)).split("\n")[3:]
    assert all(cells(line) <= 80 for line in lines)
    assert all(line.endswith(" \\") for line in lines[:-1])
