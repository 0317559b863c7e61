"""The program's own locks: whose turn it is to get one, where threads contend for it.

Owns the stand-ins for `threading.Lock` and `threading.RLock`, also behind what the program makes of
`threading` and `queue`. Locks that libraries make for themselves stay as they are.
"""

from __future__ import annotations

import sys
import threading as threading_module
from _thread import RLock as RawRLock
from _thread import allocate_lock

from agentvcr.inside import lanes
from agentvcr.inside.order import world as worlds
from agentvcr.inside.order.gates import taken_back, wait_for_turn
from agentvcr.inside.order.loops import next_of
from agentvcr.inside.order.segments import next_taking
from agentvcr.inside.order.waits import begin, time_is_up, wait_out
from agentvcr.inside.order.watch import TICK_S

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from agentvcr.inside.lane import Lane
    from agentvcr.inside.order.log import Key
    from agentvcr.inside.order.strands import Turn
    from agentvcr.inside.order.world import World

_STANDARD = threading_module.__file__.rpartition("threading.py")[0]
_MAKERS = (_STANDARD + "threading.py", _STANDARD + "queue.py")
_OF_THREADS = threading_module.Thread.__init__.__code__
_PACKAGES = ("site-packages", "dist-packages")


def _is_program(depth: int) -> bool:
    """Whether a lock's maker is the program itself, and no library.

    Libraries' locks are held for moments, and those of a client are not taken in a replay. Of a
    Queue, an Event or a Condition it is who makes that; a Thread makes an Event for itself.
    """
    frame = sys._getframe(depth)
    while frame.f_code.co_filename in _MAKERS and frame.f_back is not None:
        if frame.f_code is _OF_THREADS:
            return False
        frame = frame.f_back
    file = frame.f_code.co_filename
    return not (file.startswith(_STANDARD) or any(one in file for one in _PACKAGES))


class _Kind(type):
    """Makes `isinstance` true of real locks too, where the class is one of Python's."""

    def __instancecheck__(cls, instance: object) -> bool:
        return type.__instancecheck__(cls, instance) or isinstance(instance, cls._real)  # type: ignore[attr-defined]


class _Ordered(metaclass=_Kind):
    """A lock that goes to its next owner in the recorded order."""

    __slots__ = ("__weakref__", "_inner", "_name", "_owner")
    __module__ = "threading"  # who pickles the class finds the same, also where we are not
    _real: Any = type(allocate_lock())

    def __init__(self) -> None:
        """Nobody has it."""
        self._inner = self._make()
        self._owner: str | None = None
        lane = lanes.current()
        self._name = "%s/lock%d" % (lane.name, next_of(lane, "lock"))

    @staticmethod
    def _make() -> Any:  # noqa: ANN401  (a lock)
        return allocate_lock()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:  # noqa: FBT001, FBT002  (as a lock's)
        """Take it, in this thread's turn; or wait in vain, where time was up in the recording."""
        world, lane = _contending()
        if world is None or lane is None or not blocking or timeout == 0:
            taken: bool = self._inner.acquire(blocking, timeout)
            return taken
        who, index = next_taking(lane, self._name)
        if world.replaying:
            _await(world, ("A", who, index))
        if timeout != -1:
            if not self._taken_within(world, ("T", who, index), timeout):
                return False
        elif not self._inner.acquire(False):  # noqa: FBT003  (it takes no name before 3.13)
            self._wait(world)
        if not world.replaying and self._owner not in (None, lane.name):
            with world.lock:
                world.note(("A", who, index))
        self._owner = lane.name
        return True

    def _wait(self, world: World) -> None:
        strand = world.contact()
        with world.lock:
            world.leaves(strand)
        try:
            self._inner.acquire()
        finally:
            world.contact()

    def _taken_within(self, world: World, key: Key, timeout_s: float) -> bool:
        """Wait for a time, whose end has a `key`; in vain where it ran out in the recording."""
        is_in_vain = world.replaying and world.log.place_of(key) is not None
        if not is_in_vain and self._inner.acquire(False):  # noqa: FBT003  (as above)
            return True
        with world.lock:
            turn = begin(world, key, timeout_s)
            world.leaves(turn.strand)
        try:
            if is_in_vain:
                wait_out(world, turn, timeout_s)
            elif self._is_free_before(world, turn, timeout_s):
                return True
            else:
                time_is_up(world, turn)
            worlds.told(lanes.current())
            return False
        finally:
            taken_back(world, turn)

    def _is_free_before(self, world: World, turn: Turn, timeout_s: float) -> bool:
        """Take it as soon as it is free, and say whether it was in time."""
        taken: bool = self._inner.acquire(True, TICK_S if world.is_virtual else timeout_s)  # noqa: FBT003  (as above)
        while world.is_virtual and not taken and not turn.over:
            with world.lock:
                world.watch.look()
            taken = self._inner.acquire(True, TICK_S)  # noqa: FBT003  (as above)
        return taken

    __enter__ = acquire

    def release(self) -> None:
        """Give it back."""
        self._inner.release()

    def __exit__(self, *error: object) -> None:
        self._inner.release()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (whatever a lock has)
        return getattr(self._inner, name)

    def __reduce_ex__(self, protocol: Any) -> Any:  # noqa: ANN401  (as a lock's: it refuses)
        return self._inner.__reduce_ex__(protocol)

    def __repr__(self) -> str:
        return repr(self._inner)


class Lock(_Ordered):
    """Stands for `threading.Lock`."""

    __slots__ = ()
    __module__ = "threading"

    def __new__(cls) -> Any:  # noqa: ANN401  (a lock)
        """Make one, or a real one for a library."""
        if worlds.active is None or not _is_program(2):
            return allocate_lock()
        return super().__new__(cls)


class RLock(_Ordered):
    """Stands for `threading.RLock`."""

    __slots__ = ()
    __module__ = "threading"
    _real = type(RawRLock())

    def __new__(cls) -> Any:  # noqa: ANN401  (a lock)
        """Make one, or a real one for a library."""
        if worlds.active is None or not _is_program(2):
            return RawRLock()
        return super().__new__(cls)

    @staticmethod
    def _make() -> Any:  # noqa: ANN401  (a lock)
        return RawRLock()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:  # noqa: FBT001, FBT002  (as a lock's)
        """Take it, in this thread's turn; again at once, where this thread has it."""
        if self._inner._is_owned():
            taken: bool = self._inner.acquire(blocking, timeout)
            return taken
        return super().acquire(blocking, timeout)

    __enter__ = acquire

    def _acquire_restore(self, state: tuple[int, int]) -> None:
        """Take it again behind a wait in a `Condition`, as often as this thread had it."""
        super().acquire()
        for _ in range(state[0] - 1):
            self._inner.acquire()


def _contending() -> tuple[World | None, Lane | None]:
    """Give the world, and the lane of this thread; none where its order is nobody's concern.

    Tasks of one event loop are in order by what is delivered to them, so their thread never waits.
    """
    world = worlds.active
    if world is None or lanes.is_shadow():
        return None, None
    lane = lanes.of_thread()
    if lane is None or lane.shadow or lanes.current().covered or world.is_off:
        return None, None
    return world, lane


def _await(world: World, key: Key) -> None:
    """Wait for the turn of a lock; at once where it is here, or this is an event loop's thread."""
    asyncio = sys.modules.get("asyncio")
    with world.lock:
        place = world.log.place_of(key)
        if place is None:
            return
        if place == world.log.cur or (asyncio and asyncio._get_running_loop() is not None):
            world.note(key)
            return
    wait_for_turn(world, key)


def hook_locks(module: ModuleType) -> None:
    """Put the stand-ins into `threading`."""
    lanes.replace(module, "Lock", Lock)
    lanes.replace(module, "RLock", RLock)
