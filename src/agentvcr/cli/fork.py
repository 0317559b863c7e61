"""`agentvcr fork`: run a cassette's command again with one step changed, and show what follows."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from agentvcr.cli.options import Live, OverNew, Report, Trust, new_file


class Beyond(StrEnum):
    """What to do about a request that was not recorded, because of the change."""

    NEAREST = "nearest"
    LIVE = "live"


def fork(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The cassette.")],
    *,
    at: Annotated[str, typer.Option(metavar="STEP", help="The step: a path or number of `show`.")],
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="FIELD=VALUE",
            help="Change response.text, .status, .body, .json.PATH, .tool_calls[N].arguments, "
            "request.model or request.json.PATH. Repeatable.",
        ),
    ] = None,
    edit: Annotated[
        bool, typer.Option("--edit", help="Change what it said in $VISUAL or $EDITOR.")
    ] = False,
    on_miss: Annotated[
        Beyond,
        typer.Option(help="What the change makes new: answer with the nearest, or ask live."),
    ] = Beyond.NEAREST,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            parser=new_file,
            metavar="NEW",
            help="Keep the fork as a cassette.",
            show_default="FILE with the ending .fork.avcr",
        ),
    ] = None,
    force: OverNew = False,
    live: Live = None,
    trust: Trust = False,
    report: Report = None,
) -> None:
    """Run the recorded command again with one step changed, and show what differs.

    With -- CMD behind the options, run that in its place.
    """
    from agentvcr.cli.console import show_result
    from agentvcr.cli.editing import edit as in_editor
    from agentvcr.cli.endings import announce, check_report, tell
    from agentvcr.cli.replay import replacement
    from agentvcr.session.forking import fork_command

    check_report(report)
    command = replacement()
    summary = fork_command(
        file,
        command,
        at=at,
        patches=sets or (),
        edit=in_editor if edit else None,
        target=out,
        on_miss=on_miss.value,
        live=live or (),
        force=force,
        trust=trust,
        announce=None if command else announce,
    )
    if summary is None:
        typer.echo("agentvcr: nothing was edited, and nothing was run", err=True)
        raise typer.Exit(1)
    tell(summary, report)
    show_result(summary.diff, as_json=False, out=sys.stderr)
    raise typer.Exit(summary.exit_status)
