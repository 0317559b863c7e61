"""The session around a test: which kind a mode makes of it, and what was saved by replaying.

Owns the waiting for another process that records the same cassette, and the cassette of nothing,
from which a test without a cassette is answered. Does not know pytest (`pytest_plugin`).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from msgspec.structs import replace

from agentvcr.cassette.holding import held
from agentvcr.cassette.reader import last_of, load_run
from agentvcr.diff.failure import failure_of
from agentvcr.diff.rundiff import diff
from agentvcr.diff.verdict import judge
from agentvcr.errors import CassetteBusyError, CassetteEmptyError, TargetExistsError
from agentvcr.model.report import FailureReport
from agentvcr.recording.modes import RecordMode, plan
from agentvcr.replaying.replayer import OnMiss
from agentvcr.session.blocks import record
from agentvcr.session.here import Recording, Replaying
from agentvcr.session.keying import fingerprinter_of, keyed
from agentvcr.session.replaying import Clock, Order
from agentvcr.steps import steps_of
from agentvcr.steps.outline import row

_LOOK_S: Final = 0.05
_PATIENCE_S: Final = 600.0
"""How long another process may take to record the cassette of several tests."""
_EMPTY_S: Final = 2.0
"""How long it may take to hold the file that it has made."""
_MS: Final = 1_000


class Saved(NamedTuple):
    """What replays had not to ask for again."""

    calls: int
    tokens: int
    seconds: float


class ReplayedCase(Replaying):
    """A replayed test, which is told what to do in the words of its options."""

    _advice = "--agentvcr-on-miss=nearest"

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
    nothing: Path,
    mode: RecordMode = "none",
    on_miss: OnMiss = "fail",
    order: Order = "recorded",
    clock: Clock = "virtual",
    live: Sequence[str] = (),
) -> Recording | Replaying:
    """Begin to record or replay the code of a test, as the mode says; gives the session, entered.

    Args:
        path: The test's cassette.
        nothing: Where to make the cassette of nothing, if that is needed.
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
            todo = plan(mode, exists=path.exists())
            if todo != "replay":
                path.parent.mkdir(parents=True, exist_ok=True)
                kind: RecordMode = "new_episodes" if todo == "extend" else "all"
                return record(path, mode=kind, force=mode == "all", live=live).__enter__()
            found = _finished(path) if path.exists() else _of_nothing(nothing)
            return ReplayedCase(
                found,
                on_miss=on_miss,
                pace=0.0,
                order=order,
                clock=clock,
                live=live,
                target=None,
                force=False,
            ).__enter__()
        except (CassetteBusyError, TargetExistsError):
            if time.monotonic() > until:
                raise
            time.sleep(_LOOK_S)  # another process records it: then there is one to replay
        except CassetteEmptyError:  # it is about to: the file is there before it is held
            if time.monotonic() > until - _PATIENCE_S + _EMPTY_S:
                raise
            time.sleep(_LOOK_S)


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

    A recording in which nothing was asked is not kept, nor a replay that did what was recorded.

    Raises:
        DivergenceError: The test left its recording.
    """
    session.__exit__(None, None, None)
    if not isinstance(session, Recording):
        last_of(session.path).unlink(missing_ok=True)
    elif session.summary.exchanges == 0:
        session.path.unlink(missing_ok=True)


def saved_by(paths: Iterable[Path]) -> Saved:
    """Count what the exchanges of replayed cassettes were, each time that one was replayed."""
    times = Counter(paths)
    held_by = {path: _held_by(path) for path in times if path.exists()}
    return Saved(
        calls=sum(one.calls * times[path] for path, one in held_by.items()),
        tokens=sum(one.tokens * times[path] for path, one in held_by.items()),
        seconds=sum(one.seconds * times[path] for path, one in held_by.items()),
    )


def _held_by(path: Path) -> Saved:
    rows = [row(step) for step in steps_of(load_run(path)) if step.exchange is not None]
    return Saved(
        calls=len(rows),
        tokens=sum((one.input_tokens or 0) + (one.output_tokens or 0) for one in rows),
        seconds=sum(one.latency_ms or 0.0 for one in rows) / _MS,
    )
