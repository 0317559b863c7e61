"""`agentvcr record`: run a command, record it, and exit as it does."""

from pathlib import Path
from typing import Annotated

import typer


def record(
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="[--] CMD …", help="The command to run, with its arguments."),
    ] = None,
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            metavar="FILE",
            help="The cassette to write.",
            show_default="cassettes/<cmd>-<UTC>.avcr",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
    live: Annotated[
        list[str] | None,
        typer.Option(metavar="HOST:PORT", help="Leave this service unrecorded. Repeatable."),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Exit with 5 if anything was not recorded."),
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the summary to FILE, .json or .md."),
    ] = None,
) -> None:
    """Run CMD, record every exchange, and exit as CMD does."""
    from agentvcr.cli.console import progress_bar
    from agentvcr.cli.endings import be_strict, check_report, exit_as, new_cassette, tell
    from agentvcr.session.recording import record_command

    check_report(report)
    argv = command or []
    target = out or new_cassette(argv)
    with progress_bar("packing") as progress:
        summary, ended = record_command(
            argv, target, force=force, live=live or (), progress=progress
        )
    tell(summary, report)
    if strict:
        be_strict(summary, ended)
    exit_as(ended)
