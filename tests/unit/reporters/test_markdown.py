from __future__ import annotations

import pytest

from agentvcr.reporters import markdown


@pytest.mark.parametrize("name", ["show", "step", "tool", "ls", "diff", "same", "empty"])
def test_every_result_is_a_page_with_a_heading(drawn, name):
    assert drawn(markdown, name).startswith("# ")


def test_recorded_text_stays_within_its_quotes(drawn):
    for name in ("show", "tool", "diff"):
        page = drawn(markdown, name)
        assert "\x1b" not in page
        for line in page.split("\n"):
            assert "<b>" not in line or "``" in line or line.startswith(("+", "-", " ")), line


def test_a_table_row_has_as_many_cells_as_its_head(drawn):
    rows = [row for row in drawn(markdown, "show").split("\n") if row.startswith("|")]
    assert {row.replace("\\|", "").count("|") for row in rows} == {7}


def test_a_fence_is_longer_than_any_within(drawn, results):
    assert list(markdown._fenced(["a ```` b"], "diff")) == ["", "`````diff", "a ```` b", "`````"]


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
