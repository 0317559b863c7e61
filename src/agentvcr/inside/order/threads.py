"""Threads and work items: each begins in its turn, and is seen to end.

Owns that. What a thread waits for meanwhile is in `waits`.
"""

from __future__ import annotations

from agentvcr.inside import lanes
from agentvcr.inside.order import world as worlds
from agentvcr.inside.order.gates import wait_for_turn
from agentvcr.inside.order.locks import hook_locks
from agentvcr.inside.order.strands import Strand, become, strand_here
from agentvcr.inside.order.waits import hook_conditions, hook_join, taking_part
from agentvcr.inside.patching import dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from agentvcr.inside.order.world import World

_STANDARD = ("concurrent", "multiprocessing", "asyncio", "subprocess")


def hook_threading(module: ModuleType) -> None:
    """Let the threads of `threading` begin in their turn, and see them wait and end."""
    hook_conditions(module)
    hook_locks(module)
    hook_join(module.Thread)
    _hook_start(module.Thread)
    _hook_bootstrap(module.Thread)
    _hook_shutdown(module)


def _hook_start(thread_class: Any) -> None:  # noqa: ANN401  (`Thread`)
    original: Any = thread_class.start

    def start(self: Any) -> None:  # noqa: ANN401  (a Thread)
        world = taking_part()[0]
        if world is None or not self._initialized or self._started.is_set() or _is_machinery(self):
            original(self)
            return
        strand = self._agentvcr_strand = Strand()
        with world.lock:
            world.works(strand)  # at work from now on, whenever the system lets it
        try:
            original(self)
        except BaseException:
            with world.lock:
                world.leaves(strand)
            raise

    lanes.replace(thread_class, "start", dressed_as(original)(start))


def _hook_bootstrap(thread_class: Any) -> None:  # noqa: ANN401  (`Thread`)
    original: Any = thread_class._bootstrap_inner

    def bootstrap_inner(self: Any) -> None:  # noqa: ANN401  (a Thread)
        lane, world = self.__dict__.get("_agentvcr_lane"), worlds.active
        strand = self.__dict__.pop("_agentvcr_strand", None)
        if world is None or lane is None or strand is None:
            _run_unseen(original, self)
            return
        become(strand)
        _begin_in_turn(self, world, lane.name)
        try:
            original(self)
        finally:
            with world.lock:
                world.leaves(strand)

    lanes.replace(thread_class, "_bootstrap_inner", dressed_as(original)(bootstrap_inner))


def _run_unseen(original: Any, thread: Any) -> None:  # noqa: ANN401  (as above)
    """Run a thread that nobody waits for; where it was seen at a wait, see it end."""
    try:
        original(thread)
    finally:
        world, strand = worlds.active, strand_here()
        if world is not None and strand in world.active:
            with world.lock:
                world.leaves(strand)


def _begin_in_turn(thread: Any, world: World, lane: str) -> None:  # noqa: ANN401  (a Thread)
    """Have a thread wait for its turn before its code, and behind telling that it has started."""
    run, own = thread.run, thread.__dict__.get("run")

    def run_in_turn() -> None:
        thread.__dict__.pop("run", None)
        if own is not None:
            thread.run = own
        wait_for_turn(world, ("N", lane, 0))
        run()

    thread.run = run_in_turn


def _hook_shutdown(module: ModuleType) -> None:
    original: Any = module._shutdown

    def shutdown() -> None:
        world = worlds.active
        if world is not None:
            with world.lock:
                world.leaves(world.contact())
        original()

    lanes.replace(module, "_shutdown", dressed_as(original)(shutdown))


def _is_machinery(thread: Any) -> bool:  # noqa: ANN401  (a Thread)
    """Whether a thread is the standard library's own: nobody waits for it to settle."""
    target = getattr(thread, "_target", None)
    run = target if target is not None else getattr(type(thread), "run", None)
    module = getattr(run, "__module__", None) or ""
    return module.partition(".")[0] in _STANDARD


def hook_executors(module: ModuleType) -> None:
    """Let each work item of `concurrent.futures.thread` begin in its turn."""
    item_class: Any = module._WorkItem
    original: Any = item_class.run

    def run(self: Any, *args: Any) -> None:  # noqa: ANN401  (a _WorkItem)
        world, lane = worlds.active, self.__dict__.get("_agentvcr_lane")
        if world is None or lane is None or lane.shadow or lane.covered or world.is_off:
            original(self, *args)
            return
        strand = world.contact()
        try:
            wait_for_turn(world, ("N", lane.name, 0))
        except BaseException as error:  # noqa: BLE001  (the replay is over: the item's owner is told)
            if self.future.set_running_or_notify_cancel():
                self.future.set_exception(error)
            return
        try:
            original(self, *args)
        finally:
            with world.lock:
                world.leaves(strand)

    lanes.replace(item_class, "run", dressed_as(original)(run))
