"""`agentvcr verify`: is a cassette whole, and save what can be saved."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agentvcr.cli.options import new_file

if TYPE_CHECKING:
    from agentvcr.model.verification import Verification

_TORN = 1
_DAMAGED = 3


def verify(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="The cassettes; the newest in cassettes/ when left out.", metavar="FILE"
        ),
    ] = None,
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Write what can be saved as a sealed file.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            parser=new_file,
            metavar="OUT",
            help="Where the repaired file goes.",
            show_default="FILE itself; as it was it stays as FILE.orig",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Check every checksum and every reference of a cassette, and say what it is.

    Exits with 0 when it is whole, 1 when a journal is torn at its end, 3 when it is damaged, and of
    several with what is worst; with --repair with 0 when all exchanges were saved, else 1.
    """
    import sys

    from agentvcr.cassette.reader import newest_cassette
    from agentvcr.cli.console import progress_bar
    from agentvcr.errors import BadOptionError
    from agentvcr.reporters import json_reporter, verification
    from agentvcr.session.verification import repair_cassette, verify_cassette

    if not repair and (out is not None or force):
        raise BadOptionError(
            "-o and --force say where a repaired file goes",
            where="the command line",
            cure="add --repair",
        )
    paths = files or [newest_cassette(Path("cassettes"))]
    if len(paths) > 1:
        raise typer.Exit(_verify_several(paths, repair=repair, json=json))
    with progress_bar("verifying") as progress:
        if repair:
            found = repair_cassette(paths[0], out, force=force, progress=progress)
        else:
            found = verify_cassette(paths[0], progress=progress)
    reporter = json_reporter if json else verification
    reporter.render(found, sys.stdout)
    if found.repair is not None:
        raise typer.Exit(1 if found.repair.lost or found.repair.lost_bytes else 0)
    raise typer.Exit(_status(found))


def _verify_several(paths: list[Path], *, repair: bool, json: bool) -> int:
    """Verify one after the other, also behind one that is none; gives the worst status."""
    import sys

    from agentvcr.cli.console import progress_bar
    from agentvcr.errors import BadOptionError
    from agentvcr.reporters import json_reporter, verification
    from agentvcr.session.verification import verify_several

    if repair:
        raise BadOptionError(
            "a repair is of one cassette",
            where="the command line",
            cure="name one FILE",
        )
    with progress_bar("verifying") as progress:
        found = verify_several(paths, progress=progress)
    reporter = json_reporter if json else verification
    reporter.render(found, sys.stdout)
    refused = [_DAMAGED] if found.refused else []
    return max([*map(_status, found.files), *refused])


def _status(found: "Verification") -> int:
    if found.is_whole:
        return 0
    return _TORN if found.state == "torn journal" else _DAMAGED
