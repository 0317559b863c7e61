"""What is delivered of an exchange, piece by piece, to who asked: the words, and no order.

Owns what an interceptor says and asks on the way. That which has an order is in `order.gates`.
"""

from __future__ import annotations


class Course:
    """What is delivered of an exchange, piece by piece; this one is put into no order.

    `order.gates` has the one that is.
    """

    __slots__ = ()

    def leave(self) -> None:
        """Say that this thread is about to wait for the network."""

    def expect(self) -> None:
        """Say that what is awaited next, in an event loop, comes from the network."""

    def back(self) -> None:
        """Say that this thread waits no more, with nothing delivered yet."""

    def arrive(self) -> None:
        """Wait until the next delivery may happen; it is this thread that waits."""

    async def async_arrive(self, index: int | None = None) -> None:
        """The same in an event loop; `index` where deliveries have numbers of their own."""

    async def async_end(self) -> None:
        """The same for the end of what is cancelled, however often it is cancelled meanwhile."""

    def end_in_vain(self, never: object) -> None:
        """Let a future of asyncio's be done when the end that is awaited does not come."""

    def finish(self) -> None:
        """Expect nothing more of it."""


FREE = Course()
