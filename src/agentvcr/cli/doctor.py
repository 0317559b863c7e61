"""`agentvcr doctor`: on what a program's requests depend besides its code."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from agentvcr.cli.options import Command, Live, new_file

_FAILED = 2


def doctor(
    command: Command = None,
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            parser=new_file,
            metavar="FILE",
            help="Keep the recording.",
            show_default="thrown away",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
    live: Live = None,
    json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Find what makes CMD's requests differ from run to run.

    Records CMD once, then replays it with another clock, chance, order of sets or of answers, one
    at a time. Exits with 1 when there are findings, and with 2 when CMD failed before it asked
    anything. CMD's own output goes to standard error.
    """
    from agentvcr.reporters import diagnosis as lines
    from agentvcr.reporters import json_reporter
    from agentvcr.session.diagnosis import diagnose
    from agentvcr.session.interruption import Interrupted

    def progress(control: str) -> None:
        sys.stderr.write(f"agentvcr: replaying with {lines.CONTROLS[control]}\n")
        sys.stderr.flush()

    try:
        found = diagnose(command or [], target=out, force=force, live=live or (), progress=progress)
    except Interrupted as stop:
        sys.stderr.write(f"agentvcr: ended by {stop}, before anything was certain\n")
        raise typer.Exit(stop.exit_status) from None
    if json:
        json_reporter.render(found, sys.stdout)
    else:
        lines.render(found, sys.stdout)
    raise typer.Exit(_FAILED if found.has_failed else 1 if found.findings else 0)
