"""Give a program that asks for uvloop asyncio's own event loop, which can be put in order.

Owns what stands in for `uvloop.Loop`. uvloop waits, and reads its clock, in C, out of our sight:
under it nobody could say when a program is idle, and so neither what comes next nor what time it
is. Its loop has asyncio's interface and no other meaning, so a program does the same on either.
"""

from __future__ import annotations

import sys

from agentvcr.inside import lanes

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any


def hook_uvloop(module: Any) -> None:  # noqa: ANN401  (patched: a module with any attribute)
    """Have every loop that uvloop makes from here on be asyncio's."""
    import asyncio  # noqa: PLC0415  (uvloop has imported it)

    class Loop(asyncio.SelectorEventLoop):
        """Stands for uvloop's, which is made by this name alone."""

    Loop.__module__, Loop.__qualname__ = module.__name__, "Loop"
    lanes.replace(module, "Loop", Loop)
    if sys.version_info < (3, 14):
        _watch_children(module)


def _watch_children(module: Any) -> None:  # noqa: ANN401  (as above)
    """Let asyncio's loop start programs: before Python 3.14 it asks its policy who waits for them.

    uvloop's policy has nobody, since uvloop's loop waits for its children itself.
    """
    from asyncio.unix_events import ThreadedChildWatcher  # noqa: PLC0415  (as above)

    watcher = ThreadedChildWatcher()

    def get_child_watcher(_: object) -> ThreadedChildWatcher:
        return watcher

    lanes.replace(module.EventLoopPolicy, "get_child_watcher", get_child_watcher)
