"""`agentvcr show`: a run as a tree of steps, or one step in full."""

from pathlib import Path
from typing import Annotated

import typer


def show(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="The cassette; the newest in cassettes/ when left out.", metavar="FILE"
        ),
    ] = None,
    step: Annotated[
        str | None,
        typer.Argument(help="A step's path or number: show that step in full.", metavar="STEP"),
    ] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    text: Annotated[
        bool,
        typer.Option("--text", help="All that was said, without times: for git diff and grep."),
    ] = False,
) -> None:
    """Show a run as a tree of steps, or one step in full."""
    from agentvcr.cassette.reader import load_run, newest_cassette
    from agentvcr.cli.console import show_result, show_text
    from agentvcr.errors import BadOptionError
    from agentvcr.steps import detail_of, outline

    run = load_run(file or newest_cassette(Path("cassettes")))
    if text:
        if json or step is not None:
            raise BadOptionError(
                "--text shows a whole run as text",
                where="the command line",
                cure="leave out STEP and --json",
            )
        show_text(run)
    elif step is None:
        show_result(outline(run), as_json=json)
    else:
        show_result(detail_of(run, step), as_json=json)
