"""The engine in the recorded process itself: the same handler, called directly.

Owns the lock between the threads of this process, and the flush before an exchange's end is seen.
The channel does both for other processes.
"""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from threading import RLock
from typing import Protocol

from agentvcr.inside.exchange import (
    Forward,
    NullSink,
    ReplayHalt,
    Request,
    Serve,
    StepBegan,
    StepEnded,
    Taken,
    by_a_handler,
    failure_of,
)
from agentvcr.recording.recorder import Recorder
from agentvcr.recording.sink import RecordingSink, TelemetrySink


class RecordedWorlds(Protocol):
    """What a recording holds of its processes besides their exchanges."""

    def parts(self, kind: str, process: int, lane: str = "") -> list[tuple[str, bytes]]:
        """Give the parts of a kind: lane and data."""


class LocalHandler:
    """Asks the recorder under one lock."""

    def __init__(self, recorder: Recorder, worlds: RecordedWorlds | None = None) -> None:
        """Guard `recorder`; `worlds` says what was recorded besides exchanges."""
        self._recorder = recorder
        self._worlds = worlds
        self._process = os.getpid()
        self.lock = RLock()  # a finalizer may end an exchange in the middle of another
        """For whoever else drives the same recorder."""

    @property
    def replaying(self) -> bool:
        """Whether answers come from a recording."""
        return self._recorder.is_replaying

    def begin(self, request: Request) -> Serve | Forward:
        """Decide as the recorder does; the request is in the file when this returns."""
        if os.getpid() != self._process:
            raise ReplayHalt("a fork of a replayed block is not replayed: its answers are its own")
        with self.lock:
            decision = self._recorder.begin(request)
            self._recorder.flush()
        if isinstance(decision, Serve):
            if decision.taken is not None:
                decision.taken = _LockedTaken(self.lock, decision.taken)
            return decision
        sink = self._recorder.recorded_sink(decision)
        if sink is None:
            return decision
        locked = _LockedSink(self.lock, self._recorder, sink)
        return Forward(locked, decision.number, body=decision.body)

    def failed(self, error: Exception) -> Forward:
        """Take down that an exchange passes unrecorded; stop a replay.

        What a signal handler of the program's raised is the program's, and goes on.
        """
        if by_a_handler(error):
            raise error
        text = "{}: {}".format(*failure_of(error))
        if self._recorder.is_replaying:
            raise ReplayHalt(f"the interceptor or the engine failed: {text}")
        with self.lock:
            self._recorder.lost(text)
        return Forward(NullSink())

    def world(self, kind: str, lane: str, data: bytes) -> None:
        """Take down a part of what surrounds this process's exchanges."""
        with self.lock:
            self._recorder.world(kind, 0, lane, data)

    def recorded_world(self, kind: str, lane: str = "") -> list[tuple[str, bytes]]:
        """Give the recorded parts of a kind."""
        return self._worlds.parts(kind, 0, lane) if self._worlds is not None else []

    def other_order(self, text: str) -> None:
        """Take down that the replay goes another order than the recorded one."""
        with self.lock:
            self._recorder.note("order", text)

    def step_began(self, step: StepBegan) -> None:
        """Take down that a step began."""
        with self.lock:
            self._recorder.step_began(step)
            self._recorder.flush()

    def step_ended(self, step: StepEnded) -> None:
        """Take down that a step is over."""
        with self.lock:
            self._recorder.step_ended(step)
            self._recorder.flush()


class _LockedTaken:
    def __init__(self, lock: AbstractContextManager[bool], inner: Taken) -> None:
        self._lock = lock
        self.inner = inner

    def __call__(self, chunks: int, kind: str, at_ns: int = 0) -> None:
        with self._lock:
            self.inner(chunks, kind, at_ns)


class _LockedSink:
    """Collects without the lock, since an exchange is one caller's; ends under it."""

    __slots__ = ("_lock", "_recorder", "chunk", "head", "sink")

    def __init__(
        self,
        lock: AbstractContextManager[bool],
        recorder: Recorder,
        sink: RecordingSink | TelemetrySink,
    ) -> None:
        self._lock = lock
        self._recorder = recorder
        self.sink = sink
        self.head = sink.head
        self.chunk = sink.chunk

    def end(self, kind: str, error: BaseException | None = None) -> None:
        with self._lock:
            try:
                self.sink.end(kind, error)
                self._recorder.flush()
            except Exception as own:  # noqa: BLE001  (ours: it must not become the program's)
                self._recorder.failed(own)
