"""Pass signals on to the program exactly once, and be stopped and continued with it.

Owns the signal handlers of the engine. A signal that reached the whole process group (Ctrl-C, a
`kill` of the group, `timeout`) has reached the program too; one that was sent to us alone must be
forwarded. Nothing in a signal says which it was, so a canary, a process in the same group that only
listens, tells what the group got.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from time import monotonic
from typing import Final

SIGNALLED: Final = 128
"""What a shell adds to a signal's number, as the status of what it ended."""
_FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_GRACE_S = 0.1
"""How long after a signal the canary may take to report it."""
_LATE_S = 1.0
"""How long a report may come after its signal was forwarded, and still mean that one."""
_LOOK_S = 0.5
"""How often the canary looks whether the engine is still there."""


class Signals:
    """The signals of a run, from the start of the canary to its end."""

    def __init__(self, on_signal: Callable[[str], None]) -> None:
        """Start the canary and catch what is to be forwarded; ignored signals stay ignored.

        Args:
            on_signal: Called with the name of each signal that reaches the program.

        `arrived` has all that reached us, in their order.
        """
        self._on_signal = on_signal
        wanted = [getattr(signal, name) for name in _FORWARDED if hasattr(signal, name)]
        self._caught = [one for one in wanted if signal.getsignal(one) != signal.SIG_IGN]
        self._canary, self.canary_fd = _start_canary(self._caught)
        self.wakeup_fd, self._write_fd = os.pipe()
        for fd in (self.wakeup_fd, self._write_fd, self.canary_fd):
            if fd >= 0:
                os.set_blocking(fd, False)
        self._before = {one: signal.signal(one, _noted) for one in self._caught}
        for name in ("SIGCHLD", "SIGTSTP"):
            if hasattr(signal, name):
                number = getattr(signal, name)
                self._before[number] = signal.signal(number, _noted)
        self._wakeup_before = signal.set_wakeup_fd(self._write_fd, warn_on_full_buffer=False)
        self._seen_by_group: dict[int, int] = {}
        self.arrived: list[int] = []
        self._late: list[tuple[float, int]] = []
        self._due: list[tuple[float, int]] = []

    def note(self) -> None:
        """Take what has arrived here; what the group did not get becomes due."""
        now = monotonic()
        for number in _drain(self.wakeup_fd):
            if number in self._caught:
                self.arrived.append(number)
                self._due.append((now + _GRACE_S, number))
                self._on_signal(signal.Signals(number).name)

    def note_canary(self) -> None:
        """Take what the group got."""
        now = monotonic()
        self._late = [one for one in self._late if one[0] > now]
        for number in _drain(self.canary_fd):
            late = next((one for one in self._late if one[1] == number), None)
            if late is not None:
                self._late.remove(late)
                continue
            self._seen_by_group[number] = self._seen_by_group.get(number, 0) + 1

    @property
    def timeout_s(self) -> float | None:
        """Seconds until a signal is due, or None."""
        return max(0.0, self._due[0][0] - monotonic()) if self._due else None

    def due(self) -> list[int]:
        """Signals that reached us and not the group: to be forwarded now."""
        self.note_canary()
        now = monotonic()
        forward: list[int] = []
        while self._due and self._due[0][0] <= now:
            _, number = self._due.pop(0)
            if self._seen_by_group.get(number, 0) > 0:
                self._seen_by_group[number] -= 1
            elif self._canary:
                forward.append(number)
                self._late.append((now + _LATE_S, number))
        return forward

    def close(self) -> None:
        """End the canary and put the handlers back."""
        if self._canary:
            os.kill(self._canary, signal.SIGKILL)
            os.waitpid(self._canary, 0)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        # One that came with the program's end, or later, reached nobody but us.
        self.arrived += [number for number in _drain(self.wakeup_fd) if number in self._caught]
        for fd in (self.wakeup_fd, self._write_fd, self.canary_fd):
            if fd >= 0:
                os.close(fd)


def _noted(_number: int, _frame: object) -> None:
    """Do nothing: the wake-up descriptor has the number. An exec resets this to default."""


def _drain(fd: int) -> bytes:
    try:
        return os.read(fd, 4096) if fd >= 0 else b""
    except BlockingIOError:
        return b""


def _start_canary(caught: list[signal.Signals]) -> tuple[int, int]:
    if not hasattr(os, "fork"):
        return 0, -1
    everything = signal.valid_signals()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, everything)
    read_fd, write_fd = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        os.close(write_fd)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return pid, read_fd
    try:
        _listen(write_fd, parent, caught)
    finally:
        os._exit(0)


def _listen(write_fd: int, parent: int, caught: list[signal.Signals]) -> None:
    """Be the canary: report signals until the engine is gone."""
    os.dup2(write_fd, 0)  # nothing else stays open: readers of our output must see its end
    os.closerange(1, 1024)
    signal.setitimer(signal.ITIMER_REAL, _LOOK_S, _LOOK_S)
    while os.getppid() == parent:
        number = signal.sigwait([*caught, signal.SIGALRM])
        if number != signal.SIGALRM:
            os.write(0, bytes([number]))


def die_of(number: int) -> None:
    """Die of the signal that CMD died of: a shell's loop must stop where it would have stopped."""
    if number == getattr(signal, "SIGQUIT", -1):
        import resource  # noqa: PLC0415  (POSIX only, and only here)

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
