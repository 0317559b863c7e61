from __future__ import annotations

import pytest

from agentvcr.reporters import markdown
from agentvcr.reporters.markup import fenced

ALL = ["show", "step", "tool", "ls", "diff", "same", "empty", "import"]
ALL += ["steps", "named", "model", "own"]


@pytest.mark.parametrize("name", ALL)
def test_every_result_is_a_page_with_a_heading(drawn, name):
    assert drawn(markdown, name).startswith("# ")


def outside_of_fences(page):
    fence = ""
    for line in page.split("\n"):
        if fence:
            fence = "" if line == fence else fence
        elif line.startswith("```"):
            fence = line.rstrip("abcdefghijklmnopqrstuvwxyz")
        else:
            yield line
    assert not fence


def test_recorded_text_stays_within_its_quotes(drawn):
    for name in ("show", "tool", "diff", "import", "steps", "named", "model", "own"):
        page = drawn(markdown, name)
        assert "\x1b" not in page
        for line in outside_of_fences(page):
            assert "<b>" not in line or "``" in line, line


def test_a_table_row_has_as_many_cells_as_its_head(drawn):
    rows = [row for row in drawn(markdown, "show").split("\n") if row.startswith("|")]
    assert {row.replace("\\|", "").count("|") for row in rows} == {7}


def test_a_fence_is_longer_than_any_within(drawn, results):
    assert list(fenced(["a ```` b"], "diff")) == ["", "`````diff", "a ```` b", "`````"]


def test_a_diff_tells_the_first_divergence_before_what_followed(drawn):
    page = drawn(markdown, "diff")
    told = [
        "# Different",
        "## First divergence: changed `1 llm[0] gpt-4o-mini`",
        "`response.message.content`",
        "-Day one: the old museum, then a walk.",
        "+Day one: the new museum, then a walk.",
        "## After it: ",
        "## stdout differs from line 2",
        "+exit status 1",
    ]
    places = [page.index(line) for line in told]
    assert places == sorted(places)


def test_an_import_is_a_row_a_file_and_a_refusal_says_why(drawn):
    page = drawn(markdown, "import")
    gained = "4.0 kB → 1.0 kB, read in 40 ms → 3 ms"
    assert page.startswith(f"# 2 of 3 files imported: 4 exchanges, {gained}\n")
    rows = [row.replace("\\|", "") for row in page.split("\n") if row.startswith("|")]
    assert [row.count("|") for row in rows] == [8] * 5
    assert "| 2 | 2.0 kB | 500 B | 20 ms | 2 ms |" in rows[2]
    assert rows[4].startswith("| `in/bad.yaml` | `x` | `` no: ")
