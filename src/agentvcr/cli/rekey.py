"""`agentvcr rekey`: give a cassette the matching rules of the project, without recording again."""

from pathlib import Path
from typing import Annotated

import typer

from agentvcr.cli.options import OverNew, new_file


def rekey(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The cassette.", show_default=False)],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            parser=new_file,
            metavar="NEW",
            help="The file to write.",
            show_default="FILE itself",
        ),
    ] = None,
    force: OverNew = False,
    json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Give a cassette the matching rules that agentvcr.toml or pyproject.toml declares now.

    A replay goes by the rules that its cassette holds. Nothing else of the cassette changes.
    """
    import sys

    from agentvcr.cli.console import progress_bar
    from agentvcr.errors import BadOptionError
    from agentvcr.reporters import json_reporter, rekeyed
    from agentvcr.session.rekeying import rekey_cassette

    if force and out is None:
        raise BadOptionError(
            "--force is for an existing NEW, and there is none",
            where="the command line",
            cure="leave it out: FILE is replaced once the new one is whole",
        )
    with progress_bar("rekeying") as progress:
        result = rekey_cassette(file, out, force=force, progress=progress)
    reporter = json_reporter if json else rekeyed
    reporter.render(result, sys.stdout)
