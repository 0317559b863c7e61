"""Put recorded order in place in this process.

Owns which hooks that takes. Each is another module's.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock

from agentvcr.inside import clock, lanes, real
from agentvcr.inside.hooking import hook_all
from agentvcr.inside.order import world as worlds
from agentvcr.inside.order.log import pack, unpack
from agentvcr.inside.patching import dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from agentvcr.inside.hooking import Hook
    from agentvcr.inside.order.log import Entry


def install(
    handler: Any,  # noqa: ANN401  (the process's handler)
    *,
    is_virtual: bool = True,
    reads_are_kept: bool = True,
) -> None:
    """Keep the order of what happens, or have it again.

    With `AGENTVCR_ORDER=own` a replay keeps the order that comes about, as a recording does.

    Args:
        handler: Takes it down, or has it.
        is_virtual: In a replay, time is the recorded one too.
        reads_are_kept: What the program reads of a clock is recorded.
    """
    _is_virtual[:] = [is_virtual]
    worlds.activate(_begun(handler))
    if reads_are_kept:
        worlds.tell_deliveries(clock.segment)
        clock.set_now(_now_ns if handler.replaying and not _is_own() else None)
    lanes.on_item.append(lambda unit: _take_up(handler, unit))
    _follow_forks(handler)
    hook_all(HOOKS)


def _is_own() -> bool:
    return os.environ.get("AGENTVCR_ORDER") == "own"


def _now_ns() -> int:
    """Say what time it is in a replay; the real time where nobody keeps order."""
    world = worlds.active
    return real.monotonic_ns() if world is None or world.is_off else world.now_ns


def _take_up(handler: Any, unit: str) -> None:  # noqa: ANN401  (as above)
    """Keep the order of an item of a pool by itself: which worker does it is chance."""
    world = worlds.active
    if world is not None:
        world.tell()
        worlds.activate(_world(handler, unit) if unit else _base[0])


def _begun(handler: Any) -> worlds.World:  # noqa: ANN401  (as above)
    _base[:] = [_world(handler, "")]
    return _base[0]


def _world(handler: Any, unit: str) -> worlds.World:  # noqa: ANN401  (as above)
    def tell(entries: list[Entry]) -> None:
        handler.world("order", unit, pack(entries))

    def load() -> list[Entry]:
        found: list[Entry] = []
        for lane, data in handler.recorded_world("order", unit):
            if lane == unit:
                found += unpack(data)
        # Parts travel over several connections: the clock, read under one lock, has their order.
        found.sort(key=lambda one: one.at_ns)
        return found

    if not handler.replaying or _is_own():
        return worlds.World(tell=tell)
    world = worlds.World(tell=tell, load=load, is_virtual=_is_virtual[0])
    world.watch.report = handler.other_order
    return world


def tell() -> None:
    """Tell the engine what has happened so far."""
    if worlds.active is not None:
        worlds.active.tell_all()


def uninstall() -> None:
    """Keep no order any more; `lanes.uninstall` takes away the hooks."""
    loops = sys.modules.get(__package__ + ".loops")
    if loops is not None and worlds.active is not None:
        loops.leave_all(worlds.active)
    tell()
    worlds.activate(None)
    clock.set_now(None)
    worlds.tell_deliveries(None)
    _follows.clear()


_follows: list[Any] = []
_is_registered: list[bool] = []
"""That forks are followed: a hook cannot be taken away again."""
_is_virtual: list[bool] = [True]
_base: list[worlds.World] = []
"""The world of this process outside of every item."""


def _follow_forks(handler: Any) -> None:  # noqa: ANN401  (as above)
    """Begin anew in the child of a fork: it is another process of the run."""
    if not _is_registered and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forked)
        _is_registered.append(True)
    _follows[:] = [handler]


def _forked() -> None:
    if worlds.active is not None and _follows:
        worlds.active.lock = RLock()  # who held it is not here, and old turns and courses use it
        worlds.activate(_begun(_follows[0]))


def _hook_time(module: ModuleType) -> None:
    """Let a sleep end in its turn."""
    original: Any = module.sleep

    @dressed_as(original)
    def sleep(seconds: float) -> None:
        from agentvcr.inside.order import waits  # noqa: PLC0415  (only who waits)

        waits.sleep(original, seconds)

    lanes.replace(module, "sleep", sleep)


def _hook_threading(module: ModuleType) -> None:
    from agentvcr.inside.order import threads  # noqa: PLC0415  (only who has threads)

    threads.hook_threading(module)


def _hook_executors(module: ModuleType) -> None:
    from agentvcr.inside.order import threads  # noqa: PLC0415  (as above)

    threads.hook_executors(module)


def _hook_asyncio(module: ModuleType) -> None:
    from agentvcr.inside.order import loops  # noqa: PLC0415  (only who has a loop)

    loops.hook_asyncio(module)


def _hook_task_sets(module: ModuleType) -> None:
    from agentvcr.inside.order import hashes, task_sets  # noqa: PLC0415  (as above)

    task_sets.hook_asyncio(module)
    hashes.hook_tasks(module.tasks)


def _hook_futures(module: ModuleType) -> None:
    from agentvcr.inside.order import hashes  # noqa: PLC0415  (only who has futures)

    hashes.hook_futures(module)


def _hook_anyio(module: ModuleType) -> None:
    from agentvcr.inside.order import hashes  # noqa: PLC0415  (only who has it)

    hashes.hook_scopes(module)


def _hook_uvloop(module: ModuleType) -> None:
    from agentvcr.inside.order import uvloop  # noqa: PLC0415  (only who has it)

    uvloop.hook_uvloop(module)


HOOKS: dict[str, Hook] = {
    "time": _hook_time,
    "threading": _hook_threading,
    "concurrent.futures._base": _hook_futures,
    "concurrent.futures.thread": _hook_executors,
    "asyncio.selector_events": _hook_asyncio,
    "asyncio": _hook_task_sets,
    "anyio._backends._asyncio": _hook_anyio,
    "uvloop": _hook_uvloop,
}
