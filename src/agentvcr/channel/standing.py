"""Serve whoever comes, without a command, until a signal says that it is enough.

Owns that loop and the signals that end it.
"""

from __future__ import annotations

import os
import selectors
import signal

from agentvcr.channel.hub import Hub

_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")


def until_stopped(hub: Hub) -> None:
    """Serve until SIGINT, SIGTERM or SIGHUP; the handlers are put back then."""
    read_fd, write_fd = os.pipe()
    for fd in (read_fd, write_fd):
        os.set_blocking(fd, False)
    stopped: list[int] = []
    numbers = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]
    before = {
        number: signal.signal(number, lambda number, _frame: stopped.append(number))
        for number in numbers
    }
    wakeup_before = signal.set_wakeup_fd(write_fd, warn_on_full_buffer=False)
    hub.selector.register(read_fd, selectors.EVENT_READ, lambda _mask: None)
    try:
        while not stopped:
            hub.turn(None)
    finally:
        hub.selector.unregister(read_fd)
        signal.set_wakeup_fd(wakeup_before)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(read_fd)
        os.close(write_fd)
