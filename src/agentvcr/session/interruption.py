"""End a session of several commands by a signal, whenever it comes.

Owns the handlers between two commands. While one runs, its launch has its own, passes the signal
on, and says afterwards which came.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from agentvcr.channel.launch import ENDING, Ended
from agentvcr.channel.signals import SIGNALLED


class Interrupted(Exception):  # noqa: N818  (nothing went wrong)
    """Somebody asked us to end."""

    def __init__(self, number: int) -> None:
        """Keep the signal, and the status that it ends us with."""
        super().__init__(signal.Signals(number).name)
        self.exit_status = SIGNALLED + number


@contextmanager
def interruptible() -> Iterator[None]:
    """Leave the block by `Interrupted` when a signal comes; only a main thread gets any.

    A signal that is ignored stays ignored, and so does a second one: all is put away first.

    Raises:
        Interrupted: One came.
    """
    came: list[int] = []

    def stop(number: int, _frame: object) -> None:
        came.append(number)
        if len(came) == 1:
            raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    caught = [one for one in numbers if signal.getsignal(one) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in caught}
    try:
        yield
    except KeyboardInterrupt:
        _end(came)
    else:
        if came:  # who was interrupted has kept it to itself
            _end(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def check(ended: Ended) -> None:
    """Go no further where a signal came while a command ran.

    Raises:
        Interrupted: One did.
    """
    if ended.asked_to_end is not None:
        raise Interrupted(ended.asked_to_end)


def _end(came: list[int]) -> NoReturn:
    raise Interrupted(came[0] if came else signal.SIGINT) from None
