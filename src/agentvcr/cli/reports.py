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


def show_report(
    found: SuiteReport, reports: Sequence[Path], *, on_github: bool, annotated: bool
) -> None:
    """Show a report, and write it wherever it was asked for.

    Args:
        found: The report.
        reports: The files that are to hold it.
        on_github: Speak to GitHub, where it runs this.
        annotated: Also in annotations: somebody else has not done so yet.

    Raises:
        TargetUnwritableError: A file cannot be written; what was found has been shown by then.
    """
    if on_github and os.environ.get("GITHUB_ACTIONS") == "true":
        _tell_github(found, annotated=annotated)
    else:
        _show(found, sys.stdout)
    sys.stdout.flush()
    from agentvcr.session.in_place import in_place_of

    for report in reports:
        with in_place_of(report) as beside, beside.open("w", encoding="utf-8") as out:
            _write(found, report.suffix, out)


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


def _tell_github(found: SuiteReport, *, annotated: bool) -> None:
    """Show it so that nothing in it is a command to the runner, then annotate, then add a page."""
    import io
    import secrets

    from agentvcr.reporters.github import Folders, annotations_of, without_commands
    from agentvcr.reporters.markdown_suite import OF_A_PAGE, render

    shown = io.StringIO()
    _show(found, shown)
    lines = [*without_commands(shown.getvalue().rstrip("\n"), secrets.token_hex(16))]
    root = os.environ.get("GITHUB_WORKSPACE", "")
    if annotated:
        folders = Folders(root=Path(root), here=Path.cwd()) if root else None
        lines += annotations_of(found.cases, folders)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    sys.stdout.writelines(f"{line}\n" for line in lines)
    page = os.environ.get("GITHUB_STEP_SUMMARY", "")
    if page:
        try:
            with Path(page).open("a", encoding="utf-8") as out:
                render(found, out, OF_A_PAGE)
        except OSError as error:
            sys.stderr.write(f"agentvcr: nothing added to the job's page: {error}\n")
