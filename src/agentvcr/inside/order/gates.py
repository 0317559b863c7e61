"""Wait for one's turn, in a thread or in an event loop.

Owns the two ways to wait, and the course of one exchange through its deliveries. Does not decide
whose turn it is (`world`).
"""

from __future__ import annotations

import sys

from agentvcr.inside import lanes
from agentvcr.inside.exchange import FREE, Course
from agentvcr.inside.order import world as worlds
from agentvcr.inside.order.loops import LoopTurn, wrapped
from agentvcr.inside.order.watch import HOLD_S, TICK_S
from agentvcr.inside.order.world import Turn

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any

    from agentvcr.inside.lane import Lane
    from agentvcr.inside.order.log import Key
    from agentvcr.inside.order.world import World


class Ordered(Course):
    """What is delivered of one exchange, piece by piece, to the caller that asked for it."""

    __slots__ = ("_index", "_world", "number")

    def __init__(self, world: World, number: int, lane: Lane) -> None:
        """Follow exchange `number`, which has just begun in `lane`."""
        self.number = number
        self._world = world
        self._index = 0
        with world.lock:
            world.note(("S", number, 0))
        worlds.told(lane)

    def leave(self) -> None:
        """Say that this thread is about to wait for the network."""
        world = self._world
        if worlds.active is world:
            strand = world.contact()
            with world.lock:
                world.leaves(strand)

    def back(self) -> None:
        """Say that this thread waits no more, with nothing delivered yet."""
        if worlds.active is self._world:
            self._world.contact()

    def arrive(self) -> None:
        """Wait until it is this delivery's turn."""
        key, world = self._next(), self._world
        if worlds.active is world:
            try:
                wait_for_turn(world, key)
            except BaseException:
                self._index -= 1
                raise
            if key[2] == 0:
                _told_here()

    async def async_arrive(self, index: int | None = None) -> None:
        """The same in an event loop; `index` where deliveries have numbers of their own."""
        if index is not None:
            self._index = index
        key, world = self._next(), self._world
        if worlds.active is world:
            try:
                await async_wait_for_turn(world, key)
            except BaseException:
                self._index -= 1
                raise
            if key[2] == 0:
                _told_here()

    def finish(self) -> None:
        """Expect nothing more of it."""
        world = self._world
        if world.replaying:
            with world.lock:
                world.log.finish(self.number)

    def _next(self) -> Key:
        key = ("D", self.number, self._index)
        self._index += 1
        return key


def _told_here() -> None:
    lane = lanes.current()
    if not lane.shadow:
        worlds.told(lane)


def course_of(number: int) -> Course:
    """Follow an exchange that begins here, if its order is anybody's concern."""
    world = worlds.active
    if world is None or not number:
        return FREE
    lane = lanes.current()
    if lane.shadow or lane.covered or world.is_off:
        return FREE
    world.contact()
    return Ordered(world, number, lane)


def wait_for_turn(world: World, key: Key) -> None:
    """Wait in this thread until `key` may happen."""
    strand = world.contact()
    turn = Turn(key, strand)
    with world.lock:
        if world.halted is not None:
            raise world.halted
        if not world.awaits(turn):
            return
        world.leaves(strand)
    try:
        look_until(world, turn)
    except BaseException:
        taken_back(world, turn)
        raise
    if world.halted is not None:
        raise world.halted


def look_until(world: World, turn: Turn) -> None:
    """Wait until a turn comes, and look around meanwhile."""
    tick_s = TICK_S if world.replaying else HOLD_S
    while not turn.raw.acquire(timeout=tick_s):
        with world.lock:
            if not turn.over:
                world.watch.look()


def taken_back(world: World, turn: Turn) -> None:
    """Be at work again without having had the turn."""
    with world.lock:
        world.forget(turn)
        world.active.add(turn.strand)


async def async_wait_for_turn(world: World, key: Key) -> None:
    """Wait in this event loop until `key` may happen."""
    asyncio = sys.modules.get("asyncio")
    loop: Any = asyncio._get_running_loop() if asyncio is not None else None
    selector = wrapped(loop, world)
    if selector is None:
        return
    future = loop.create_future()
    turn = LoopTurn(key, selector, future)
    with world.lock:
        if world.halted is not None:
            raise world.halted
        if not world.awaits(turn):
            return
    try:
        await future
    except BaseException:
        with world.lock:
            world.forget(turn)
        raise
    if world.halted is not None:
        raise world.halted
