"""Options that several commands have, said once: their names and their words.

Owns these. What a command makes of them is its own.
"""

import os
from pathlib import Path
from typing import Annotated

import typer

from agentvcr.errors import TargetUnwritableError


def new_file(text: str) -> Path:
    """Read the name of a file that is to be written; one that ends as a folder's is none.

    Raises:
        TargetUnwritableError: It ends so.
    """
    if text.endswith(("/", os.sep)):
        raise TargetUnwritableError(
            f"cannot write {text}: that is the name of a folder",
            where=f"-o {text}",
            cure="name the file in it",
        )
    return Path(text)


Command = Annotated[
    list[str] | None,
    typer.Argument(metavar="[--] CMD …", help="The command to run, with its arguments."),
]
Live = Annotated[
    list[str] | None,
    typer.Option(metavar="HOST:PORT", help="Leave this service live. Repeatable."),
]
OverNew = Annotated[bool, typer.Option("--force", help="Write over an existing NEW.")]
Report = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the summary to FILE, .json or .md."),
]
Trust = Annotated[
    bool, typer.Option("--trust", help="Run the command of a cassette from elsewhere.")
]
