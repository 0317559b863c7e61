"""`agentvcr ls`: the cassettes of a folder."""

from pathlib import Path
from typing import Annotated

import typer


def ls(
    folder: Annotated[Path, typer.Argument(help="The folder.", metavar="DIR")] = Path("cassettes"),
    *,
    json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """List the cassettes of a folder; one that cannot be read is listed with its error."""
    from agentvcr.cassette.reader import load_run
    from agentvcr.cli.console import show_result
    from agentvcr.errors import AgentVCRError, CassetteMissingError
    from agentvcr.model.results import CassetteRow, Listing
    from agentvcr.model.text import storable
    from agentvcr.steps import cassette_row

    if not folder.is_dir():
        raise CassetteMissingError(
            f"there is no folder {folder}",
            where=str(folder.absolute()),
            cure="name one, or record a run: agentvcr record -- CMD",
        )
    rows: list[CassetteRow] = []
    for path in sorted(folder.glob("*.avcr")):
        size = path.stat().st_size
        try:
            rows.append(cassette_row(storable(path.name), size, load_run(path)))
        except (AgentVCRError, OSError) as error:
            slug = error.slug if isinstance(error, AgentVCRError) else "unreadable"
            rows.append(
                CassetteRow(
                    name=storable(path.name),
                    size=size,
                    run=None,
                    error=storable(error),
                    slug=slug,
                )
            )
    show_result(Listing(folder=str(folder), cassettes=tuple(rows)), as_json=json)
