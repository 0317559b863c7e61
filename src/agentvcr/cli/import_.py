"""`agentvcr import`: bring cassettes of vcrpy along."""

import os
from pathlib import Path
from typing import Annotated

import typer


def import_(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE|DIR…",
            help="Cassettes of vcrpy in YAML or JSON, also gzipped. A DIR is searched for "
            ".yaml, .yml, .yaml.gz and .yml.gz, with the folders below it.",
            show_default=False,
        ),
    ],
    *,
    out: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--out",
            metavar="OUT",
            help="The cassette to write. For a DIR, or more than one FILE: the folder to write "
            "them in.",
            show_default="beside each file, with the ending .avcr",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over existing cassettes.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Import cassettes of vcrpy, credentials taken out.

    Exits with 1 when some files of several were refused, with 3 when the only one was.
    """
    from agentvcr.cli.console import progress_bar, show_result
    from agentvcr.session.conversion import import_cassettes

    into = out is not None and out.endswith(("/", os.sep))  # a Path forgets it
    target = Path(out) if out else None
    with progress_bar("importing") as progress:
        result = import_cassettes(sources, target, into=into, force=force, progress=progress)
    show_result(result, as_json=json)
    raise typer.Exit(1 if result.totals.refused else 0)
