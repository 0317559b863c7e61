"""`agentvcr replay`: run a cassette's command again, offline, and say what differs."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from agentvcr.cli.options import Live, OverNew, Report, Trust, new_file

_command: list[str] = []
"""What stands behind `--`: another command to run."""


def replace_command(words: list[str]) -> None:
    """Run `words` in place of the recorded command."""
    _command[:] = words


def replacement() -> list[str]:
    """Give what is to run in place of the recorded command; nothing where nothing is."""
    return list(_command)


class OnMiss(StrEnum):
    """What to do about a request that was not recorded."""

    FAIL = "fail"
    NEAREST = "nearest"
    LIVE = "live"


class Clock(StrEnum):
    """What time a replayed program reads."""

    VIRTUAL = "virtual"
    REAL = "real"


class Order(StrEnum):
    """In which order concurrent callers of a replay go on."""

    RECORDED = "recorded"
    FREE = "free"


def replay(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE] [-- CMD …]",
            help="The cassette; the newest in cassettes/ if left out. CMD replaces its command.",
        ),
    ] = None,
    *,
    on_miss: Annotated[
        OnMiss,
        typer.Option(
            help="A request that was not recorded: stop, answer with the nearest, or ask live."
        ),
    ] = OnMiss.FAIL,
    pace: Annotated[
        int, typer.Option(min=0, max=1, help="0: answer at once. 1: at the recorded pace.")
    ] = 0,
    order: Annotated[
        Order, typer.Option(help="What happened first happens first again, or all goes on at once.")
    ] = Order.RECORDED,
    clock: Annotated[
        Clock, typer.Option(help="Read the clock as it was recorded, or this machine's.")
    ] = Clock.VIRTUAL,
    times: Annotated[
        int,
        typer.Option(min=1, help="Replay this often, stop when one differs, and count the traces."),
    ] = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--out",
            parser=new_file,
            metavar="NEW",
            help="Keep this replay as a cassette.",
            show_default="FILE with the ending .last.avcr",
        ),
    ] = None,
    force: OverNew = False,
    live: Live = None,
    trust: Trust = False,
    report: Report = None,
) -> None:
    """Run the recorded command again with the network off, and compare.

    With -- CMD behind the options, run that in its place.
    """
    from agentvcr.cassette.reader import newest_cassette
    from agentvcr.cli.endings import announce, check_report, tell, tell_traces
    from agentvcr.session.replaying import replay_command

    check_report(report)
    source = file or newest_cassette(Path("cassettes"))
    traces: list[str | None] = []
    for turn in range(1, times + 1):
        summary = replay_command(
            source,
            _command,
            target=out,
            on_miss=on_miss.value,
            pace=pace,
            order=order.value,
            clock=clock.value,
            live=live or (),
            force=force or turn > 1,
            trust=trust,
            traced=times > 1,
            announce=None if _command or turn > 1 else announce,
        )
        tell(summary, report, turn=turn, times=times)
        traces.append(summary.trace)
        if summary.exit_status:
            break
    tell_traces(traces)
    raise typer.Exit(summary.exit_status)
