"""`agentvcr export`: write a cassette as what other tools read."""

import contextlib
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from agentvcr.cli.options import new_file


class To(StrEnum):
    """What a run is exported as."""

    YAML = "yaml"
    JSONL = "jsonl"


def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The cassette.", show_default=False)],
    *,
    to: Annotated[
        To,
        typer.Option(
            help="yaml: a cassette of vcrpy. jsonl: each step as a line of JSON.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            parser=new_file,
            metavar="OUT",
            help="The file to write.",
            show_default="standard output",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing OUT.")] = False,
) -> None:
    """Export a cassette. What the other format cannot say is told on standard error."""
    from agentvcr.reporters import exported
    from agentvcr.session.conversion import export_run, export_to_file

    if out is None:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # as a file would be written
        result = export_run(file, to.value, sys.stdout)
        sys.stdout.flush()
    else:
        result = export_to_file(file, to.value, out, force=force)
    with contextlib.suppress(OSError, AttributeError):  # stderr is closed, or nobody reads it
        exported.render(result, sys.stderr)
