"""Start the command, serve it until it ends, and say how it ended.

Owns the life of the recorded program. Leaves descriptors, terminal and process group to it.
Does not know what is recorded (`hub`), nor of a divergence more than that it ends the program.
"""

from __future__ import annotations

import errno
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from agentvcr.channel.engine import Divergences, SignalSource
from agentvcr.channel.hub import Hub
from agentvcr.channel.namespace import entering
from agentvcr.channel.signals import SIGNALLED, Signals
from agentvcr.errors import CommandNotExecutableError, CommandNotFoundError

if TYPE_CHECKING:
    from agentvcr.channel.lookout import Lookout

ENDING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
"""Signals that ask a command to end, and who runs it."""
TERM_AFTER_S = 5.0
KILL_AFTER_S = 5.0
_PATIENCE_S = 1.0
_TICK_S = 0.25
_FIRST_LOOK_S = 0.2


class Ended:
    """How a command ended, which network it had, and what we were told meanwhile."""

    def __init__(self, status: int, *, isolated: bool, arrived: Sequence[int] = ()) -> None:
        """Keep a `Popen` return code: negative for the signal that killed it.

        Args:
            status: That code.
            isolated: Whether it had a network of its own.
            arrived: The signals that reached us while it ran.
        """
        self.exit_status = status if status >= 0 else None
        self.signal = -status if status < 0 else None
        self.isolated = isolated
        ending = [getattr(signal, name, 0) for name in ENDING]
        self.asked_to_end = next((one for one in arrived if one in ending), None)
        """The first signal that asked us to end; None where nobody did."""

    @property
    def shell_status(self) -> int:
        """The status as a shell says it: 128 + n for a signal."""
        return self.exit_status if self.exit_status is not None else SIGNALLED + (self.signal or 0)


class Launch:
    """One command under one hub."""

    def __init__(self, argv: list[str], env: dict[str, str], cwd: str) -> None:
        """Prepare; nothing is started yet."""
        self._argv = argv
        self._env = env
        self._cwd = cwd
        self._ledger: Divergences | None = None
        self._ends_at: float | None = None
        self._killed = False
        self._coming: SignalSource | None = None
        self._look_s = monotonic() + _FIRST_LOOK_S
        self._lookout: Lookout | None = None

    def run(
        self,
        hub: Hub,
        *,
        ledger: Divergences | None = None,
        isolate: bool = False,
        stdin: int | None = None,
        coming: SignalSource | None = None,
    ) -> Ended:
        """Run the command to its end.

        Args:
            hub: Serves its processes meanwhile.
            ledger: Of a replay: a fatal divergence in it ends the program.
            isolate: Put it into an empty network, where that is possible.
            stdin: A descriptor to read standard input from, in place of ours.
            coming: Signals to send it, as its recorded run got them.

        Raises:
            CommandNotFoundError, CommandNotExecutableError: As a shell would say it.
        """
        self._ledger = ledger
        self._coming = coming
        signals = Signals(lambda name: hub.recorder.note("signal", name))
        try:
            program, isolated = self._start(hub, isolate=isolate, stdin=stdin)
            status = self._serve(program, hub, signals)
            hub.drain(_PATIENCE_S)
        finally:
            signals.close()
        return Ended(status, isolated=isolated, arrived=signals.arrived)

    def _start(
        self, hub: Hub, *, isolate: bool, stdin: int | None
    ) -> tuple[subprocess.Popen[bytes], bool]:
        ours, report = socket.socketpair()
        enter = entering(report, hub.door.port) if isolate else None
        try:
            program = self._popen(self._argv, enter, stdin)
        except FileNotFoundError:
            raise CommandNotFoundError(
                f"{self._argv[0]}: command not found",
                where=self._cwd,
                cure="check the command's name and PATH",
            ) from None
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise CommandNotExecutableError(
                    f"{self._argv[0]}: {error.strerror}",
                    where=self._cwd,
                    cure="check that it is a program that you may execute",
                ) from None
            program = self._popen(["/bin/sh", *self._argv], enter, stdin)  # as a shell does
        finally:
            report.close()
            listener = _listener_there(ours) if enter else None
            ours.close()
        if listener is not None:
            hub.move_door(listener, program.pid)
        return program, listener is not None

    def _popen(
        self, argv: list[str], enter: Callable[[], None] | None, stdin: int | None
    ) -> subprocess.Popen[bytes]:
        # Descriptors beyond 2 are passed on as a shell would; ours are close-on-exec.
        return subprocess.Popen(  # noqa: S603  (running CMD is what this is for)
            argv,
            env=self._env,
            cwd=self._cwd,
            close_fds=False,
            stdin=stdin,
            preexec_fn=enter,  # noqa: PLW1509  (one thread only)
        )

    def _serve(self, program: subprocess.Popen[bytes], hub: Hub, signals: Signals) -> int:
        hub.selector.register(signals.wakeup_fd, selectors.EVENT_READ, lambda _mask: signals.note())
        if signals.canary_fd >= 0:
            hub.selector.register(
                signals.canary_fd, selectors.EVENT_READ, lambda _mask: signals.note_canary()
            )
        try:
            while True:
                status = _reap(program)
                if status is not None:
                    return status
                hub.turn(self._timeout_s(signals))
                for number in (*signals.due(), *(self._coming.due() if self._coming else ())):
                    _kill(program.pid, number)  # not `send_signal`, which would reap it
                self._enforce(program, hub)
                self._look(program.pid, hub)
        finally:
            hub.selector.unregister(signals.wakeup_fd)
            if signals.canary_fd >= 0:
                hub.selector.unregister(signals.canary_fd)

    def _look(self, pid: int, hub: Hub) -> None:
        """Look for Pythons that do not let us in; a short command ends before the first look."""
        if sys.platform != "linux" or monotonic() < self._look_s:
            return
        if self._lookout is None:
            from agentvcr.channel.lookout import Lookout  # noqa: PLC0415  (see above)

            path_entry = self._env["PYTHONPATH"].split(os.pathsep)[0]
            needed = {"PYTHONPATH": path_entry, "AGENTVCR_CHANNEL": hub.address}
            self._lookout = Lookout(pid, needed)
        for argv in self._lookout.look():
            hub.recorder.unentered(argv, 0, seen=True)
        self._look_s = monotonic() + self._lookout.next_s()

    def _timeout_s(self, signals: Signals) -> float | None:
        waits = [signals.timeout_s, self._coming.timeout_s if self._coming else None]
        if sys.platform == "linux":
            waits.append(max(0.0, self._look_s - monotonic()))
        if self._ends_at is not None or sys.platform == "win32":  # no SIGCHLD there
            waits.append(_TICK_S)
        return min((one for one in waits if one is not None), default=None)

    def _enforce(self, program: subprocess.Popen[bytes], hub: Hub) -> None:
        """End a program that goes on after a fatal divergence: SIGTERM, then SIGKILL."""
        if self._ledger is None or not self._ledger.is_over:
            return
        if self._ends_at is None:
            self._ends_at = monotonic() + TERM_AFTER_S
        if monotonic() < self._ends_at:
            return
        number = signal.SIGKILL if self._killed and hasattr(signal, "SIGKILL") else signal.SIGTERM
        self._killed = True
        self._ends_at += KILL_AFTER_S
        for pid in {program.pid, *hub.pids}:
            _kill(pid, number)


def _listener_there(ours: socket.socket) -> socket.socket | None:
    """Receive the socket that listens in the program's own network; None where it has none."""
    said, fds, *_ = socket.recv_fds(ours, 1, 1)
    return socket.socket(fileno=fds[0]) if said == b"y" and fds else None


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):  # it has ended, or is not ours any more
        return


def _reap(program: subprocess.Popen[bytes]) -> int | None:
    """Look whether the program has ended; when it was stopped, stop with it."""
    if not hasattr(os, "WUNTRACED"):
        return program.poll()
    pid, status = os.waitpid(program.pid, os.WNOHANG | os.WUNTRACED)
    if pid == 0:
        return None
    if os.WIFSTOPPED(status):
        if os.WSTOPSIG(status) == signal.SIGSTOP:  # its alone: nobody would continue us
            return None
        os.kill(os.getpid(), signal.SIGSTOP)  # the shell sees a stopped job, and continues both
        return None
    program.returncode = os.waitstatus_to_exitcode(status)
    return program.returncode
