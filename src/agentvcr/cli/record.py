"""`agentvcr record`: run a command, record it, and exit as it does."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from agentvcr.cli.options import Command, Report, new_file


class Mode(StrEnum):
    """What to do about a cassette that is there already."""

    ALL = "all"
    ONCE = "once"
    NEW_EPISODES = "new_episodes"
    NONE = "none"


def record(
    command: Command = None,
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            parser=new_file,
            metavar="FILE",
            help="The cassette to write.",
            show_default="cassettes/<cmd>-<UTC>.avcr",
        ),
    ] = None,
    mode: Annotated[
        Mode,
        typer.Option(
            help="About a FILE that is there: all records anew, once replays it and refuses what "
            "is new, new_episodes records that into it, none never records."
        ),
    ] = Mode.ALL,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
    live: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST:PORT", help="Leave this service unrecorded. Repeatable."),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Exit with 5 if anything was not recorded."),
    ] = False,
    report: Report = None,
) -> None:
    """Run CMD, record every exchange, and exit as CMD does."""
    from agentvcr.cli.console import progress_bar
    from agentvcr.cli.endings import (
        be_strict,
        check_mode,
        check_report,
        exit_as,
        new_cassette,
        tell,
    )
    from agentvcr.session.episodes import record_in_mode

    check_report(report)
    check_mode(mode.value, out, force=force)
    argv = command or []
    target = out or new_cassette(argv)
    with progress_bar("packing") as progress:
        summary, ended = record_in_mode(
            argv, target, mode=mode.value, force=force, live=live or (), progress=progress
        )
    tell(summary, report)
    if strict:
        be_strict(summary, ended)
    exit_as(ended, summary)
