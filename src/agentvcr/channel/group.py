"""A command in a process group of its own, so that all of it can be ended.

Owns its start and its end. What it is, and what it said, is not looked at.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from typing import BinaryIO, Final

from agentvcr.channel.descent import descendants

TERM_S: Final = 5.0
"""How long it may take to end when it is asked to."""


class Group:
    """A command that runs, with whatever it starts."""

    def __init__(self, argv: Sequence[str], output: BinaryIO) -> None:
        """Start it, with nothing to read; what it says goes to a file."""
        self._process = subprocess.Popen(  # noqa: S603  (a command line of our own)
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait(self, timeout_s: float) -> int | None:
        """Give its return code; None where it goes on for longer than that."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def ask_to_end(self) -> None:
        """Send SIGTERM to all of it, and wait for nothing."""
        self._signal(signal.SIGTERM)

    def end(self) -> None:
        """End all of it: SIGTERM, and SIGKILL for what is still there after five seconds.

        What has made itself a session of its own is ended too where it can be found: on Linux.
        """
        below = descendants(self._process.pid)
        self.ask_to_end()
        self.wait(TERM_S)
        kill = getattr(signal, "SIGKILL", signal.SIGTERM)
        self._signal(kill)
        for pid in below:
            _send(pid, kill)
        self._process.wait()

    def _signal(self, number: int) -> None:
        if hasattr(os, "killpg"):
            _send(-self._process.pid, number)
        else:
            self._process.terminate()


def _send(pid: int, number: int) -> None:
    """Send a signal; a negative number stands for a group, as `kill` has it."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):  # it has ended
        return
