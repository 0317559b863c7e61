"""Record or replay in this very process: the two kinds of session.

Owns the block: what is put in place at its beginning, and that all of it is taken away at its end.
A session is process-wide, so that no thread is lost; there is one at a time. Child processes do not
belong to it.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Final, Self, get_args

import msgspec

from agentvcr.assertions import CheckedRun, checked
from agentvcr.boundary import Boundary, own_collectors
from agentvcr.cassette.journal import Journal, discard
from agentvcr.cassette.reader import last_of, load_run
from agentvcr.diff.explanation import tell_difference
from agentvcr.diff.rundiff import diff
from agentvcr.errors import (
    BadOptionError,
    DivergenceError,
    NotRecordedError,
    SessionOpenError,
)
from agentvcr.inside.exchange import ReplayHalt
from agentvcr.model.results import RunDiff
from agentvcr.model.run import Run
from agentvcr.model.summary import RecordSummary
from agentvcr.model.text import storable_argv
from agentvcr.recording.recorder import Recorder
from agentvcr.replaying.fork import Fork
from agentvcr.replaying.ledger import Divergence, Ledger
from agentvcr.replaying.replayer import OnMiss
from agentvcr.reporters.surroundings import tell_changed
from agentvcr.session.chance import chance_for
from agentvcr.session.declared import project_fingerprinter
from agentvcr.session.in_force import InForce, check_idle
from agentvcr.session.keying import fingerprinter_of, keyed, load_keyed
from agentvcr.session.recording import new_recorder, summed_up, why_broken
from agentvcr.session.replaying import Clock, Order, Replay, check_apart, kept_as
from agentvcr.session.sealing import seal_recording

_MOST_TOLD: Final = 5
_ENTERING: Final = Lock()
StrPath = str | os.PathLike[str]


class Session:
    """A block of code that is recorded or replayed, sync or async. It can be entered once."""

    path: Path
    """The cassette that is read or written."""

    def __init__(self, path: StrPath, live: Sequence[str]) -> None:
        """Prepare; nothing happens before the block."""
        self.path = Path(path)
        self._live = tuple(live)
        self._force: InForce | None = None
        self._recorder: Recorder | None = None
        self._journal = self.path
        """What the block is written to while it is open."""
        self._is_over = False

    def _check_unused(self) -> None:
        check_idle()
        if self._is_over or self._force is not None:
            raise SessionOpenError(
                "this session was entered before",
                where=str(self.path),
                cure="make another one for each block: with agentvcr.record(…)",
            )

    @property
    def run(self) -> CheckedRun:
        """What was done in the block; while it is open, as far as it has come.

        Raises:
            SessionOpenError: The block has not begun.
        """
        if self._is_over or self._force is None:
            return checked(load_run(self._written()))
        self._force.flush()
        so_far = load_run(self._journal)
        return checked(msgspec.structs.replace(so_far, path=str(self.path)))

    def _written(self) -> Path:
        raise NotImplementedError

    def _check_over(self) -> None:
        if not self._is_over:
            raise SessionOpenError(
                "this is known once the block has ended",
                where=str(self.path),
                cure="ask for it behind the with block",
            )

    def _start(self) -> None:
        raise NotImplementedError

    def _take_back(self) -> None:
        """Let go of what a start has taken that did not come to its end."""
        self._force = None
        if self._recorder is not None:
            self._recorder.drop()
            self._recorder = None

    def _stop(self, error: BaseException | None) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        with _ENTERING:  # else the slower of two threads leaves its file behind
            self._check_unused()
            try:
                self._start()
            except BaseException:
                self._take_back()
                raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._force is None or not self._force.is_own_process:
            return  # a fork's copy of the block: the file is its parent's
        self._is_over = True
        self._stop(exc)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.__exit__(exc_type, exc, traceback)

    def _warn(self, recorder: Recorder) -> None:
        broken = why_broken(recorder)
        if broken is not None:
            text = f"the recording in {self._written()} is not whole: {broken}"
            warnings.warn(text, RuntimeWarning, stacklevel=4)


class Recording(Session):
    """A recorded block."""

    def __init__(
        self, path: StrPath, *, force: bool, live: Sequence[str], strict: bool = False
    ) -> None:
        """Prepare to record into `path`."""
        super().__init__(path, live)
        self._may_replace = force
        self._is_strict = strict
        self._summary: RecordSummary | None = None

    @property
    def summary(self) -> RecordSummary:
        """How the recording went: what it holds, by host and client, and what it does not hold.

        Raises:
            SessionOpenError: The block has not ended.
        """
        if self._summary is None:
            self._check_over()
            raise AssertionError("a session that is over has a summary")
        return self._summary

    def _written(self) -> Path:
        self._check_over()
        return self.path

    def _start(self) -> None:
        boundary = Boundary(self._live, own_collectors(os.environ))
        fingerprinter = project_fingerprinter()
        journal = Journal(self.path, force=self._may_replace)
        chance = chance_for(os.environ, is_block=True)
        recorder = new_recorder(journal, boundary, fingerprinter, (), chance=chance)
        self._recorder = recorder
        recorder.tally.process(0, recorder.redactor.argv(storable_argv(sys.orig_argv)))
        self._force = InForce(recorder, boundary, None, chance=chance)
        self._force.begin()

    def _take_back(self) -> None:
        if self._recorder is not None:
            super()._take_back()
            discard(self.path)

    def _stop(self, error: BaseException | None) -> None:
        recorder = self._recorder
        if self._force is None or recorder is None:
            return
        self._force.end()
        status = 0 if error is None else 1
        self._force.close(status)
        unsealed = seal_recording(self.path) if recorder.broken is None else None
        self._summary = summed_up(recorder, self.path, status, unsealed, processes=1)
        if unsealed is not None:
            warnings.warn(f"not sealed: {unsealed}", RuntimeWarning, stacklevel=3)
        self._warn(recorder)
        if self._is_strict and self._summary.missed:
            self._tell_missed(self._summary, error)

    def _tell_missed(self, summary: RecordSummary, error: BaseException | None) -> None:
        lines = [f"  {one.what}: {one.why}" for one in summary.missed[:_MOST_TOLD]]
        rest = len(summary.missed) - _MOST_TOLD
        missed = NotRecordedError(
            "\n".join(["the block was not recorded whole:", *lines])
            + f"\n  and {rest} more" * (rest > 0),
            where=summary.path,
            cure='live=["HOST:PORT"] leaves out an address that may be missed',
        )
        if error is None:
            raise missed
        error.add_note(str(missed))  # the block's own error goes first


class Replaying(Session):
    """A replayed block, and what it did otherwise than the recorded one."""

    _advice = 'on_miss="nearest"'

    def __init__(  # noqa: PLR0913  (the options of a replay)
        self,
        path: StrPath,
        *,
        on_miss: OnMiss,
        pace: float,
        order: Order,
        clock: Clock,
        live: Sequence[str],
        target: StrPath | None,
        force: bool,
    ) -> None:
        """Prepare to replay `path`."""
        super().__init__(path, live)
        self._on_miss: OnMiss = on_miss
        self._pace = pace
        self._order: Order = order
        self._clock: Clock = clock
        self._target = None if target is None else Path(target)
        self._may_replace = force
        self._replay: Replay | None = None

    def _written(self) -> Path:
        self._check_over()
        return self._target or last_of(self.path)

    def _check_options(self) -> None:
        for name, value, choices, cure in (
            ("on_miss", self._on_miss, OnMiss, "to stop at the first request not recorded"),
            ("order", self._order, Order, "to keep the recorded order"),
            ("clock", self._clock, Clock, "to read the clock as it was recorded"),
        ):
            if value not in get_args(choices):
                raise BadOptionError(
                    f"{name} is one of {', '.join(get_args(choices))}, and not {value!r}",
                    where="agentvcr.replay(…)",
                    cure=f"leave it out {cure}",
                )
        if self._target is not None:
            check_apart(self._target, self.path, cure="choose another target")

    def _start(self) -> None:
        self._check_options()
        replay = Replay(
            self._recorded,
            on_miss=self._on_miss,
            pace=self._pace,
            order=self._order,
            clock=self._clock,
            live=self._live,
            advice=self._advice,
            fork=self._fork(),
        )
        self._keeping = self._kept()
        self._replay = replay
        journal = self._keeping.__enter__()
        self._journal = journal.path
        self._recorder = replay.recorder(journal, ())
        worlds = replay.worlds(self._recorder)
        self._force = InForce(
            self._recorder,
            replay.boundary,
            replay.ledger,
            worlds,
            clock=replay.clock,
            chance=replay.chance,
        )
        self._force.begin()

    def _take_back(self) -> None:
        if self._recorder is not None:
            super()._take_back()
            self._keeping.__exit__(None, None, None)
            discard(self._target or last_of(self.path))

    def _stop(self, error: BaseException | None) -> None:
        if self._force is None or self._recorder is None or self._replay is None:
            return
        self._force.end()
        self._finish(self._replay, self._recorder)
        if self._is_wanted():
            self._force.close(0 if error is None else 1)
        else:
            self._force.drop()
        self._keeping.__exit__(None, None, None)
        if self._recorder.broken is None:
            self._seal()
        self._warn(self._recorder)
        fatal = self._replay.ledger.fatal
        # A cancellation that is under way goes on: whoever cancelled waits for it.
        if fatal is not None and (error is None or isinstance(error, Exception | ReplayHalt)):
            raise self._divergence(fatal.message) from error

    def _fork(self) -> Fork | None:
        """Say what is changed of the recording, where something is."""
        return None

    def _kept(self) -> AbstractContextManager[Journal]:
        """Open what this run is kept in."""
        place = self._target or last_of(self.path)
        return kept_as(place, is_new=self._target is not None, force=self._may_replace)

    def _is_wanted(self) -> bool:
        """Whether anybody may read this run's own recording, now that the block is over."""
        return True

    def _finish(self, replay: Replay, recorder: Recorder) -> None:
        """Write what belongs into this run's own recording beside what was done."""

    def _seal(self) -> None:
        if self._target is not None:
            seal_recording(self._target)

    @cached_property
    def _recorded(self) -> Run:
        """What is replayed; of a cassette that is replaced, what it held before."""
        return load_keyed(self.path)[0]

    @property
    def _ledger(self) -> Ledger:
        if self._replay is None:
            self._check_over()
            raise AssertionError("a session that is over has a replay")
        return self._replay.ledger

    @property
    def divergences(self) -> tuple[Divergence, ...]:
        """Where the block left its recording, as far as it has come; empty where it did not."""
        return tuple(self._ledger.divergences)

    @cached_property
    def diff(self) -> RunDiff:
        """What the block did otherwise than the recorded one, step by step.

        Raises:
            SessionOpenError: The block has not ended.
        """
        written = load_run(self._written())
        return diff(self._recorded, keyed(written, fingerprinter_of(self._recorded)))

    def raise_for_divergence(self) -> None:
        """Raise where the block did anything otherwise, also where nothing stopped it.

        Raises:
            DivergenceError: It did.
            SessionOpenError: The block has not ended.
        """
        result = self.diff
        if self.divergences:
            raise self._divergence(self.divergences[0].message)
        if not result.same:
            raise self._divergence(tell_difference(result))

    def _divergence(self, message: str) -> DivergenceError:
        changed = tell_changed(self.diff.changed)
        return DivergenceError(
            f"changed since the recording: {changed}\n{message}" if changed else message,
            where=str(self.path),
            cure=f"agentvcr diff {self.path} {self._written()} shows every difference",
        )
