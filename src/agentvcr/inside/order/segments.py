"""Count a lane's waits for a time, and for locks, anew from each exchange on, as its clock reads.

Owns how such a wait is named in the log. A program that sleeps between looks at something real, as
whether a child has ended, does so as often as chance has it: one sleep more or less in a replay
must not be taken for those behind the next request.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from agentvcr.inside.lane import Lane
    from agentvcr.inside.order.log import Key
    from agentvcr.inside.order.world import World

_KIND = "order segment"
_MARK = " @"
_OF_LOCK = "|"


class _Segment:
    """How many exchanges of a lane have begun or come, and how often it has waited since."""

    __slots__ = ("counts", "number")

    def __init__(self) -> None:
        self.number = 0
        self.counts: dict[str, int] = {}

    def who(self, lane: Lane) -> str:
        """Name the lane in this segment; by its own name in the first."""
        return "%s%s%d" % (lane.name, _MARK, self.number) if self.number else lane.name

    def next(self, who: str) -> int:
        """Count the waits of a name."""
        count = self.counts.get(who, 0)
        self.counts[who] = count + 1
        return count


def next_wait(lane: Lane) -> Key:
    """Name the end of the next wait of a lane for a time."""
    segment = _of(lane)
    who = segment.who(lane)
    return "T", who, segment.next(who)


def next_taking(lane: Lane, lock: str) -> tuple[str, int]:
    """Name the next taking of a lock in a lane: who, and which of them."""
    segment = _of(lane)
    who = segment.who(lane) + _OF_LOCK + lock
    return who, segment.next(who)


def go_on(world: World, lane: Lane) -> None:
    """Begin a lane's next segment; a replay expects no more of the one before. The lock is held."""
    segment = _of(lane)
    if world.replaying:
        world.log.finish_waits(segment.who(lane), but=world.pending)
    segment.number += 1
    segment.counts.clear()


def _of(lane: Lane) -> _Segment:
    found: _Segment = lane.counters.setdefault(_KIND, _Segment())
    return found


def waiter_of(who: str) -> str:
    """Give the lane in its segment, of a wait for a time or for a lock."""
    return who.partition(_OF_LOCK)[0]


def lane_of(who: str) -> str:
    """Give the lane of a wait for a time or for a lock."""
    return waiter_of(who).partition(_MARK)[0]
