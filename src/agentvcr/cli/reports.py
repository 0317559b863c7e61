"""How a suite's report is handed over: on standard output, in files, to GitHub.

Owns the choice of a format by a file's ending, and what is said where GitHub runs the job. Does not
draw (`reporters`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from agentvcr.errors import BadOptionError, TargetUnwritableError

if TYPE_CHECKING:
    from agentvcr.model.report import SuiteReport

_ENDINGS = (".json", ".xml", ".md")


def check_reports(reports: Sequence[Path]) -> None:
    """Refuse a report of an unknown kind, or of no folder, before anything runs."""
    for report in reports:
        if report.suffix not in _ENDINGS:
            raise BadOptionError(
                f"a report is written as .json, .xml or .md, not as {report.name}",
                where=f"--report {report}",
                cure="choose one of these endings",
            )
        if not report.parent.is_dir():
            raise TargetUnwritableError(
                f"cannot write {report}: there is no folder {report.parent}",
                where=f"--report {report}",
                cure="make the folder first, or choose another",
            )


def show_report(found: SuiteReport, reports: Sequence[Path], *, on_github: bool) -> None:
    """Show a report, and write it wherever it was asked for."""
    for report in reports:
        with report.open("w", encoding="utf-8") as out:
            _write(found, report.suffix, out)
    if on_github and os.environ.get("GITHUB_ACTIONS") == "true":
        _tell_github(found)
    else:
        _show(found, sys.stdout)


def _write(found: SuiteReport, ending: str, out: TextIO) -> None:
    from agentvcr.reporters import json_reporter, junit, markdown_suite

    if ending == ".json":
        json_reporter.render(found, out)
    elif ending == ".xml":
        junit.render(found, out)
    else:
        markdown_suite.render(found, out)


def _show(found: SuiteReport, out: TextIO) -> None:
    from agentvcr.reporters import terminal

    if hasattr(out, "reconfigure"):
        out.reconfigure(errors="backslashreplace")
    terminal.render(found, out)


def _tell_github(found: SuiteReport) -> None:
    """Show it so that nothing in it is a command to the runner, then annotate, then add a page."""
    import io
    import secrets

    from agentvcr.reporters.github import annotations_of, without_commands
    from agentvcr.reporters.markdown_suite import OF_A_PAGE, render

    shown = io.StringIO()
    _show(found, shown)
    lines = [*without_commands(shown.getvalue().rstrip("\n"), secrets.token_hex(16))]
    root = os.environ.get("GITHUB_WORKSPACE", "")
    lines += annotations_of(found.cases, root=Path(root) if root else None)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.stdout.writelines(f"{line}\n" for line in lines)
    page = os.environ.get("GITHUB_STEP_SUMMARY", "")
    if page:
        with Path(page).open("a", encoding="utf-8") as out:
            render(found, out, OF_A_PAGE)
