"""Turns that are waited for in an event loop: by a coroutine, by a call, by something real.

Owns how each goes on. The loop itself is in `loops`.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any

    from agentvcr.inside.order.log import Key
    from agentvcr.inside.order.loops import Selector


class LoopTurn:
    """Something that a coroutine waits for, or a call that waits to be made."""

    __slots__ = (
        *("_future", "_handle", "expired"),
        *("key", "over", "place", "selector", "told"),
    )

    def __init__(
        self,
        key: Key,
        selector: Selector,
        future: Any,  # noqa: ANN401  (asyncio's)
        handle: Any = None,  # noqa: ANN401  (as above)
        told: Key | None = None,
    ) -> None:
        """Wait for what the log calls `key`; then wake `future`, or run `handle`."""
        self.key = key
        self.told = told or key
        self.selector = selector
        self.over = False
        self.expired = False
        self.place: int | None = None
        self._future = future
        self._handle = handle

    @property
    def strand(self) -> Any:  # noqa: ANN401  (a strand)
        """Whoever runs the loop."""
        return self.selector.strand

    def is_over(self) -> bool:
        """Whether nobody waits for it any more."""
        if self._handle is not None:
            return bool(self.over or self._handle._cancelled)
        return bool(self.over or self._future.done())

    def is_held(self) -> bool:
        """Whether it cannot go on even if it is let in: the loop's thread waits in a call."""
        return self.selector.is_blocked

    def wake(self, now_ns: int) -> None:
        """Let it happen in the loop's next turn."""
        self.over = True
        loop, handle = self.selector.loop, self._handle
        if handle is None:
            module = sys.modules["asyncio"]
            handle = module.Handle(_set, (self._future,), loop)
        loop._ready.append(handle)
        self.selector.rouse(now_ns)


def _set(future: Any) -> None:  # noqa: ANN401  (asyncio's)
    if not future.done():
        future.set_result(None)


class RealTurn:
    """Something real that is to come next in an event loop, by the log."""

    __slots__ = ("expired", "key", "over", "place", "selector", "told")

    def __init__(self, key: Key, selector: Selector) -> None:
        """Wait for the time to look for it."""
        self.key = key
        self.told = None  # it is told when it has come
        self.selector = selector
        self.over = False
        self.expired = False
        self.place: int | None = None

    @property
    def strand(self) -> Any:  # noqa: ANN401  (a strand)
        """Whoever runs the loop."""
        return self.selector.strand

    def wake(self, now_ns: int) -> None:
        """Let the loop look for it really."""
        self.over = True
        self.selector.look_for_real(now_ns)
