"""The cases of a suite: which cassettes there are, and what became of the replay of each.

Owns both, and why there is no verdict where there is none. Runs nothing (`suite_runs`).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from agentvcr.cassette.reader import cassettes_in, last_of, load_run
from agentvcr.diff.failure import failure_of, recording_of
from agentvcr.diff.verdict import judge
from agentvcr.errors import (
    AgentVCRError,
    CassetteBusyError,
    CassetteMissingError,
    TargetUnwritableError,
)
from agentvcr.model.policy import Policy
from agentvcr.model.report import CaseReport, FailureReport
from agentvcr.model.results import RunDiff
from agentvcr.model.summary import ReplaySummary
from agentvcr.model.text import storable
from agentvcr.redaction.key import user_key
from agentvcr.session.command import folder_of
from agentvcr.session.in_place import in_place_of
from agentvcr.session.recording import new_redactor
from agentvcr.session.suite_runs import Ran

NO_COMMAND: Final = "it was not recorded from a command: imported, or recorded in a test or a block"
_NS_PER_S: Final = 1_000_000_000
_MOST_TAIL: Final = 64_000
"""Bytes of what a replay said that are looked at."""
_LINES: Final = 20
_OF_A_FILE_THAT_GOES: Final = "agentvcr: compare: "
_OUTCOMES: Final = (0, 1, 4)
"""Exit statuses of a replay that says what it found."""


class Found(NamedTuple):
    """A cassette that was found."""

    path: Path
    name: str
    recorded_s: float = 0.0
    folder: Path | None = None
    """Where its command is to be run; None where there is nothing to be run."""
    report: CaseReport | None = None
    """What is known of it without a replay: it is skipped, or cannot be read."""


class Place(NamedTuple):
    """Where a replay leaves what it has to say."""

    report: Path
    replay: Path
    output: Path


def find_cases(places: Sequence[Path]) -> list[Found]:
    """Find the cassettes in folders and below them, and those that are named; by name, each once.

    Raises:
        CassetteMissingError: There is no such place, or no cassette in all of them.
    """
    paths: dict[Path, Path] = {}
    for place in places:
        for path in cassettes_in(place, deep=True) if place.is_dir() else [place]:
            paths.setdefault(path.resolve(), path)
        if not place.exists():
            raise CassetteMissingError(
                f"there is no {place}",
                where=str(place.absolute()),
                cure="name a cassette, or a folder with cassettes",
            )
    if not paths:
        raise CassetteMissingError(
            f"there is no cassette in {', '.join(map(str, places))}",
            where=str(places[0].absolute()),
            cure="record one: agentvcr record -- CMD",
        )
    return sorted(map(_found, paths.values()), key=lambda one: one.name)


def _found(path: Path) -> Found:
    name = storable(path.as_posix())
    try:
        run = load_run(path)
        if not run.info.argv:
            skipped = CaseReport(
                name=name, path=name, verdict="skipped", passed=True, why=NO_COMMAND
            )
            return Found(path, name, report=skipped)
        recorded_s = run.outcome.at_ns / _NS_PER_S if run.outcome else 0.0
        return Found(path, name, recorded_s, folder_of(run))
    except (AgentVCRError, OSError) as error:
        found = Found(path, name)
        lines = [getattr(error, part, "") for part in ("where", "cure")]
        return found._replace(report=error_of(found, str(error), "\n".join(filter(None, lines))))


def case_of(found: Found, ran: Ran, place: Place, policy: Policy) -> CaseReport:
    """Say what became of a replay, and keep its recording where it differs.

    Args:
        found: The cassette.
        ran: How its replay ended.
        place: Where the replay left what it says.
        policy: Which verdicts let the whole pass.
    """
    said = _tail(place.output)
    if ran.timed_out:
        report = error_of(found, f"it took longer than {ran.duration_s:.0f} s and was ended", said)
    elif ran.status not in _OUTCOMES or not place.report.exists():
        report = error_of(found, _why(said, ran.status), said)
    else:
        summary = msgspec.json.decode(place.report.read_bytes(), type=ReplaySummary)
        if summary.broken is None:
            report = _judged(found, summary.diff, place, policy)
        else:
            report = error_of(found, f"the replay was not kept whole: {summary.broken}", said)
    times = {"duration_s": ran.duration_s, "recorded_s": found.recorded_s}
    return msgspec.structs.replace(report, **times)


def _judged(found: Found, result: RunDiff, place: Place, policy: Policy) -> CaseReport:
    kept = last_of(found.path)
    named = msgspec.structs.replace(result.b, path=storable(str(kept)))
    result = msgspec.structs.replace(result, b=named)
    verdict = judge(result, policy.treat)
    failure = failure_of(result, verdict)
    if failure is None:
        with contextlib.suppress(OSError):  # a replay of before, in a folder that is read-only now
            kept.unlink()
    else:
        was_kept = _keep(place.replay, kept)
        failure = msgspec.structs.replace(
            failure,
            compare=failure.compare if was_kept else (),
            **_again(found, result),
        )
    return CaseReport(
        name=found.name,
        path=found.name,
        verdict=verdict.verdict,
        passed=policy.passes(verdict.verdict),
        reasons=verdict.reasons,
        failure=failure,
        kept=storable(kept.as_posix()) if failure is not None and failure.compare else None,
    )


def _keep(replay: Path, kept: Path) -> bool:
    """Put a replay beside its cassette, if anything may be written there now."""
    try:
        with in_place_of(kept) as beside:
            beside.write_bytes(replay.read_bytes())
    except (TargetUnwritableError, CassetteBusyError):
        return False
    return True


def _again(found: Found, result: RunDiff) -> dict[str, object]:
    """Say how to record a cassette anew, and in which folder."""
    folder = found.folder or Path.cwd()
    if folder.resolve() == Path.cwd().resolve():
        return {"again": recording_of(result.a)}
    path = storable(os.path.relpath(found.path, folder))
    recorded = msgspec.structs.replace(result.a, path=path)
    return {"again": recording_of(recorded), "folder": storable(os.path.relpath(folder))}


def error_of(found: Found, what: str, text: str) -> CaseReport:
    """Say that there is no verdict on a cassette, since something went wrong."""
    what = storable(what)
    return CaseReport(
        name=found.name,
        path=found.name,
        verdict="error",
        passed=False,
        why=what,
        failure=FailureReport(title=what, kind="error", file=found.name, text=storable(text)),
    )


def not_run(found: Found, why: str) -> CaseReport:
    """Say that nobody has looked at a cassette."""
    return CaseReport(name=found.name, path=found.name, verdict="not_run", passed=True, why=why)


def _tail(output: Path) -> str:
    """Give the last lines of what a replay and its program said, without credentials."""
    with output.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _MOST_TAIL))
        if size > _MOST_TAIL:
            file.readline()  # half of a line may be half of a credential
        said = new_redactor(user_key()).output(file.read())
    lines = [
        line
        for line in said.decode("utf-8", "backslashreplace").splitlines()
        if not line.startswith(_OF_A_FILE_THAT_GOES)
    ]
    return "\n".join(lines[-_LINES:])


def _why(said: str, status: int | None) -> str:
    """Give our own message out of what was said: its last one with a slug."""
    ours = [line for line in said.splitlines() if line.startswith("agentvcr: ")]
    named = [line for line in ours if line.endswith("]")]
    if named:
        return named[-1].removeprefix("agentvcr: ")
    return f"the replay ended with status {status}"
