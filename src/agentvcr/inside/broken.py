"""Tell in its turn that an exchange was broken off.

Owns the order of the two: first the turn, then the telling, whatever comes between.
"""

from __future__ import annotations

from agentvcr.inside.exchange import Course, Forward, end_kind_of


def broke_off(forward: Forward, error: BaseException) -> None:
    """Tell in its turn that an exchange was broken off by `error`."""
    try:
        fell(forward.course, error)
    except BaseException as other:  # which is what the program sees
        forward.sink.end(end_kind_of(other), other)
        raise
    forward.sink.end(end_kind_of(error), error)


async def async_broke_off(forward: Forward, error: BaseException) -> None:
    """The same in an event loop."""
    try:
        await async_fell(forward.course, error)
    except BaseException as other:  # which is what the program sees
        forward.sink.end(end_kind_of(other), other)
        raise
    forward.sink.end(end_kind_of(error), error)


def fell(course: Course, error: BaseException) -> None:
    """Wait for the turn of an exchange's end by `error`; not where nobody may be kept waiting."""
    if not isinstance(error, GeneratorExit):
        course.arrive()


async def async_fell(course: Course, error: BaseException) -> None:
    """The same in an event loop."""
    if isinstance(error, GeneratorExit):
        return
    try:
        await course.async_arrive()
    except BaseException:
        if end_kind_of(error) != "cancelled":
            raise
        # Some cancel again and again until one has left: so be it, without a turn.
