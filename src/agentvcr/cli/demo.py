"""`agentvcr demo`: the whole story in a minute, offline.

Owns the option. The story is told by `agentvcr.demo.story`.
"""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    keep: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Leave the program and the cassettes in DIR, which must be new or empty.",
            show_default="a temporary folder, removed at the end",
        ),
    ] = None,
) -> None:
    """Show the whole story in a minute, offline: record, replay, change, diff."""
    from agentvcr.demo.story import tell

    raise typer.Exit(tell(keep))
