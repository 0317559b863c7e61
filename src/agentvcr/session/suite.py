"""Replay many cassettes, each by its own command, and judge what each did.

Owns the course of that and its exit status. How replays are run is `suite_runs`, what one comes to
`suite_cases`, how parts of a suite become one report `suite_merge`.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from agentvcr.channel.signals import SIGNALLED
from agentvcr.model.policy import Policy
from agentvcr.model.report import CaseReport, SuiteReport
from agentvcr.replaying.replayer import OnMiss
from agentvcr.session.sharding import Shard, part_of
from agentvcr.session.suite_cases import (
    Found,
    Place,
    case_of,
    error_of,
    find_cases,
    not_run,
)
from agentvcr.session.suite_runs import Ran, Runs, Task

TIMEOUT_S: Final = 600.0
"""How long a replay may take. Its waits take no time, so one that takes this long hangs."""
NOTHING_RUN: Final = 3
"""Exit status where no cassette could be replayed at all."""


def run_suite(  # noqa: PLR0913  (the options of the command line)
    places: Sequence[Path],
    *,
    policy: Policy | None = None,
    on_miss: OnMiss = "nearest",
    live: Sequence[str] = (),
    trust: bool = False,
    jobs: int | None = None,
    timeout_s: float = TIMEOUT_S,
    shard: Shard | None = None,
    most_failures: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SuiteReport:
    """Replay the cassettes in some places, each in a process of its own, and judge them.

    Args:
        places: Cassettes, and folders with cassettes.
        policy: What each verdict leads to.
        on_miss: What a replay does about a request that was not recorded.
        live: `HOST:PORT` of services that stay live.
        trust: Run also the commands of cassettes from elsewhere.
        jobs: How many replays at a time; as many as there are processors by default.
        timeout_s: How long each may take.
        shard: Replay this part of them only.
        most_failures: Stop after so many.
        progress: Is told how many are done, of how many.

    Raises:
        CassetteMissingError: There is no cassette there.
    """
    began_s = time.monotonic()
    everything = find_cases(places)
    mine = everything
    if shard is not None:
        durations_s = [one.recorded_s for one in everything]
        names = [one.name for one in everything]
        mine = part_of(everything, shard, names=names, durations_s=durations_s)
    suite = _Suite(mine, policy or Policy(), most_failures, progress)
    words = [f"--on-miss={on_miss}", *(f"--live={one}" for one in live), *["--trust"] * trust]
    stopped_by = suite.replay(words, jobs=jobs or os.cpu_count() or 1, timeout_s=timeout_s)
    cases = suite.cases("a signal stopped it" if stopped_by else "enough had failed by then")
    status = int(not all(case.passed for case in cases))
    if all(one.report is not None for one in everything):
        status = NOTHING_RUN
    return SuiteReport(
        cases=cases,
        duration_s=time.monotonic() - began_s,
        exit_status=SIGNALLED + stopped_by if stopped_by else status,
        shards=(str(shard),) if shard is not None else (),
        interrupted=stopped_by is not None,
    )


class _Suite:
    """The cassettes of a suite, and what became of each so far."""

    def __init__(
        self,
        found: Sequence[Found],
        policy: Policy,
        most_failures: int | None,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._found = found
        self._to_run = [one for one in found if one.report is None]
        self._policy = policy
        self._most_failures = most_failures
        self._progress = progress
        self._reports = {one.name: one.report for one in found if one.report is not None}

    def replay(self, words: Sequence[str], *, jobs: int, timeout_s: float) -> int | None:
        """Run what is to be run; gives the signal that stopped it."""
        if self._is_enough() or not self._to_run:
            return None
        with tempfile.TemporaryDirectory(prefix="agentvcr-test-") as folder:
            places = [_place(Path(folder), number) for number in range(len(self._to_run))]
            tasks = [
                Task(_replaying(one.path, place, words), place.output)
                for one, place in zip(self._to_run, places, strict=True)
            ]

            def ended(ran: Ran) -> bool:
                if ran.status is not None or ran.timed_out:
                    found = self._to_run[ran.task]
                    report = case_of(found, ran, places[ran.task], self._policy)
                    self._reports[found.name] = report
                    places[ran.task].replay.unlink(missing_ok=True)
                if self._progress is not None:
                    self._progress(len(self._reports), len(self._found))
                return not self._is_enough()

            try:
                return Runs(tasks, jobs=jobs, timeout_s=timeout_s).run(ended)
            except OSError as error:
                self._fail_the_rest(f"it could not be started: {error.strerror or error}")
                return None

    def _fail_the_rest(self, why: str) -> None:
        for one in self._found:
            self._reports.setdefault(one.name, error_of(one, why, ""))

    def _is_enough(self) -> bool:
        failed = sum(not report.passed for report in self._reports.values())
        return self._most_failures is not None and failed >= self._most_failures

    def cases(self, why: str) -> tuple[CaseReport, ...]:
        """Give all of them by name; those that were not run because of `why` too."""
        return tuple(self._reports.get(one.name) or not_run(one, why) for one in self._found)


def _place(folder: Path, number: int) -> Place:
    return Place(
        report=folder / f"{number}.json",
        replay=folder / f"{number}.avcr",
        output=folder / f"{number}.txt",
    )


def _replaying(path: Path, place: Place, words: Sequence[str]) -> list[str]:
    """Give the command that replays a cassette: this very AgentVCR's."""
    kept = ["-o", str(place.replay), "--report", str(place.report)]
    file = str(path) if path.is_absolute() else os.path.join(".", path)  # noqa: PTH118  (keeps ./)
    # -P: nothing in the working directory is taken for a module of ours.
    return [sys.executable, "-P", "-m", "agentvcr", "replay", *words, *kept, file]
