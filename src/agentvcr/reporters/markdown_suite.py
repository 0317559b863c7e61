"""Several replays as a Markdown page, for the page of a CI job or a comment on a pull request.

Owns what stands there and how long it gets. How recorded text is quoted is `markup`'s.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final, TextIO

from agentvcr.reporters.base import counted, printable
from agentvcr.reporters.failure import render_failure
from agentvcr.reporters.markup import code, fenced, more, row, table
from agentvcr.reporters.suite import gist, needs_words, sums, took, verdict_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from agentvcr.model.report import CaseReport, SuiteReport

OF_A_COMMENT: Final = 65_000
"""GitHub takes 65,536 characters in a comment."""
OF_A_PAGE: Final = 1_000_000
"""GitHub takes 1 MiB of summary from a step."""
_ROWS: Final = 200
_MOST_GIST: Final = 120
_FOR_THE_REST: Final = 200
"""Characters that are kept free to say what is left out."""


def render(report: SuiteReport, out: TextIO, most: int = OF_A_COMMENT) -> None:
    """Write the page; failures that do not fit into `most` bytes of UTF-8 are counted."""
    told = "".join(f"{line}\n" for line in _head(report))
    if _size(told) > most - _FOR_THE_REST:
        told = f"# agentvcr test: {sums(report)}\n"
    _write(told, report.cases, out, most)


def render_tests(
    head: Sequence[str], cases: Sequence[CaseReport], out: TextIO, most: int = OF_A_PAGE
) -> None:
    """Write a page on the tests of a framework that left their recordings.

    Args:
        head: What is to be said of the whole run.
        cases: Those tests.
        out: Where to.
        most: Bytes of UTF-8 that fit.
    """
    lines = [f"# agentvcr: {counted(len(cases), 'test')} left the recording" if cases else ""]
    told = "\n\n".join(filter(None, [*lines, *head]))
    _write(f"{told}\n", cases, out, most)


def _write(head: str, cases: Iterable[CaseReport], out: TextIO, most: int) -> None:
    out.write(head)
    left = most - _FOR_THE_REST - _size(head)
    failing = [case for case in cases if needs_words(case)]
    for number, case in enumerate(failing):
        section = "".join(f"{line}\n" for line in _section(case))
        if _size(section) > left:
            out.writelines(f"{line}\n" for line in more(len(failing) - number, "failure"))
            return
        out.write(section)
        left -= _size(section)


def _head(report: SuiteReport) -> Iterator[str]:
    yield f"# agentvcr test: {sums(report)}"
    if report.interrupted:
        yield from ("", "Stopped before its end.")
    yield from ("", *table("cassette", "verdict", "time", "what"))
    cases = sorted(report.cases, key=lambda case: case.passed)
    for case in cases[:_ROWS]:
        mark = "" if case.passed else "**"
        verdict = f"{mark}{verdict_word(case.verdict)}{mark}"
        yield row(code(case.name), verdict, took(case), code(gist(case)[:_MOST_GIST]))
    yield from more(len(cases) - _ROWS, "cassette")


def _section(case: CaseReport) -> Iterable[str]:
    if case.failure is None:
        return
    name = html.escape(" ".join(printable(case.name).split()))
    yield from ("", f"<details><summary><code>{name}</code></summary>")
    yield from fenced(render_failure(case.failure).split("\n"), "text")
    yield from ("", "</details>")


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))
