"""How `record` and `replay` end: their summary on stderr, their report, their exit status.

Owns the name of a new cassette too. Standard output stays the program's.
"""

from __future__ import annotations

import contextlib
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

from agentvcr.errors import BadOptionError, NotRecordedError, TargetUnwritableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentvcr.channel.launch import Ended
    from agentvcr.model.summary import RecordSummary, ReplaySummary, ServeSummary

_SHELL_STOPS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
"""Signals that a shell looks for in how a command died."""


def new_cassette(argv: Sequence[str]) -> Path:
    """Name a cassette after the command and the time."""
    scripts = [word for word in argv if word.endswith(".py")]
    stem = Path((scripts or list(argv) or ["run"])[0]).stem
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    path = Path("cassettes") / f"{stem}-{moment}.avcr"
    number = 2
    while path.exists():
        path = path.with_name(f"{stem}-{moment}-{number}.avcr")
        number += 1
    return path


def check_report(report: Path | None) -> None:
    """Refuse a report of an unknown kind before anything runs."""
    if report is not None and report.suffix not in (".json", ".md"):
        raise BadOptionError(
            f"a report is written as .json or .md, not {report.suffix or 'without an ending'}",
            where=f"--report {report}",
            cure="choose one of the two endings",
        )
    if report is not None and not report.parent.is_dir():
        raise TargetUnwritableError(
            f"cannot write {report}: there is no folder {report.parent}",
            where=f"--report {report}",
            cure="make the folder first, or choose another",
        )


def check_mode(mode: str, out: Path | None, *, force: bool) -> None:
    """Refuse what a record mode cannot go with, before anything runs."""
    if mode == "all":
        return
    if out is None:
        raise BadOptionError(
            f"--mode {mode} is about a cassette of a name that stays",
            where="the command line",
            cure="name it: -o FILE.avcr",
        )
    if force:
        raise BadOptionError(
            f"--mode {mode} writes over no cassette",
            where="--force",
            cure="leave out --force, or record anew with --mode all",
        )


def announce(command: Sequence[str], folder: str) -> None:
    """Say what a cassette is about to run, and in which folder where it lies elsewhere."""
    where = f" in {folder}, and the cassette lies elsewhere" if folder else ""
    sys.stderr.write(f"agentvcr: running {shlex.join(command)}{where}\n")
    sys.stderr.flush()


def tell(
    summary: RecordSummary | ReplaySummary | ServeSummary,
    report: Path | None,
    *,
    turn: int = 1,
    times: int = 1,
) -> None:
    """Tell the summary on stderr, and write the report."""
    from agentvcr.reporters import summary as lines

    with contextlib.suppress(OSError, AttributeError):  # stderr is closed, or nobody reads it
        if times > 1:
            sys.stderr.write(f"agentvcr: replay {turn} of {times}\n")
        lines.render(summary, sys.stderr)
        sys.stderr.flush()
    if report is not None:
        with report.open("w", encoding="utf-8") as out:
            _write(summary, out, as_json=report.suffix == ".json")


def tell_traces(traces: Sequence[str | None]) -> None:
    """Say how many courses several replays took."""
    count = len(set(traces))
    if len(traces) > 1:
        with contextlib.suppress(OSError, AttributeError):  # as above
            distinct = f"{count:,} distinct trace{'s' if count > 1 else ''}"
            sys.stderr.write(f"agentvcr: {len(traces):,} replays: {distinct}\n")


def _write(
    summary: RecordSummary | ReplaySummary | ServeSummary, out: TextIO, *, as_json: bool
) -> None:
    from agentvcr.model.summary import RecordSummary
    from agentvcr.reporters import json_reporter, markdown
    from agentvcr.reporters import summary as lines

    if as_json:
        json_reporter.render(summary, out)
    elif isinstance(summary, RecordSummary):
        markdown.render(summary, out)
    else:
        lines.render(summary, out)


def be_strict(summary: RecordSummary | ReplaySummary, ended: Ended) -> None:
    """Refuse a recording that missed something, whatever the program's own status was.

    A program that somebody stopped ends as it would have, so that the script around it stops too.

    Raises:
        NotRecordedError: Something was missed. The summary has told what.
    """
    from agentvcr.model.summary import RecordSummary

    if not isinstance(summary, RecordSummary):
        return  # a replay lets nothing pass
    count = len(summary.missed)
    if count and not _was_stopped(ended):
        things = "1 thing was" if count == 1 else f"{count:,} things were"
        raise NotRecordedError(
            f"{things} not recorded, see above; CMD itself ended with {ended.shell_status}",
            where=f"{summary.path}, which holds all else",
            cure="--live HOST:PORT leaves out an address that may be missed",
        )


def _was_stopped(ended: Ended) -> bool:
    """Whether the program died of a signal that stops the shell script around it too."""
    return ended.signal in [getattr(signal, name, -1) for name in _SHELL_STOPS]


def exit_as(ended: Ended, summary: RecordSummary | ReplaySummary | None = None) -> None:
    """Exit as the program did, by its signal where a shell would look for it; 4 if it was stopped.

    A replay stops a program that asks for what its cassette does not have.
    """
    if getattr(summary, "divergence", None) is not None:
        raise typer.Exit(4)
    if ended.signal is not None and _was_stopped(ended):
        from agentvcr.channel.signals import die_of

        die_of(ended.signal)
    raise typer.Exit(ended.shell_status)
