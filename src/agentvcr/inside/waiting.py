"""Wait as a recorded answer says: for a time, for the one who cancels, or for the end.

Owns sleeping in sync and async code, whatever the event loop, and what this process was served so
far, which some answers wait for. Does not know clients.
"""

from __future__ import annotations

import sys

from agentvcr.inside import real

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Callable, Set

    from agentvcr.inside.course import Course
    from agentvcr.inside.exchange import Serve

WAITING = ("cancelled", "cut")
"""Ends of a recorded answer after which the program waited on, until somebody ended that."""


_LOOK_AGAIN_S = 0.005

_held: Set[Any] = set()
_served: Set[int] = set()
_waiting: list[Callable[[], None]] = []


def note_served(number: int) -> None:
    """Note that a recorded exchange was served to this process, and wake who waits for it."""
    if not number:
        return
    _served.add(number)
    for _ in range(len(_waiting)):  # one by one: another thread may begin to wait meanwhile
        try:
            wake = _waiting.pop(0)
        except IndexError:  # another thread has woken it
            return
        wake()


def forget_served() -> None:
    """Start anew: another session, or the child of a fork."""
    _served.clear()
    _waiting.clear()


def wait(serve: Serve, position: int) -> None:
    """Wait as long as the recorded program did for the head (0), a chunk or the end."""
    gate = serve.gates.get(position)
    if gate is not None:
        while gate not in _served:
            real.sleep(_LOOK_AGAIN_S)
    delay_s = serve.wait_s(position)
    if delay_s > 0:
        real.sleep(delay_s)


def until_the_end() -> None:
    """Wait for the end of the program, as the recorded caller did."""
    while True:
        real.sleep(3600)


async def async_wait(serve: Serve, position: int) -> None:
    """The same for asynchronous code."""
    gate = serve.gates.get(position)
    while gate is not None and gate not in _served:
        await _until_more_is_served(gate)
    delay_s = serve.wait_s(position)
    if delay_s > 0:
        await sleep(delay_s)


async def until_cancelled(course: Course) -> None:
    """Wait for the one who cancelled the recorded request to cancel this one.

    Returns where nobody does by the time that somebody did in the recorded run. Without a timer in
    asyncio: that looks at the clock, where the recorded program did not, and the program's next
    look would find what this one should have.
    """
    asyncio = sys.modules.get("asyncio")
    loop = asyncio._get_running_loop() if asyncio is not None else None
    if loop is None:
        while True:
            await sleep(3600)
    never = loop.create_future()
    _held.add(never)  # nobody else has it, nor through it the task
    course.end_in_vain(never)
    try:
        await never
    finally:
        _held.discard(never)


async def _until_more_is_served(gate: int) -> None:
    """Wait for the next answer of this process: with asyncio until then, else for a moment.

    Not at all where `gate` was served in another thread since the caller looked.
    """
    asyncio = sys.modules.get("asyncio")
    loop = asyncio._get_running_loop() if asyncio is not None else None  # a public C function
    if asyncio is None or loop is None:
        await sleep(_LOOK_AGAIN_S)
        return
    more = loop.create_future()

    def wake() -> None:
        if asyncio._get_running_loop() is loop:
            _set(more)
        else:
            from agentvcr.inside import lanes  # noqa: PLC0415  (waiting is for all, lanes are not)

            token = lanes.enter(lanes.current().under_cover())  # it takes no number
            try:
                loop.call_soon_threadsafe(_set, more)
            except RuntimeError:  # the loop is closed
                return
            finally:
                lanes.leave(token)

    _waiting.append(wake)
    if gate in _served:
        wake()
    await more


def _set(future: Any) -> None:  # noqa: ANN401  (asyncio's)
    if not future.done():
        future.set_result(None)


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
