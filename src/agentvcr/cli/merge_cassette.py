"""`agentvcr merge-cassette`: git's driver for a merge of two versions of a cassette.

Hidden: git calls it, as `agentvcr init` tells it to.
"""

from pathlib import Path
from typing import Annotated

import typer


def merge_cassette(
    base: Annotated[Path, typer.Argument(metavar="%O", help="The version before both.")],
    ours: Annotated[Path, typer.Argument(metavar="%A", help="Ours, which takes the result.")],
    theirs: Annotated[Path, typer.Argument(metavar="%B", help="The other version.")],
    path: Annotated[str, typer.Argument(metavar="%P", help="The cassette's path.")],
) -> None:
    """Choose one of two versions of a cassette. Exits with 1 where that is left to the user."""
    import sys

    from agentvcr.reporters import merged
    from agentvcr.session.merging import merge_cassettes

    result = merge_cassettes(base, ours, theirs, path)
    merged.render(result, sys.stderr)
    raise typer.Exit(1 if result.is_conflict else 0)
