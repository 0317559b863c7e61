"""Tell in its turn that an exchange was broken off.

Owns the order of the two: first the turn, then the telling, whatever comes between.
"""

from __future__ import annotations

from agentvcr.inside.exchange import end_kind_of

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Callable, Union

    from agentvcr.inside.course import Course
    from agentvcr.inside.exchange import Forward

    Tell = Callable[[str, Union[BaseException, None]], None]


def broke_off(forward: Forward, error: BaseException) -> None:
    """Tell in its turn that an exchange was broken off by `error`."""
    told_in_turn(forward.course, error, forward.sink.end)


async def async_broke_off(forward: Forward, error: BaseException) -> None:
    """The same in an event loop."""
    await async_told_in_turn(forward.course, error, forward.sink.end)


def told_in_turn(course: Course, error: BaseException, tell: Tell) -> None:
    """Wait for the turn of `error`, and tell of it; or of what comes while it waits."""
    try:
        fell(course, error)
    except BaseException as other:  # which is what the program sees
        tell(end_kind_of(other), other)
        raise
    tell(end_kind_of(error), error)


async def async_told_in_turn(course: Course, error: BaseException, tell: Tell) -> None:
    """The same in an event loop."""
    try:
        await async_fell(course, error)
    except BaseException as other:  # which is what the program sees
        tell(end_kind_of(other), other)
        raise
    tell(end_kind_of(error), error)


def fell(course: Course, error: BaseException) -> None:
    """Wait for the turn of an exchange's end by `error`; not where nobody may be kept waiting."""
    if not isinstance(error, GeneratorExit):
        course.arrive()


async def async_fell(course: Course, error: BaseException) -> None:
    """The same in an event loop.

    Some cancel again and again until one has left, as anyio does: whoever is cancelled already
    waits on, or it would leave after as many turns of the loop as its client has inner workings.
    """
    if end_kind_of(error) == "cancelled":
        await course.async_end()
    elif not isinstance(error, GeneratorExit):
        await course.async_arrive()
