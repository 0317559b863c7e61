"""Wait as a recorded answer says: for a time, for the one who cancels, or for the end.

Owns sleeping in sync and async code, whatever the event loop. Does not know clients.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from agentvcr.inside.exchange import Serve

WAITING = ("cancelled", "cut")
"""Ends of a recorded answer after which the program waited on, until somebody ended that."""


def wait(serve: Serve, position: int) -> None:
    """Wait as long as the recorded program did for the head (0), a chunk or the end."""
    delay_s = serve.wait_s(position)
    if delay_s > 0:
        import time  # noqa: PLC0415  (only a paced replay waits)

        time.sleep(delay_s)


def until_the_end() -> None:
    """Wait for the end of the program, as the recorded caller did."""
    import time  # noqa: PLC0415  (hardly ever)

    while True:
        time.sleep(3600)


async def async_wait(serve: Serve, position: int) -> None:
    """The same for asynchronous code."""
    delay_s = serve.wait_s(position)
    if delay_s > 0:
        await sleep(delay_s)


async def forever() -> None:
    """Wait for the one who cancelled the recorded request to cancel this one."""
    while True:
        await sleep(3600)


async def sleep(delay_s: float) -> None:
    """Sleep in whatever event loop runs."""
    trio = sys.modules.get("trio")
    if trio is not None and "asyncio" not in sys.modules:
        await trio.sleep(delay_s)
        return
    import asyncio  # noqa: PLC0415  (asynchronous code runs, so it is there)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        await sys.modules["trio"].sleep(delay_s)
        return
    await asyncio.sleep(delay_s)
