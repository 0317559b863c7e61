"""`agentvcr init`: give a project what it needs to keep cassettes in git."""

from pathlib import Path
from typing import Annotated

import typer


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The project.")] = Path(),
    *,
    github: Annotated[
        bool | None,
        typer.Option(
            "--github/--no-github",
            help="Write a workflow for GitHub Actions, or none.",
            show_default="written the first time, if .github or a remote at GitHub is there",
        ),
    ] = None,
    hook: Annotated[
        bool,
        typer.Option(
            "--hook",
            help="Verify cassettes before each commit: by .pre-commit-config.yaml where it is "
            "there, which the first time needs no --hook; else by a hook of git.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="As --dry-run, and exit with 1 when a file lacks something. What only this "
            "clone lacks is told.",
        ),
    ] = False,
) -> None:
    """Set a project and this clone up for cassettes in git.

    The files are for everybody; git's diff and merge are for this clone, so each clone needs it
    once. What is there is kept, and run again it changes nothing.
    """
    import sys

    from agentvcr.reporters import project
    from agentvcr.session.project.setting_up import set_up

    result = set_up(folder, github=github, hook=hook, only_tell=dry_run or check)
    project.render(result, sys.stdout)
    raise typer.Exit(1 if check and result.lacks_files else 0)
