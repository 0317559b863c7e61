from __future__ import annotations

import io

import pytest

from agentvcr.diff.rundiff import diff
from agentvcr.model.results import Change
from agentvcr.reporters import terminal
from agentvcr.reporters.terminal import console_on
from agentvcr.reporters.terminal.changes import draw_change
from agentvcr.steps import outline
from tests.unit.build import chat, run

ALL = ["show", "step", "tool", "ls", "diff", "same", "empty", "import"]
ALL += ["steps", "named", "model", "own"]


class Screen(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("name", ALL)
def test_without_a_terminal_there_is_no_colour_and_no_blank_at_a_line_end(drawn, name, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    shown = drawn(terminal, name)
    assert "\x1b" not in shown
    assert all(line == line.rstrip(" ") for line in shown.split("\n"))


@pytest.mark.parametrize("name", ["show", "ls"])
def test_without_a_terminal_tables_are_80_columns_wide(drawn, name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert max(map(len, drawn(terminal, name).split("\n"))) <= 80


@pytest.mark.parametrize("name", ALL)
def test_recorded_text_cannot_steer_a_terminal(results, name, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    out = Screen()
    terminal.render(results[name], out)
    assert "\x1b]" not in out.getvalue()
    assert "\x07" not in out.getvalue()
    assert "\u202e" not in out.getvalue()


def test_a_terminal_is_coloured_unless_no_color_is_set(results, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    out = Screen()
    terminal.render(results["diff"], out)
    assert "\x1b[31m" in out.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    out = Screen()
    terminal.render(results["diff"], out)
    assert "\x1b[" not in out.getvalue()


def test_show_is_a_tree_by_lane(drawn):
    lines = [line[:24].rstrip() for line in drawn(terminal, "show").split("\n")]
    start = lines.index(next(line for line in lines if line.startswith("#")))
    assert [line.split("  ")[0] for line in lines[start + 1 : start + 7]] == [
        "1",
        "",
        "2",
        "3",
        "4",
        "5",
    ]
    assert "├ task0" in lines[start + 2]
    assert "│ llm[0]" in lines[start + 3]
    assert "│ tool[0]" in lines[start + 4]


def test_the_labels_of_deep_lanes_leave_room_for_number_action_and_time():
    deep = "/".join(
        [
            "main",
            *(f"Client.a_method_with_a_rather_long_name_of_its_own#{depth}" for depth in range(8)),
        ]
    )
    out = io.StringIO()
    asked = [chat("Who?", f"No. {n}", lane=deep, took_ms=12_340) for n in range(12)]
    terminal.render(outline(run(*asked)), out)
    lines = [line for line in out.getvalue().split("\n") if "llm[" in line]
    assert [line.split()[0] for line in lines] == [str(n) for n in range(1, 13)]
    assert all(" gpt-4o-mini: " in line for line in lines)
    assert all(line.endswith("12.34 s") for line in lines)


def test_show_tells_command_totals_failures_and_what_was_not_recorded(drawn):
    shown = drawn(terminal, "show")
    for told in (
        "$ python trip.py",
        "5 steps: 3 llm, 2 tool",
        "36 → 15 tokens",
        "exit 0",
        "1.23 s",
        "[internal]",
        "httpx.ReadTimeout",
        "not recorded: child",
    ):
        assert told in shown


def test_a_run_without_steps_says_so(drawn):
    assert "No step was recorded." in drawn(terminal, "empty")


def test_a_model_step_is_shown_as_its_messages(drawn):
    shown = drawn(terminal, "step")
    assert "[0] user\n  Plan a trip.\n" in shown
    assert "  Day one: the old museum, then a walk.\n  Day two: rest.\n" in shown


def test_a_tool_step_is_shown_as_its_bodies(drawn):
    shown = drawn(terminal, "tool")
    assert "(no body)" in shown
    assert '"sky": "old"' in shown


def test_a_listing_names_every_cassette_and_what_is_wrong_with_one(drawn):
    shown = drawn(terminal, "ls")
    assert "trip.avcr" in shown
    assert "81.2 kB" in shown
    assert "$ python trip.py" in shown
    assert "foreign" in shown
    assert "no cassette" in shown


def test_a_diff_tells_the_first_divergence_before_what_followed(drawn):
    shown = drawn(terminal, "diff")
    told = [
        "First divergence: changed 1 llm[0]  gpt-4o-mini",
        "  response.message.content",
        "    - Day one: the old museum, then a walk.",
        "    + Day one: the new museum, then a walk.",
        "      Day two: rest.",
        "  A: 200, eof, 10 ms, 12 → 5 tokens",
        "After it, and perhaps because of it: 2 steps",
        "  changed  3 task0/tool[0]",
        "stdout differs from line 2",
        "The command ended otherwise",
        "Different: 3 same, 2 changed, 1 added",
    ]
    places = [shown.index(line) for line in told]
    assert places == sorted(places)


def test_equal_runs_are_told_in_a_line(drawn):
    assert drawn(terminal, "same").split("\n")[-2] == "The same: 5 same"


def test_a_halted_replay_counts_what_it_did_not_reach():
    a = run(*(chat(f"q{n}") for n in range(40)))
    b = run(chat("q0"), chat("other"), notes=[("divergence", "no recorded exchange")])
    out = io.StringIO()
    terminal.render(diff(a, b), out)
    assert "The replay stopped: no recorded exchange" in out.getvalue()
    assert "not reached: 38 steps" in out.getvalue()
    assert "38 not reached" in out.getvalue()


def test_of_many_later_differences_some_are_listed_and_the_rest_counted():
    a, b = (run(*(chat(f"q{n}", word) for n in range(40))) for word in ("x", "y"))
    out = io.StringIO()
    terminal.render(diff(a, b), out)
    assert "and perhaps because of it: 39 steps" in out.getvalue()
    assert "and 19 more" in out.getvalue()


def changed(before, after):
    out = io.StringIO()
    change = Change(where="w", before=before, after=after, kind="wording")
    draw_change(change, console_on(out))
    return [line.rstrip() for line in out.getvalue().split("\n")][1:-1]


def test_a_side_that_is_missing_has_no_lines():
    assert changed(None, "one\ntwo") == ["    + one", "    + two"]
    assert changed("one", None) == ["    - one"]


def test_equal_lines_far_from_a_difference_are_left_out():
    before = "\n".join("abcdefgh")
    assert changed(before, before.replace("d", "D")) == ["      c", "    - d", "    + D", "      e"]


def test_a_very_long_line_is_cut_down_to_its_difference():
    lines = changed("a" * 5000 + "old" + "b" * 5000, "a" * 5000 + "new" + "b" * 5000)
    assert len(lines) < 8
    assert any("old" in line for line in lines)
    assert any("new" in line for line in lines)


def test_very_many_lines_are_counted():
    lines = changed("\n".join(f"a{n}" for n in range(100)), None)
    assert lines[-1] == "    … 84 more lines"


def test_a_huge_change_is_drawn_in_a_moment():
    import time

    before = "\n".join(f"line {n % 50}" for n in range(20_000))
    began = time.perf_counter()
    changed(before, before.replace("line 7", "line x"))
    assert time.perf_counter() - began < 5


def test_output_lines_are_shown_short_and_an_end_or_a_missing_newline_is_named():
    def told(before, after):
        out = io.StringIO()
        terminal.render(diff(run(stdout=before), run(stdout=after)), out)
        return out.getvalue()

    assert "    - (no more output)\n    +\n" in told(b"a\n", b"a\n\n")
    assert "    - a\\n\n    + a\n" in told(b"a\n", b"a")
    assert len(told(b"x" * 100_000 + b"1", b"x" * 100_000 + b"2")) < 2000


def test_an_import_of_a_few_files_names_each_and_why_one_was_refused(drawn):
    lines = drawn(terminal, "import").split("\n")
    assert lines[0] == "2 of 3 files imported: 4 exchanges, 4.0 kB → 1.0 kB, read in 40 ms → 3 ms"
    assert lines[1].startswith("  in/0")
    assert lines[1].endswith("  2 exchanges, 2.0 kB → 500 B, read in 20 ms → 2 ms")
    assert lines[3] == "2 credentials replaced by placeholders"
    assert lines[4].startswith("note: `")
    assert lines[4].endswith("` not kept: 6")
    assert lines[5] == "refused: in/bad.yaml"
    assert lines[6].startswith("  no: ")
    assert lines[6].endswith(" [foreign]")


def test_an_import_of_many_files_is_summed_up(drawn):
    lines = drawn(terminal, "imports").split("\n")
    gained = "22.0 kB → 5.5 kB, read in 220 ms → 16 ms"
    assert lines[0] == f"11 files imported: 22 exchanges, {gained}"
    assert len(lines) == 4


def test_refusals_beyond_a_hundred_are_counted(drawn):
    lines = drawn(terminal, "refusals").split("\n")
    gained = "0 B → 0 B, read in 0 ms → 0 ms"
    assert lines[0] == f"0 of 120 files imported: 0 exchanges, {gained}"
    assert sum(line.startswith("refused: in/") for line in lines) == 100
    assert lines[-2] == "refused: 20 more, which --json lists"
