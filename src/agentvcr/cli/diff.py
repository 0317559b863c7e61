"""`agentvcr diff`: what a run did otherwise than another."""

from pathlib import Path
from typing import Annotated

import typer


def diff(
    a: Annotated[
        Path | None,
        typer.Argument(help="The recording; the newest in cassettes/ when left out.", metavar="A"),
    ] = None,
    b: Annotated[
        Path | None,
        typer.Argument(help="The other run; A's last replay when left out.", metavar="B"),
    ] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Compare two runs step by step, the first divergence first. Exits with 1 when they differ."""
    from agentvcr.cassette.reader import last_of, newest_cassette
    from agentvcr.cli.console import show_result
    from agentvcr.diff.rundiff import diff as compared
    from agentvcr.session.keying import load_two

    recording = a or newest_cassette(Path("cassettes"))
    result = compared(*load_two(recording, b or last_of(recording)))
    show_result(result, as_json=json)
    raise typer.Exit(0 if result.same else 1)
