"""`agentvcr test`: replay every cassette by its own command, and judge what each did."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from agentvcr.cli.options import Live, Trust
from agentvcr.cli.replay import OnMiss


class Benign(StrEnum):
    """What other words lead to."""

    FAIL = "fail"
    PASS = "pass"  # noqa: S105  (no password)


class Regression(StrEnum):
    """What other behaviour leads to."""

    FAIL = "fail"
    WARN = "warn"


def suite(
    places: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="DIR", help="Folders of cassettes, and cassettes; cassettes/ if left out."
        ),
    ] = None,
    *,
    benign: Annotated[
        Benign | None,
        typer.Option(help="Where only words differ.", show_default="as configured, else fail"),
    ] = None,
    regression: Annotated[
        Regression | None,
        typer.Option(help="Where behaviour differs.", show_default="as configured, else fail"),
    ] = None,
    treat: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=WEIGHT", help="Let a kind of difference weigh otherwise. Repeatable."
        ),
    ] = None,
    on_miss: Annotated[
        OnMiss,
        typer.Option(
            help="A request that was not recorded: stop, answer with the nearest, or ask live."
        ),
    ] = OnMiss.NEAREST,
    jobs: Annotated[
        int | None,
        typer.Option("-j", "--jobs", min=1, help="Replays at a time.", show_default="processors"),
    ] = None,
    timeout_s: Annotated[
        float, typer.Option(min=0.1, help="Seconds that a replay may take.")
    ] = 600,
    shard: Annotated[
        str | None, typer.Option(metavar="K/N", help="Replay part K of N, of equal length.")
    ] = None,
    exitfirst: Annotated[
        bool, typer.Option("-x", "--exitfirst", help="Stop at the first failure.")
    ] = False,
    maxfail: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Stop after N failures.")
    ] = None,
    live: Live = None,
    trust: Trust = False,
    report: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="Write a report: .json, .xml (JUnit) or .md. Repeatable."
        ),
    ] = None,
    merge: Annotated[
        bool, typer.Option("--merge", help="Replay nothing: FILEs are the .json of all shards.")
    ] = False,
    no_github: Annotated[
        bool, typer.Option("--no-github", help="No annotations and no job page on GitHub.")
    ] = False,
) -> None:
    """Replay every cassette by its own command, and judge it: identical, benign, regression.

    Exits with 1 where one fails, with 3 where none could be replayed.
    """
    from agentvcr.cli.console import progress_bar
    from agentvcr.cli.reports import check_reports, show_report
    from agentvcr.session.policy import policy_of
    from agentvcr.session.sharding import read_shard
    from agentvcr.session.suite import run_suite
    from agentvcr.session.suite_merge import merge_reports

    check_reports(report or ())
    if merge:
        found = merge_reports(places or ())
    else:
        policy = policy_of(benign=benign, regression=regression, treat=treat or ())
        with progress_bar("replaying") as progress:
            found = run_suite(
                places or [Path("cassettes")],
                policy=policy,
                on_miss=on_miss.value,
                live=live or (),
                trust=trust,
                jobs=jobs,
                timeout_s=timeout_s,
                shard=read_shard(shard) if shard else None,
                most_failures=1 if exitfirst else maxfail,
                progress=progress,
            )
    show_report(found, report or (), on_github=not no_github, annotated=not merge)
    raise typer.Exit(found.exit_status)
