"""Waits of threads: a sleep, a join, and whatever waits in a `Condition`.

The last are events, queues, futures, semaphores and timers, by the lock that is behind them.
Waiting in C, as in a `SimpleQueue`, is out of sight.
"""

from __future__ import annotations

import sys
from _thread import allocate_lock

from agentvcr.inside import clock, lanes
from agentvcr.inside.order import world as worlds
from agentvcr.inside.order.gates import look_until, taken_back
from agentvcr.inside.order.segments import next_wait
from agentvcr.inside.order.strands import Turn, strand_here
from agentvcr.inside.order.watch import TICK_S
from agentvcr.inside.patching import dressed_as
from agentvcr.inside.real import monotonic_ns

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import CodeType, ModuleType
    from typing import Any, Callable

    from agentvcr.inside.lane import Lane
    from agentvcr.inside.order.log import Key
    from agentvcr.inside.order.world import World

_NS = 1_000_000_000


def taking_part() -> tuple[World | None, Lane]:
    """Give the world, if the running code has a place in it, and its lane."""
    world, lane = worlds.active, lanes.current()
    if world is None or lane.shadow or lane.covered or world.is_off:
        return None, lane
    return world, lane


def make_waiter(wait: CodeType) -> Any:  # noqa: ANN401  (a lock)
    """Make the lock on which a thread is about to wait in a `Condition`.

    Whoever is not in `wait`, that of a `Condition`, makes a lock for something else.
    """
    if sys._getframe(2).f_code is not wait:
        return allocate_lock()
    world, lane = taking_part()
    if world is not None:
        return Waiter(world, lane)
    world = worlds.active
    if world is not None and not lane.hidden and strand_here() in world.active:
        return Waiter(world, None)  # a pool's worker behind its work
    return allocate_lock()


class Waiter:
    """The lock on which a thread waits in a `Condition`: acquired, acquired again, released."""

    __slots__ = ("_is_given", "_is_taken", "_lane", "_turn", "_world")

    def __init__(self, world: World, lane: Lane | None) -> None:
        """Nobody has it; without a lane, a wait for a time is nobody's concern."""
        self._world = world
        self._lane = lane
        self._is_taken = False
        self._is_given = False
        self._turn: Turn | None = None

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:  # noqa: FBT001, FBT002  (as a lock's)
        """Take it, or wait until it is released."""
        world, lane = self._world, self._lane
        timeout_s = None if timeout < 0 else timeout
        with world.lock:
            if not self._is_taken or self._is_given:
                self._is_taken, self._is_given = True, False
                return True
            if not blocking or timeout == 0:
                return False
            key = None if lane is None or timeout_s is None else next_wait(lane)
            turn = self._turn = begin(world, key, timeout_s)
            world.leaves(turn.strand)
        try:
            wait_out(world, turn, timeout_s)
        finally:
            self._turn = None
        if turn.expired and lane is not None:
            worlds.told(lane)
        return not turn.expired

    def release(self) -> None:
        """Wake the one who waits."""
        world = self._world
        with world.lock:
            turn = self._turn
            if turn is None or turn.over:
                self._is_given = True
                return
            world.forget(turn)
            world.wake(turn, world.now_ns)

    def locked(self) -> bool:
        """Whether somebody has it."""
        return self._is_taken

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *error: object) -> None:
        self.release()


def begin(
    world: World, key: Key | None, timeout_s: float | None, *, is_alone: bool = False
) -> Turn:
    """Begin to wait; where for a time, its end is an entry of the log. The lock is held.

    Args:
        world: The order of things.
        key: What its end is called in the log.
        timeout_s: For how long, at most; None for as long as it takes.
        is_alone: Nobody can end it sooner.
    """
    turn = Turn(key, world.contact())
    turn.alone = is_alone
    if key is None or timeout_s is None:
        return turn
    if world.is_virtual and not world.awaits(turn):
        # It did not run out in the recording: somebody ends it, or time really passes.
        # The program may have read the clock since what came last: its wait ends no sooner.
        turn.due_ns = max(world.now_ns, clock.latest_ns()) + int(timeout_s * _NS)
        world.sleepers[id(turn)] = turn
    elif world.replaying and not world.is_virtual:
        world.waits_really(turn)
    return turn


def wait_out(world: World, turn: Turn, timeout_s: float | None) -> None:
    """Wait until somebody wakes a turn, or its time is up."""
    try:
        if world.is_virtual and (timeout_s is None or turn.key is not None):
            look_until(world, turn)
        elif timeout_s is None:
            turn.raw.acquire()
        elif not _woken_before(turn, timeout_s):
            time_is_up(world, turn)
    except BaseException:
        taken_back(world, turn)
        raise


def _woken_before(turn: Turn, timeout_s: float) -> bool:
    """Wait really; whether somebody woke the turn in time."""
    until_ns = monotonic_ns() + int(timeout_s * _NS)
    while True:
        left_s = (until_ns - monotonic_ns()) / _NS
        if turn.raw.acquire(timeout=max(0.0, left_s)):
            return True
        if left_s <= 0:
            return False


def time_is_up(world: World, turn: Turn) -> None:
    """Have the end of a wait that really took its time come in its turn."""
    with world.lock:
        if turn.over:
            return
        world.timed.pop(id(turn), None)
        if turn.key is None or not world.awaits(turn):
            turn.expired = turn.over = True
            world.works(turn.strand)
            return
        if not world.active:
            world.step()
    look_until(world, turn)


def sleep(original: Callable[[Any], None], seconds: Any) -> None:  # noqa: ANN401  (a number, or a mistake)
    """Sleep, and go on in one's turn; `original` is `time.sleep`."""
    world, lane = taking_part()
    if world is None or not isinstance(seconds, (int, float)) or not seconds > 0:
        original(seconds)
        return
    if sys._getframe(2).f_globals.get("__name__") == "subprocess":
        # It looks whether a child has ended: that is real, and how often it looks is chance.
        original(seconds)
        return
    with world.lock:
        turn = begin(world, next_wait(lane), seconds, is_alone=True)
        world.leaves(turn.strand)
    wait_out(world, turn, seconds)
    worlds.told(lane)


def hook_join(thread_class: Any) -> None:  # noqa: ANN401  (`Thread`)
    """See a thread wait for another one's end."""
    original: Any = thread_class.join

    def join(self: Any, timeout: float | None = None) -> None:  # noqa: ANN401  (a Thread)
        world, lane = taking_part()
        if world is None or not self.is_alive() or (timeout is not None and timeout <= 0):
            original(self, timeout)
        elif timeout is None:
            with world.lock:
                world.leaves(world.contact())
            try:
                original(self)
            finally:
                world.contact()
        else:
            with world.lock:
                turn = begin(world, next_wait(lane), timeout)
                world.leaves(turn.strand)
            _join_until(world, turn, lambda limit_s: original(self, limit_s), self, timeout)

    lanes.replace(thread_class, "join", dressed_as(original)(join))


def _join_until(
    world: World,
    turn: Turn,
    join: Callable[[float], None],
    thread: Any,  # noqa: ANN401  (a Thread)
    timeout_s: float,
) -> None:
    """Look again and again whether a thread has ended, until time is up."""
    until_ns = monotonic_ns() + int(timeout_s * _NS)
    is_late = False
    try:
        while not (turn.over or is_late) and thread.is_alive():
            left_s = (until_ns - monotonic_ns()) / _NS
            join(TICK_S if world.is_virtual else max(0.0, min(TICK_S, left_s)))
            is_late = not world.is_virtual and monotonic_ns() >= until_ns
            with world.lock:
                if world.replaying and not turn.is_over():
                    world.watch.look()
        if is_late and thread.is_alive():
            time_is_up(world, turn)
    finally:
        taken_back(world, turn)


def hook_conditions(module: ModuleType) -> None:
    """Put the stand-in behind every `Condition` of `threading`."""
    wait = module.Condition.wait.__code__
    lanes.replace(module, "_allocate_lock", lambda: make_waiter(wait))
