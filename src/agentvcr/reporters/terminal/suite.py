"""Several replays, for a person: each that fails in full, then a line for each, then the sums.

Owns the layout. The text of a failure is `reporters.failure`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from agentvcr.reporters.base import printable
from agentvcr.reporters.failure import render_failure
from agentvcr.reporters.suite import gist, needs_words, sums, took, verdict_word

if TYPE_CHECKING:
    from rich.console import Console

    from agentvcr.model.report import CaseReport, CaseVerdict, SuiteReport

_STYLES: dict[CaseVerdict, str] = {
    "identical": "green",
    "benign": "yellow",
    "regression": "red",
    "error": "red",
    "skipped": "dim",
    "not_run": "dim",
}
_MOST_GIST = 120
_MARGIN = "  "


def draw_suite(report: SuiteReport, console: Console) -> None:
    """Draw the failures, the list, the sums."""
    for case in report.cases:
        if needs_words(case):
            _draw_failure(case, console)
    wide = max((len(case.name) for case in report.cases), default=0)
    for case in report.cases:
        line = Text(f"{verdict_word(case.verdict):<10}  ", _STYLES[case.verdict])
        line.append(printable(f"{case.name:<{wide}}  {took(case):>8}"), "default")
        line.append(printable(f"  {gist(case)[:_MOST_GIST]}"), "dim")
        line.truncate(console.width, overflow="ellipsis")
        line.rstrip()
        console.print(line, no_wrap=True)
    if report.interrupted:
        console.print(Text("stopped before its end", "red"))
    style = "green" if report.exit_status == 0 else "red"
    console.print(Text(sums(report), style), soft_wrap=True)


def _draw_failure(case: CaseReport, console: Console) -> None:
    if case.failure is None:
        return
    console.print(Text(printable(f"{verdict_word(case.verdict)}: {case.name}"), "bold"))
    console.print()
    text = render_failure(case.failure, console.width - len(_MARGIN))
    for line in text.split("\n"):
        console.print(Text(f"{_MARGIN}{line}".rstrip()), soft_wrap=True)
    console.print()
