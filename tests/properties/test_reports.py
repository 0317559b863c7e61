"""Whatever a recording says, a report of it is a report: no commands, no markup, no wide lines."""

import io
import os

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from agentvcr.model.report import CaseReport, FailureReport, SuiteReport
from agentvcr.reporters import junit, markdown_suite
from agentvcr.reporters.base import printable
from agentvcr.reporters.columns import cells
from agentvcr.reporters.failure import render_failure
from agentvcr.reporters.github import annotations_of
from tests.support.github_runner import commands
from tests.unit.reporters.test_markdown import outside_of_fences

EXAMPLES = settings(
    max_examples=40 * int(os.environ.get("ROUNDS", "3")), deadline=None, database=None
)
pieces = st.sampled_from(
    [
        *("::error::", "::stop-commands::x", "##[error]", "%0A", "%25", "\r", "\n", "\r\n", " "),
        *("```", "````\n", "`", "|", "<b>", "</details>", "<!--", "\n# x", "\n- x", "&", "]]>"),
        *("\x00", "\x1b[2J", "\u202e", "\ufffe", "\ud800", "\x85", "\u2028", "\t", ",", ":", "="),
        *("東京", "e\u0301", "\u200d", "\U0001f333", "oak", "lime tree", "\\"),
    ]
)
texts = st.lists(pieces | st.text(max_size=6), max_size=30).map("".join)
sides = st.none() | texts
failures = st.builds(
    FailureReport,
    title=texts,
    kind=st.sampled_from(["wording", "structure", "error"]),
    step=sides,
    where=sides,
    before=sides,
    after=sides,
    compare=st.lists(texts, max_size=3).map(tuple),
    again=st.lists(texts, max_size=3).map(tuple),
    file=texts,
    line=st.none() | st.integers(1, 9),
    text=texts,
)
cases = st.builds(
    CaseReport,
    name=texts,
    path=texts,
    verdict=st.sampled_from(["regression", "error", "benign"]),
    passed=st.just(False),  # noqa: FBT003  (what a field is)
    failure=failures,
    why=texts,
    kept=sides,
)


def written(reporter, case):
    out = io.StringIO()
    reporter.render(SuiteReport(cases=(case,)), out)
    return out.getvalue()


@EXAMPLES
@given(cases)
def test_an_annotation_is_one_command_whatever_stands_in_it(case):
    (line,) = annotations_of([case])
    (found,) = commands(line)
    assert found.name == "error"
    assert set(found.properties) <= {"file", "line", "title"}
    told = printable(f"{case.verdict}: {case.name}")
    assert told.startswith(found.properties["title"].removesuffix("…"))
    assert len(found.properties["title"]) >= min(len(told.rstrip()), 200)
    assert found.data.rstrip("…") in render_failure(case.failure)


@EXAMPLES
@given(cases)
def test_junit_can_be_read_whatever_stands_in_it(case):
    tree = etree.fromstring(written(junit, case).encode())
    assert [one.tag for one in tree.iter("testcase")] == ["testcase"]


@EXAMPLES
@given(cases)
def test_a_page_holds_what_was_recorded_in_quotes_alone(case):
    lines = [line for line in outside_of_fences(written(markdown_suite, case)) if line]
    assert lines[0].startswith("# agentvcr test: 1 ")
    assert [line[0] for line in lines[1:4]] == ["|", "|", "|"]
    assert lines[4].startswith("<details><summary><code>")
    assert "<" not in lines[4].split("<code>")[1].split("</code></summary>")[0]
    assert lines[5:] == ["</details>"]


@EXAMPLES
@given(failures, st.sampled_from([40, 80]))
def test_a_failure_keeps_to_its_width_and_steers_no_terminal(failure, width):
    text = render_failure(failure, width)
    # Words of commands stay whole.
    lines = text.partition("  Every difference:")[0].partition("  To record it anew:")[0]
    assert all(cells(line) <= width for line in lines.split("\n"))
    assert not any(ord(char) < 32 and char not in "\n\t" for char in text)
    assert "\u202e" not in text
