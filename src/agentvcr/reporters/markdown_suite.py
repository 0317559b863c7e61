"""Several replays as a Markdown page, for the page of a CI job or a comment on a pull request.

Owns what stands there and how long it gets. How recorded text is quoted is `markup`'s.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final, TextIO

from agentvcr.reporters.base import printable
from agentvcr.reporters.failure import render_failure
from agentvcr.reporters.markup import code, fenced, more, row, table
from agentvcr.reporters.suite import gist, needs_words, sums, took, verdict_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
    left = most - _FOR_THE_REST
    told = "".join(f"{line}\n" for line in _head(report))
    if _size(told) > left:
        told = f"# agentvcr test: {sums(report)}\n"
    out.write(told)
    left -= _size(told)
    failing = [case for case in report.cases if needs_words(case)]
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
