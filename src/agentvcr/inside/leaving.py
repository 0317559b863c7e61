"""Tell what is still held before this process ends, or another program takes its place.

Owns the ways out of a process: the interpreter's own, `os._exit` (which forked workers take) and
`exec`. What a signal or a crash ends is not seen. Does not know what is held.
"""

from __future__ import annotations

import atexit
import os

from agentvcr.inside.patching import dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Callable

_actions: list[Callable[[], None]] = []


def before_leaving(action: Callable[[], None]) -> None:
    """Call `action` before this process is left; it may be called more than once."""
    _actions.append(action)


def leave() -> None:
    """Do what is to be done; an error of ours must not keep the program from leaving."""
    for action in _actions:
        try:  # noqa: SIM105  (contextlib is not needed for a start)
            action()
        except Exception:  # noqa: BLE001, PERF203, S110  (nobody is there to tell)
            pass


def install() -> None:
    """Watch the ways out; early, so that at the interpreter's end ours comes last."""
    atexit.register(leave)
    original = os._exit

    @dressed_as(original)
    def _exit(status: int) -> None:
        leave()
        original(status)

    os._exit = _exit
