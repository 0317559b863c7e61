"""Wait for one's turn, in a thread or in an event loop.

Owns the two ways to wait, and the course of one exchange through its deliveries. Does not decide
whose turn it is (`world`).
"""

from __future__ import annotations

import sys

from agentvcr.inside import lanes
from agentvcr.inside.course import FREE, Course
from agentvcr.inside.order import segments
from agentvcr.inside.order import world as worlds
from agentvcr.inside.order.loop_turns import LoopTurn
from agentvcr.inside.order.loops import wrapped
from agentvcr.inside.order.strands import Turn
from agentvcr.inside.order.watch import HOLD_S, TICK_S

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any

    from agentvcr.inside.lane import Lane
    from agentvcr.inside.order.log import Key
    from agentvcr.inside.order.world import World


class Ordered(Course):
    """What is delivered of one exchange, piece by piece, to the caller that asked for it."""

    __slots__ = ("_index", "_own", "_world", "number")

    def __init__(self, world: World, number: int, own: int, lane: Lane) -> None:
        """Follow exchange `number`, which has just begun in `lane`; this run calls it `own`."""
        self.number = number
        self._own = own
        self._world = world
        self._index = 0
        with world.lock:
            world.note(("S", number, 0), told=("S", own, 0))
            segments.go_on(world, lane)
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
                wait_for_turn(world, key, ("D", self._own, key[2]))
            except BaseException:
                self._index -= 1
                raise
            if key[2] == 0:
                self._told_here()

    async def async_arrive(self, index: int | None = None) -> None:
        """The same in an event loop; `index` where deliveries have numbers of their own."""
        if index is not None:
            self._index = index
        key, world = self._next(), self._world
        if worlds.active is world:
            try:
                await async_wait_for_turn(world, key, ("D", self._own, key[2]))
            except BaseException:
                self._index -= 1
                raise
            if key[2] == 0:
                self._told_here()

    async def async_end(self) -> None:
        """The same for the end of what is cancelled, however often it is cancelled meanwhile."""
        key, world = self._next(), self._world
        if worlds.active is world:
            await async_wait_for_turn(world, key, ("D", self._own, key[2]), is_cancelled=True)
            if key[2] == 0:
                self._told_here()

    def _told_here(self) -> None:
        """Say to the lane that it was answered."""
        lane = lanes.current()
        if not lane.shadow:
            with self._world.lock:
                segments.go_on(self._world, lane)
            worlds.told(lane)

    def end_in_vain(self, never: Any) -> None:  # noqa: ANN401  (asyncio's)
        """Let a future be done when the log goes on without this exchange's next entry."""
        world, key = self._world, ("D", self.number, self._index)
        selector = wrapped(never.get_loop(), world) if worlds.active is world else None
        if selector is not None:
            with world.lock:
                world.in_vain[self.number] = LoopTurn(key, selector, never)

    def finish(self) -> None:
        """Expect nothing more of it."""
        world = self._world
        if world.replaying:
            with world.lock:
                world.log.finish(self.number, but=world.pending)

    def _next(self) -> Key:
        key = ("D", self.number, self._index)
        self._index += 1
        return key


class Real(Ordered):
    """What comes from the network in a replay: in its turn, where it was recorded, and no sooner.

    Nobody is held to be stuck meanwhile; where it was not recorded, no timer runs out either.
    """

    __slots__ = ("_is_expected", "_is_known")

    def __init__(self, world: World, number: int, own: int, lane: Lane) -> None:
        """Follow an exchange that goes out; `number` is 0 where nothing like it was recorded."""
        self._is_expected = False
        self._is_known = bool(number)
        super().__init__(world, number or -own, own, lane)
        self.expect()

    def expect(self) -> None:
        """Say that something is to come."""
        if not self._is_expected:
            self._is_expected = True
            with self._world.lock:
                self._world.outside += 1
                self._world.strange += not self._is_known
                self._world.has_left |= not self._is_known

    def _next(self) -> Key:
        if self._is_expected:
            self._is_expected = False
            with self._world.lock:
                self._world.outside -= 1
                self._world.strange -= not self._is_known
        return super()._next()

    def __del__(self) -> None:
        """Expect nothing of what was dropped."""
        if self._is_expected:
            self._is_expected = False
            self._world.outside -= 1
            self._world.strange -= not self._is_known


def course_of(number: int, own: int, *, is_real: bool = False) -> Course:
    """Follow an exchange that begins here, if its order is anybody's concern.

    Args:
        number: Its number in the log: the recorded one in a replay.
        own: Its number in this run.
        is_real: It goes out, in a replay.
    """
    world = worlds.active
    lane = lanes.current()
    if world is None or lane.shadow or lane.covered or world.is_off:
        return FREE
    world.contact()
    if is_real:
        return Real(world, number, own, lane)
    return Ordered(world, number or -own, own, lane) if number or own else FREE


def wait_for_turn(world: World, key: Key, told: Key | None = None) -> None:
    """Wait in this thread until `key` may happen."""
    strand = world.contact()
    turn = Turn(key, strand, told)
    with world.lock:
        if world.halted is not None:
            _after_the_end(world, key)
            return
        if not world.awaits(turn):
            return
        world.leaves(strand)
    try:
        look_until(world, turn)
    except BaseException:
        taken_back(world, turn)
        raise
    _after_the_end(world, key)


def _after_the_end(world: World, key: Key) -> None:
    """Stop who begins; who has been answered gets it whole, since he has not left the recording."""
    if world.halted is not None and key[0] != "D":
        raise world.halted


def look_until(world: World, turn: Turn) -> None:
    """Wait until a turn comes, and look around meanwhile."""
    while not turn.raw.acquire(timeout=_tick_s(world)):
        with world.lock:
            if not turn.over:
                world.watch.look()


_TOGETHER = 8


def _tick_s(world: World) -> float:
    """Say how soon to look: of many who wait, each looks seldom, or looking itself is work."""
    waiting = world.pending if world.replaying else world.arrivals
    return (TICK_S if world.replaying else HOLD_S) * (1 + len(waiting) // _TOGETHER)


def taken_back(world: World, turn: Turn) -> None:
    """Be at work again without having had the turn."""
    with world.lock:
        world.forget(turn)
        world.works(turn.strand)


async def async_wait_for_turn(
    world: World, key: Key, told: Key, *, is_cancelled: bool = False
) -> None:
    """Wait in this event loop until `key` may happen; who is cancelled already is so no more."""
    asyncio: Any = sys.modules.get("asyncio")
    loop: Any = asyncio._get_running_loop() if asyncio is not None else None
    selector = wrapped(loop, world)
    if selector is None:
        return
    future = loop.create_future()
    turn = LoopTurn(key, selector, future, told=told)
    with world.lock:
        if world.halted is not None:
            _after_the_end(world, key)
            return
        if not world.awaits(turn):
            # Whoever is cancelled at this moment is so in the next replay, which does wait.
            loop.call_soon(_let_go_on, future)
    try:
        while is_cancelled and not future.done():
            await _come_or_cancelled(asyncio, future)
        await future
    except BaseException:
        with world.lock:
            world.forget(turn)
        raise
    _after_the_end(world, key)


async def _come_or_cancelled(asyncio: Any, future: Any) -> None:  # noqa: ANN401  (its own)
    """Wait for a turn, or until somebody cancels whoever waits for it once more."""
    try:
        await asyncio.shield(future)
    except asyncio.CancelledError:
        return


def _let_go_on(future: Any) -> None:  # noqa: ANN401  (asyncio's)
    if not future.done():
        future.set_result(None)
