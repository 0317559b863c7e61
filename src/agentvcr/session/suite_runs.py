"""Run many commands, so many at a time, and end them all when it is enough.

Owns the waiting, the time that each may take, and what a signal does to those that run. What a
command is, and what its end means, is its caller's.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO, Final, NamedTuple

from agentvcr.channel.group import Group

_ENDING: Final = ("SIGINT", "SIGTERM", "SIGHUP")


class Task(NamedTuple):
    """A command, and the file that takes what it says."""

    argv: Sequence[str]
    output: Path


class Ran(NamedTuple):
    """How a task ended."""

    task: int
    """Which one, by its place in the list."""
    status: int | None
    """Its return code; None where it was ended by us."""
    timed_out: bool
    duration_s: float


class Runs:
    """Tasks on their way."""

    def __init__(self, tasks: Sequence[Task], *, jobs: int, timeout_s: float) -> None:
        """Prepare; nothing is started yet.

        Args:
            tasks: What to run, in this order.
            jobs: How many at a time.
            timeout_s: How long each of them may take.
        """
        self._tasks = tasks
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._waiting = iter(range(len(tasks)))
        self._running: set[Group | None] = set()
        self._over = False
        self._told: SimpleQueue[Ran | int | OSError | None] = SimpleQueue()
        self._workers = [
            threading.Thread(target=self._work, daemon=True) for _ in range(min(jobs, len(tasks)))
        ]

    def run(self, ended: Callable[[Ran], bool]) -> int | None:
        """Run them all, or until it is enough.

        Args:
            ended: Called in this thread with each that came to its end; says whether to go on.

        Returns:
            The signal that stopped it, or None.

        Raises:
            OSError: A command could not be started at all.
        """
        stopped_by: int | None = None
        failed: OSError | None = None
        left = len(self._workers)
        with self._signals():
            for worker in self._workers:
                worker.start()
            while left:
                told = self._told.get()
                if told is None:
                    left -= 1
                elif isinstance(told, Ran):
                    if not ended(told):
                        self._stop()
                elif isinstance(told, OSError):
                    failed = told
                    self._stop()
                else:
                    stopped_by = told
                    self._stop()
        if failed is not None:
            raise failed
        return stopped_by

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Have signals told as everything else is; only a main thread gets any."""
        numbers = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]
        if threading.current_thread() is not threading.main_thread():
            numbers = []
        before = {
            number: signal.signal(number, lambda number, _frame: self._told.put(number))
            for number in numbers
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self) -> None:
        """Start nothing more, and end what runs."""
        with self._lock:
            self._over = True
            running = [one for one in self._running if one is not None]
        for one in running:
            one.ask_to_end()
        for one in running:
            one.end()

    # --- in a worker ------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while (number := self._next()) is not None:
                self._told.put(self._run(number))
        except OSError as error:  # no process could be started: nor could the next one
            self._told.put(error)
        finally:
            self._told.put(None)

    def _next(self) -> int | None:
        with self._lock:
            return None if self._over else next(self._waiting, None)

    def _run(self, number: int) -> Ran:
        task = self._tasks[number]
        began_s = time.monotonic()
        status, timed_out = None, False
        with task.output.open("wb") as output:
            group = self._started(task, output)
            if group is not None:
                status = group.wait(self._timeout_s)
                timed_out = status is None
                if timed_out:
                    group.end()
        with self._lock:
            self._running.discard(group)
            if self._over:  # it was ended, whatever it says
                status, timed_out = None, False
        return Ran(number, status, timed_out, time.monotonic() - began_s)

    def _started(self, task: Task, output: BinaryIO) -> Group | None:
        with self._lock:
            if self._over:
                return None
            group = Group(task.argv, output)
            self._running.add(group)
            return group
