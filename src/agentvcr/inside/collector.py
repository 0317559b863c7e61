"""Know whether the running code is run by the garbage collector: a finalizer, or a listener to it.

Owns that judgement. When the collector comes is chance, and not the same in a replay: what it runs
belongs to no lane (`lanes`), or each later look at the clock and each draw of the lane that it
happened upon would be another. Nor may a context be changed there: the collector can come while the
interpreter changes that very context, which then breaks (seen in 3.11, in `ContextVar.set`).
"""

from __future__ import annotations

import gc
from _thread import get_ident

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any

ident = 0
"""The thread in which the collector is at work; 0 while it is not."""


def _begins(phase: str, info: Any) -> None:  # noqa: ANN401  (as the collector has it)
    global ident  # noqa: PLW0603  (the one thing that this module exists for)
    del info
    if phase == "start":
        ident = get_ident()
        if gc.callbacks[-1] is not _ends:  # another listener has come: it is within, too
            _leave(_ends)
            gc.callbacks.append(_ends)


def _ends(phase: str, info: Any) -> None:  # noqa: ANN401  (as above)
    global ident  # noqa: PLW0603  (as above)
    del info
    if phase == "stop":
        ident = 0


def _leave(listener: Any) -> None:  # noqa: ANN401  (one of these)
    if listener in gc.callbacks:
        gc.callbacks.remove(listener)


def watch() -> None:
    """Begin to know; once more does no harm."""
    stop()
    gc.callbacks.insert(0, _begins)
    gc.callbacks.append(_ends)


def stop() -> None:
    """Know nothing any more."""
    global ident  # noqa: PLW0603  (as above)
    _leave(_begins)
    _leave(_ends)
    ident = 0
