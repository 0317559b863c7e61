"""The page of a CI job."""

from __future__ import annotations

import io
import re

import pytest

from agentvcr.reporters import markdown_suite
from agentvcr.reporters.failure import render_failure
from tests.golden.make_failures import FAILURES
from tests.unit.reporters.reported import EVIL, evil_failure, failing, report
from tests.unit.reporters.test_markdown import outside_of_fences


def written(told, **how):
    out = io.StringIO()
    markdown_suite.render(told, out, **how)
    return out.getvalue()


def test_the_heading_counts_and_the_table_begins_with_what_failed():
    lines = written(report()).split("\n")
    assert lines[0] == (
        "# agentvcr test: 1 regression, 1 error, 1 benign, 1 identical, 1 skipped, 1 not run"
        " in 3.20 s"
    )
    rows = [re.split(r" ?\| ?", line)[1:3] for line in lines if line.startswith("| ")][2:]
    assert rows == [
        ["`called`", "**regression**"],
        ["`hung`", "**error**"],
        ["`fine`", "identical"],
        ["`said`", "benign"],
        ["`imported`", "skipped"],
        ["`late`", "not run"],
    ]


def test_each_failure_is_told_in_full():
    page = written(report())
    for name in ("tool_call", "wording", "error"):
        assert render_failure(FAILURES[name]) in page
    assert page.count("<details>") == page.count("</details>") == 3


def test_a_recording_stays_within_its_quotes():
    page = written(report(failing(EVIL, evil_failure())))
    assert "\x1b" not in page
    for line in outside_of_fences(page):
        assert "<b>" not in line or "``" in line, line
        assert line.startswith("</details>") or "</details>" not in line or "``" in line, line


@pytest.mark.parametrize("most", [1_000, 20_000, 65_000])
def test_a_page_keeps_to_its_size_and_counts_what_is_left_out(most):
    cases = [failing(f"東京{n}" * 5, FAILURES["wide"]) for n in range(400)]
    page = written(report(*cases), most=most)
    assert len(page.encode()) <= most
    assert page.startswith("# agentvcr test: 401 regression")
    assert re.search(r"… and \d+ more failures\n$", page)
