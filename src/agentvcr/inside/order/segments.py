"""Count a lane's waits for a time, and for locks, anew from each exchange on, as its clock reads.

Owns how such a wait is named in the log. A program that sleeps between looks at something real, as
whether a child has ended, does so as often as chance has it: one sleep more or less in a replay
must not be taken for those behind the next request.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any

    from agentvcr.inside.lane import Lane
    from agentvcr.inside.order.log import Key
    from agentvcr.inside.order.world import World

_KIND = "order segment"
_MARK = " @"
_OF_LOCK = "|"


class _Segment:
    """How many exchanges of a lane have begun or come, and how often it has waited since."""

    __slots__ = ("number", "takings", "waits")

    def __init__(self) -> None:
        self.number = self.waits = 0
        self.takings: dict[str, list[Any]] = {}
        """Of each lock the name that its takings have here, and how many there were: a queue's is
        taken at each `put` and `get`."""

    def who(self, lane: Lane) -> str:
        """Name the lane in this segment; by its own name in the first."""
        return "%s%s%d" % (lane.name, _MARK, self.number) if self.number else lane.name


def next_wait(lane: Lane) -> Key:
    """Name the end of the next wait of a lane for a time."""
    segment = _of(lane)
    segment.waits += 1
    return "T", segment.who(lane), segment.waits - 1


def next_taking(lane: Lane, lock: str) -> tuple[str, int]:
    """Name the next taking of a lock in a lane: who, and which of them."""
    segment = _of(lane)
    taken = segment.takings.get(lock)
    if taken is None:
        taken = segment.takings[lock] = [segment.who(lane) + _OF_LOCK + lock, 0]
    taken[1] += 1
    return taken[0], taken[1] - 1


def go_on(world: World, lane: Lane) -> None:
    """Begin a lane's next segment; a replay expects no more of the one before. The lock is held."""
    segment = _of(lane)
    if world.replaying:
        world.log.finish_waits(segment.who(lane), but=world.pending)
    segment.number += 1
    segment.waits = 0
    segment.takings.clear()


def _of(lane: Lane) -> _Segment:
    found: _Segment | None = lane.counters.get(_KIND)
    return found or lane.counters.setdefault(_KIND, _Segment())


def waiter_of(who: str) -> str:
    """Give the lane in its segment, of a wait for a time or for a lock."""
    return who.partition(_OF_LOCK)[0]


def lane_of(who: str) -> str:
    """Give the lane of a wait for a time or for a lock."""
    return waiter_of(who).partition(_MARK)[0]
