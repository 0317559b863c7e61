"""Find out on what a program's requests depend: record it once, replay it with one thing another.

Owns the course of that. What is another is `variations`, what that says is the detectors' to judge.
Nothing is asked of a provider more than once, and nothing is left on disk unless that is wanted.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from agentvcr.cassette.reader import load_run
from agentvcr.detectors.asked import asked_of
from agentvcr.detectors.dependence import Judge
from agentvcr.diff.rundiff import diff
from agentvcr.errors import NoCommandError
from agentvcr.model.diagnosis import Control, Diagnosis, Trial
from agentvcr.model.results import RunDiff
from agentvcr.model.run import Run
from agentvcr.replaying.ledger import Ledger
from agentvcr.session.interruption import check, interruptible
from agentvcr.session.recording import record_command
from agentvcr.session.replaying import Replay, kept_as
from agentvcr.session.variations import Variation, variations

Progress = Callable[[Control], None]
"""Is told what is about to be another."""

_LONGEST_SOURCE = 2_000_000
_PATIENCE_S = 30.0
"""Seconds that a replay has at least, and three times as long as the recording beyond them."""


def diagnose(
    argv: Sequence[str],
    *,
    target: Path | None = None,
    force: bool = False,
    live: Sequence[str] = (),
    progress: Progress | None = None,
) -> Diagnosis:
    """Record a command, and replay it with one thing another at a time.

    Args:
        argv: The command and its arguments.
        target: Where to keep the recording; it is thrown away by default.
        force: Write over an existing one.
        live: `HOST:PORT` of services that are neither recorded nor replayed.
        progress: Is told what comes next.

    Raises:
        AgentVCRError: The command could not be run.
        Interrupted: A signal came before the end. What was found until then is not told: the
            replay that it ended, and those that it left out, could have said otherwise.
    """
    if not argv:
        raise NoCommandError(
            "there is no command to run",
            where="the end of the command line",
            cure="agentvcr doctor -- python my_agents.py",
        )
    with interruptible(), tempfile.TemporaryDirectory(prefix="agentvcr-doctor-") as folder:
        cassette = target or Path(folder) / "recorded.avcr"
        with _output_to(2):
            _, ended = record_command(argv, cassette, force=force, live=live, is_witnessed=True)
        check(ended)
        recorded = load_run(cassette)
        judge = Judge(recorded, _sources(recorded))
        trials = []
        for ways in variations(recorded) if recorded.exchanges else ():
            if progress is not None:
                progress(ways[0].control)
            trials.append(_try(ways, judge, recorded, argv, Path(folder) / "again.avcr", live))
        return Diagnosis(
            command=tuple(argv),
            exit_status=ended.exit_status,
            signal=ended.signal,
            exchanges=len(recorded.exchanges),
            trials=tuple(trials),
            findings=judge.findings(),
            kept_as=str(target) if target is not None else None,
        )


def _try(  # noqa: PLR0913  (the parts of a trial)
    ways: Sequence[Variation],
    judge: Judge,
    recorded: Run,
    argv: Sequence[str],
    place: Path,
    live: Sequence[str],
) -> Trial:
    """Replay until something differs."""
    stopped = ended = None
    differs = False
    for variation in ways:
        outcome = _replayed(variation, recorded, argv, place, live)
        stopped = stopped or outcome.halted
        if outcome.ending is not None and outcome.halted is None:
            ended = ended or outcome.ending.after
        differs = judge.look(variation.control, outcome)
        if differs:
            break
    return Trial(control=ways[0].control, differs=differs, stopped=stopped, ended=ended)


def _replayed(
    variation: Variation, recorded: Run, argv: Sequence[str], place: Path, live: Sequence[str]
) -> RunDiff:
    replay = Replay(
        variation.run, on_miss="nearest", pace=variation.pace, live=live, order=variation.order
    )
    replay.clock = "virtual"  # also where answers come late
    with kept_as(place, is_new=False) as journal:
        recorder = replay.recorder(journal, argv)
        with _output_to(None), _stopped_after(_patience_s(recorded), replay.ledger):
            ended = replay.run(recorder, list(argv), str(Path.cwd()))
        recorder.close(ended.exit_status, ended.signal)
    check(ended)
    outcome = diff(recorded, load_run(place))
    fatal = replay.ledger.fatal
    if outcome.halted is None and fatal is not None:
        return replace(outcome, halted=fatal.message)
    return outcome


def _patience_s(recorded: Run) -> float:
    took_s = recorded.outcome.at_ns / 1e9 if recorded.outcome is not None else 0.0
    return _PATIENCE_S + 3 * took_s


@contextlib.contextmanager
def _stopped_after(patience_s: float, ledger: Ledger) -> Iterator[None]:
    """Stop a program that waits for what cannot come, now that something is another."""
    text = f"stopped by the doctor: no end after {patience_s:.0f} s"
    timer = threading.Timer(patience_s, lambda: ledger.diverged("stuck", text))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def _output_to(descriptor: int | None) -> Iterator[None]:
    """Have what the program prints go to another descriptor than standard output; None: nowhere."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {one: os.dup(one) for one in ((1,) if descriptor is not None else (1, 2))}
    other = os.open(os.devnull, os.O_WRONLY) if descriptor is None else os.dup(descriptor)
    try:
        for one in kept:
            os.dup2(other, one)
        yield
    finally:
        for one, before in kept.items():
            os.dup2(before, one)
            os.close(before)
        os.close(other)


def _sources(recorded: Run) -> dict[str, str]:
    """Read the sources that the program's lines lie in."""
    paths = {
        path
        for asked in asked_of(recorded).values()
        for path, _, _ in (
            *asked.lines,
            *(spot for _, spot, _ in asked.found),
            *(spot for _, spot in asked.near),
            *(spot for _, _, spot in asked.variables),
        )
    }
    texts = {}
    for path in paths:
        with contextlib.suppress(OSError, ValueError):
            if os.path.getsize(path) <= _LONGEST_SOURCE:  # noqa: PTH202  (a path as told)
                texts[path] = Path(path).read_text(encoding="utf-8", errors="replace")
    return texts
