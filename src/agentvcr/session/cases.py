"""The session around a test: which kind a mode makes of it, and what was saved by replaying.

Owns the waiting for another process that records the same cassette, and the cassette of nothing,
from which a test without a cassette is answered. Does not know pytest (`pytest_plugin`).
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from msgspec.structs import replace

from agentvcr.cassette.holding import held
from agentvcr.cassette.journal import Journal
from agentvcr.cassette.reader import last_of
from agentvcr.diff.failure import failure_of
from agentvcr.diff.rundiff import diff
from agentvcr.diff.verdict import judge
from agentvcr.errors import (
    CassetteBusyError,
    CassetteEmptyError,
    SessionOpenError,
    TargetExistsError,
)
from agentvcr.model.report import FailureReport
from agentvcr.recording.modes import RecordMode, plan
from agentvcr.replaying.replayer import OnMiss
from agentvcr.session.blocks import record
from agentvcr.session.here import Recording, Replaying
from agentvcr.session.in_place import in_place_of
from agentvcr.session.keying import fingerprinter_of, keyed
from agentvcr.session.recording import why_broken
from agentvcr.session.replaying import Clock, Order, kept_as
from agentvcr.steps import steps_of
from agentvcr.steps.outline import row

_LOOK_S: Final = 0.05
_PATIENCE_S: Final = 600.0
"""How long another process may take to record the cassette of several tests."""
_EMPTY_S: Final = 2.0
"""How long it may take to hold the file that it has made."""
_MS: Final = 1_000
_NOTHING: Final = "no-cassette.avcr"
_SCRATCH: Final = "replayed.avcr"


class Saved(NamedTuple):
    """What replays had not to ask for again."""

    calls: int
    tokens: int
    seconds: float

    def and_(self, other: Saved) -> Saved:
        """Add what others saved."""
        return Saved(
            self.calls + other.calls, self.tokens + other.tokens, self.seconds + other.seconds
        )


class ReplayedCase(Replaying):
    """A replayed test, which is told what to do in the words of its options."""

    _advice = "--agentvcr-on-miss=nearest"
    _scratch: Path

    def _written(self) -> Path:
        self._check_over()
        if not self._is_wanted():
            raise SessionOpenError(
                "what a replayed test did is known until it ends",
                where=str(self.path),
                cure="ask for it in the test itself, or in a fixture that it uses",
            )
        return self._scratch if self._ledger.fatal is None else last_of(self.path)

    def _is_wanted(self) -> bool:
        recorder = self._recorder
        is_whole = recorder is None or why_broken(recorder) is None
        return self._ledger.fatal is not None or not is_whole

    @contextmanager
    def _kept(self) -> Iterator[Journal]:
        """Write into one file for all tests; making and deleting one for each takes longer."""
        with kept_as(self._scratch, is_new=True, force=True) as journal:
            yield journal
        place = last_of(self.path)
        if self._ledger.fatal is not None:
            with in_place_of(place) as beside:
                shutil.copyfile(self._scratch, beside)
        elif place.exists():
            place.unlink()

    def saved(self) -> Saved:
        """Count what had not to be asked for again."""
        rows = [row(step) for step in steps_of(self._recorded) if step.exchange is not None]
        return Saved(
            calls=len(rows),
            tokens=sum((one.input_tokens or 0) + (one.output_tokens or 0) for one in rows),
            seconds=sum(one.latency_ms or 0.0 for one in rows) / _MS,
        )

    def left(self) -> FailureReport | None:
        """Say how the test has left its recording, if it has: nothing is answered any more then.

        The session goes on, so that what follows reaches nobody. What the test did instead is
        there when it has ended.
        """
        if self._force is None or self._ledger.fatal is None:
            return None
        return self.differing()

    def differing(self) -> FailureReport | None:
        """Say what the test did otherwise than recorded, as far as it has come."""
        if self._force is None:
            return None
        result = diff(self._recorded, keyed(self.run, fingerprinter_of(self._recorded)))
        found = failure_of(result, judge(result))
        compare = ("agentvcr", "diff", str(self.path), str(last_of(self.path)))
        return None if found is None else replace(found, compare=compare)


def begin_case(  # noqa: PLR0913  (the options of a session)
    path: Path,
    *,
    scratch: Path,
    mode: RecordMode = "none",
    on_miss: OnMiss = "fail",
    order: Order = "recorded",
    clock: Clock = "virtual",
    live: Sequence[str] = (),
) -> Recording | Replaying:
    """Begin to record or replay the code of a test, as the mode says; gives the session, entered.

    Args:
        path: The test's cassette.
        scratch: A folder of this process's own, for what is not kept.
        mode: What to do about the cassette.
        on_miss: What a replay does about a request that was not recorded.
        order: In which order concurrent callers go on in a replay.
        clock: What time the code reads in a replay.
        live: `HOST:PORT` of services that stay live.

    Raises:
        AgentVCRError: The cassette cannot be read or written.
    """
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            is_there = path.exists()
            todo = plan(mode, exists=is_there)
            if todo != "replay":
                path.parent.mkdir(parents=True, exist_ok=True)
                kind: RecordMode = "new_episodes" if todo == "extend" else "all"
                return record(path, mode=kind, force=mode == "all", live=live).__enter__()
            found = _finished(path) if is_there else _of_nothing(scratch / _NOTHING)
            case = ReplayedCase(
                found,
                on_miss=on_miss,
                pace=0.0,
                order=order,
                clock=clock,
                live=live,
                target=None,
                force=False,
            )
            case._scratch = _memory() or scratch / _SCRATCH  # noqa: SLF001  (it is made here alone)
            return case.__enter__()
        except (CassetteBusyError, TargetExistsError):
            if time.monotonic() > until:
                raise
            time.sleep(_LOOK_S)  # another process records it: then there is one to replay
        except CassetteEmptyError:  # it is about to: the file is there before it is held
            if time.monotonic() > until - _PATIENCE_S + _EMPTY_S:
                raise
            time.sleep(_LOOK_S)


@cache
def _memory() -> Path | None:
    """Give a file of this process's in memory, where the system has such; it goes with the process.

    A disk's file takes milliseconds to be emptied for the next test.
    """
    if not hasattr(os, "memfd_create"):
        return None
    path = Path(f"/proc/self/fd/{os.memfd_create('agentvcr')}")
    return path if path.exists() else None


def _finished(path: Path) -> Path:
    """Give a cassette that nobody is recording.

    Raises:
        CassetteBusyError: Somebody is.
    """
    with held(path):
        return path


def _of_nothing(place: Path) -> Path:
    """Give a cassette that holds nothing, so that each request is one that was not recorded."""
    if not place.exists():
        with record(place):
            pass
    return place


def end_case(session: Recording | Replaying) -> None:
    """End a test's session.

    A recording in which nothing was asked is not kept.

    Raises:
        DivergenceError: The test left its recording.
    """
    session.__exit__(None, None, None)
    if isinstance(session, Recording):
        last_of(session.path).unlink(missing_ok=True)  # it is of a recording that is gone
        if session.summary.exchanges == 0:
            session.path.unlink(missing_ok=True)
