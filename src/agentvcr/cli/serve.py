"""`agentvcr serve`: answer whoever asks from a cassette, as the gateway of a replay does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from agentvcr.cli.options import OverNew, new_file
from agentvcr.cli.replay import OnMiss


def serve(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="The cassette; the newest in cassettes/ if left out."
        ),
    ] = None,
    *,
    port: Annotated[
        int,
        typer.Option(min=0, max=65535, help="Listen there; 0: as recorded, or any that is free."),
    ] = 0,
    on_miss: Annotated[
        OnMiss,
        typer.Option(
            help="A request that was not recorded: status 501, the nearest answer, or ask live."
        ),
    ] = OnMiss.FAIL,
    pace: Annotated[
        int, typer.Option(min=0, max=1, help="0: answer at once. 1: at the recorded pace.")
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            parser=new_file,
            metavar="NEW",
            help="Keep what was asked as a cassette.",
            show_default="FILE with the ending .last.avcr",
        ),
    ] = None,
    force: OverNew = False,
) -> None:
    """Answer requests from a cassette, on loopback, until Ctrl-C.

    For programs in any language: point their base URL at the address that is printed.
    """
    from agentvcr.cassette.reader import newest_cassette
    from agentvcr.cli.endings import tell
    from agentvcr.session.serving import serve_cassette

    source = file or newest_cassette(Path("cassettes"))

    def ready(base: str, addresses: Mapping[str, str]) -> None:
        typer.echo(f"agentvcr: serving {source} at {base} until Ctrl-C", err=True)
        for name, url in addresses.items():
            typer.echo(f"{name}={url}")

    summary = serve_cassette(
        source,
        port=port,
        target=out,
        on_miss=on_miss.value,
        pace=pace,
        force=force,
        ready=ready,
    )
    tell(summary, None)
    met = (summary.unanswered, summary.accepted, summary.added, summary.asked_live)
    raise typer.Exit(1 if any(met) else 0)
