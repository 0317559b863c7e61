"""Name each logical caller by its lineage, the same in every run whatever the scheduler does.

Owns the lane of the running code and the hooks that give a new task, thread or executor work item a
lane of its own, numbered by its parent in creation order. Does not know requests.

A pool's worker threads have no lane: the work item has. Code in a context that another thread made
belongs to where it runs, not to where its context is from. What the client's own transport starts
(a connection attempt, a name look-up) runs in a shadow lane that takes no numbers, since a replay
does none of it and every later number would shift.
"""

from __future__ import annotations

from _contextvars import Context, ContextVar
from _thread import _local, get_ident

from agentvcr.inside import collector
from agentvcr.inside.lane import ORPHAN, Lane, OpenStep, era
from agentvcr.inside.patching import dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from contextvars import Token
    from types import ModuleType
    from typing import Any, Callable

_FINALIZERS = ("async_generator_athrow", "async_generator_asend")
_PLAIN = dict.fromkeys(map(ord, "/#[]% "), "_")
_LONGEST_NAME = 80
_LONGEST_ORIGIN = 12_000
"""Characters that may be told to a child; Linux refuses variables of 128 KiB."""

_ORPHAN = Lane(ORPHAN, shadow=True)
_current: ContextVar[Lane] = ContextVar("agentvcr_lane")
NOTHING = object()
"""Stands for what was there, where nothing was."""
_undo: list[tuple[Any, str, Any]] = []
on_item: list[Callable[[str], None]] = []
"""Who is told of the item, by its lane, that this process works for from now on; of none: empty."""


class _Here(_local):
    """The lane of this thread, or of the work item that it does; None where it has none."""

    ground: Lane | None = None
    resting: tuple[Lane | None, Lane, list[Lane]] | None = None
    """What a pool's worker was before it took up a work item: ground, lane and process."""


_here = _Here()


def _no_loop() -> Any:  # noqa: ANN401  (an event loop)
    return None


_running_loop = _no_loop  # asyncio's own, once that is imported
_process: list[Lane] = []
_main_ident: list[int] = [0]
"""The thread that began as the process did."""


def current() -> Lane:
    """Lane of the running code; the orphan lane where nobody named it, or the collector runs it.

    A context that was carried here from another thread has the lane of its origin. An event loop
    runs what others handed to it, each in the lane that was named at the handing over.
    """
    if collector.ident and collector.ident == get_ident():
        return _ORPHAN
    lane = _current.get(_ORPHAN)
    ground = _here.ground
    if lane.era is not era[0]:
        lane = _ORPHAN
    if ground is not None and ground.era is not era[0]:
        ground = None
    if ground is None or lane.root is ground.root or _running_loop() is not None:
        return lane
    if lane is _ORPHAN:
        return ground
    return lane if lane.shadow else ground.within(lane.step, covered=lane.cover or False)


def lane_in(context: Context) -> Lane | None:
    """Give the lane that a context carries, if any."""
    return context.get(_current)


def is_shadow() -> bool:
    """Whether the running code is a client's inner working, below an interceptor."""
    return _current.get(_ORPHAN).hidden


def enter(lane: Lane) -> Token[Lane] | None:
    """Be in a lane until `leave`; what the collector runs stays in none (see `collector`)."""
    if collector.ident and collector.ident == get_ident():
        return None
    return _current.set(lane)


def leave(token: Token[Lane] | None) -> None:
    """Go back to the lane before; a coroutine may be closed in another context than it ran in."""
    if token is None:
        return
    try:
        _current.reset(token)
    except ValueError:
        return


def start(name: str, origin: str = "") -> Token[Lane]:
    """Name the running code's lane, at the start of a process or of a session.

    Args:
        name: The lane.
        origin: What `origin_for_child` said in the process that started this one.
    """
    collector.watch()
    era[0] = _ORPHAN.era = object()
    lane = told(name, origin)
    _process[:] = [lane]
    _main_ident[:] = [get_ident()]
    _ORPHAN.counters.clear()
    _here.ground = _here.resting = None
    return _current.set(lane)


def told(name: str, origin: str) -> Lane:
    """Make the lane that another process has named; see `start`."""
    if not origin:
        return Lane(name)
    step_lane, path, covered = origin.split(" ")
    return Lane(name, step=OpenStep(path, step_lane), covered=covered == "covered")


def take_up(lane: Lane, *, alone: bool) -> None:
    """Work in the lane of an item from here on, as a pool's worker does.

    Args:
        lane: The item's.
        alone: This process does nothing else meanwhile, so that the item is its root.
    """
    if _here.resting is None:
        _here.resting = (_here.ground, _current.get(_ORPHAN), _process[:])
    _here.ground = lane
    if alone:
        _process[:] = [lane]
        for listener in on_item:
            listener(lane.name)
    _current.set(lane)


def put_down(*, alone: bool) -> None:
    """Be what this worker was before it took up an item, if it has."""
    resting = _here.resting
    if resting is not None:
        _here.resting = None
        _here.ground, lane, root = resting
        if alone:
            _process[:] = root
            for listener in on_item:
                listener("")
        _current.set(lane)


def origin_for_child(lane: Lane | None = None) -> str:
    """Say, for the processes that a lane (the running code's) starts, which step they belong to."""
    lane = lane or current()
    step = lane.step
    if step is None:
        return ""
    origin = "%s %s %s" % (step.lane, step.path, "covered" if lane.covered else "open")
    return origin if len(origin) < _LONGEST_ORIGIN else ""  # else the child could not be started


def as_variable(text: str) -> str:
    """Write text for an environment variable: in ASCII, whatever the locale is."""
    return text.encode("unicode_escape").decode("ascii")


def from_variable(value: str) -> str:
    """Give the text that `as_variable` wrote."""
    return value.encode("ascii", "replace").decode("unicode_escape")


def process() -> Lane:
    """Lane of this process, the root of those that its code makes."""
    return _process[0] if _process else _ORPHAN


def of_thread() -> Lane | None:
    """Give the lane of this thread, whatever task or callback it runs; None where it has none."""
    if _here.ground is not None:
        return _here.ground
    return _process[0] if _process and get_ident() == _main_ident[0] else None


def own() -> Lane:
    """Lane of the running code, which it shares with nobody: an orphan gets one of its own."""
    lane = current()
    if lane is _ORPHAN:
        lane = Lane(ORPHAN, shadow=True)
        lane.counters = _ORPHAN.counters  # orphans have one name: their steps must not share theirs
        _current.set(lane)
    return lane


def replace(owner: Any, name: str, wrapper: Any) -> None:  # noqa: ANN401  (any patched owner)
    """Put `wrapper` there until `uninstall`, whether anything was there before or not."""
    _undo.append((owner, name, owner.__dict__.get(name, NOTHING)))
    setattr(owner, name, wrapper)


def replace_again(places: list[tuple[Any, str, Any, Any]]) -> None:
    """Put what is the last of each into its place, where what is known to be there is before it."""
    for owner, name, was, wrapper in places:
        _undo.append((owner, name, was))
        setattr(owner, name, wrapper)


def replaced(since: int = 0) -> list[tuple[Any, str, Any]]:
    """Say what was replaced, behind the first `since`: where, by name, and what was there."""
    return _undo[since:]


def uninstall() -> None:
    """Put back everything that the hooks replaced."""
    collector.stop()
    on_item.clear()
    while _undo:
        owner, name, original = _undo.pop()
        if original is NOTHING:
            delattr(owner, name)
        else:
            setattr(owner, name, original)


def hook_asyncio(module: ModuleType) -> None:
    """Give each task of `asyncio.base_events.BaseEventLoop` its lane.

    All of create_task, gather, TaskGroup, wait_for and anyio pass through `create_task`. No task
    factory is used, so that the program's own stays in force. What another thread hands to the loop
    has a lane too, named where it is handed over: when the loop gets to it is chance.
    """
    global _running_loop  # noqa: PLW0603  (asyncio is not imported on our account)
    _running_loop = module.events._get_running_loop
    original = module.BaseEventLoop.create_task
    handing_over = module.BaseEventLoop.call_soon_threadsafe

    @dressed_as(original)
    def create_task(self: Any, coro: Any, **options: Any) -> Any:  # noqa: ANN401  (asyncio's own)
        if type(coro).__name__ in _FINALIZERS:  # the collector chose the moment: it takes no number
            return original(self, coro, **options)
        lane = current().child(_kind_of_task(coro))
        context = options.get("context")
        if context is not None and not _entered(context, lane):
            return original(self, coro, **options)
        token = _current.set(lane)
        try:
            return original(self, coro, **options)
        finally:
            _current.reset(token)

    @dressed_as(handing_over)
    def call_soon_threadsafe(self: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401  (as above)
        if _running_loop() is self:
            return handing_over(self, *args, **options)
        token = _current.set(current().child("call"))
        try:
            return handing_over(self, *args, **options)
        finally:
            _current.reset(token)

    replace(module.BaseEventLoop, "create_task", create_task)
    replace(module.BaseEventLoop, "call_soon_threadsafe", call_soon_threadsafe)


def _kind_of_task(coro: Any) -> str:  # noqa: ANN401  (a coroutine, or what passes for one)
    """Count tasks by their function: `research#1` is the second that this caller makes of it.

    Of helpers, such as one that waits for a queue, the number may be chance. With a count of their
    own they leave those of the tasks that do the work as they are in every run.
    """
    frame = getattr(coro, "cr_frame", None)
    if frame is not None and str(frame.f_globals.get("__name__")).startswith("anyio."):
        # Its task groups wrap every coroutine in one of their own.
        inside = frame.f_locals
        coro = inside.get("coro") or getattr(inside.get("self"), "_coro", None) or coro
    name = str(getattr(coro, "__qualname__", None) or type(coro).__name__)
    return name.rpartition("<locals>.")[2].translate(_PLAIN)[:_LONGEST_NAME] + "#"


def _entered(context: Context, lane: Lane) -> bool:
    """Whether `context` is the running one; else the lane is set in it, where its task will run.

    Tasks that share one context share its lane: the last of them names it.
    """
    try:
        context.run(_current.set, lane)
    except RuntimeError:  # it is entered, here or in another thread
        return True
    return False


def hook_threading(module: ModuleType) -> None:
    """Give each thread of `threading` its lane, but for the worker threads of pools."""
    thread_class = module.Thread
    start_original = thread_class.start
    inner_original = thread_class._bootstrap_inner

    @dressed_as(start_original)
    def start_thread(self: Any) -> None:  # noqa: ANN401  (a Thread)
        if self._initialized and not _is_pool_worker(self) and not self._started.is_set():
            self._agentvcr_lane = current().child("thread")
        start_original(self)

    @dressed_as(inner_original)
    def bootstrap_inner(self: Any) -> None:  # noqa: ANN401  (a Thread)
        lane = self.__dict__.pop("_agentvcr_lane", None)
        if lane is not None:
            _here.ground = lane
            _current.set(lane)
            context = getattr(self, "_context", None)  # 3.14+: run() gets a context of its own
            if context is not None:
                context.run(_current.set, lane)
        inner_original(self)

    replace(thread_class, "start", start_thread)
    replace(thread_class, "_bootstrap_inner", bootstrap_inner)


def _is_pool_worker(thread: Any) -> bool:  # noqa: ANN401  (a Thread)
    target = getattr(thread, "_target", None)
    module = getattr(target, "__module__", "")
    return (
        module == "concurrent.futures.thread"
        or (module == "multiprocessing.pool" and getattr(target, "__name__", "") == "worker")
        or type(thread).__module__.partition(".")[0] == "anyio"
    )


def hook_executors(module: ModuleType) -> None:
    """Give each work item of `concurrent.futures.thread` its lane, named when it is submitted."""
    item_class = module._WorkItem
    init_original = item_class.__init__
    run_original = item_class.run

    @dressed_as(init_original)
    def init(self: Any, *args: Any, **options: Any) -> None:  # noqa: ANN401  (a _WorkItem)
        init_original(self, *args, **options)
        self._agentvcr_lane = current().child("work")

    @dressed_as(run_original)
    def run(self: Any, *args: Any) -> None:  # noqa: ANN401  (a _WorkItem)
        lane = self.__dict__.get("_agentvcr_lane")
        if lane is None:  # submitted before the hooks were there
            run_original(self, *args)
            return
        before, _here.ground = _here.ground, lane
        token = _current.set(lane)
        try:
            run_original(self, *args)
        finally:
            _current.reset(token)
            _here.ground = before

    replace(item_class, "__init__", init)
    replace(item_class, "run", run)


def _hook_process_executors(module: ModuleType) -> None:
    from agentvcr.inside import pools  # noqa: PLC0415  (only who has a pool of processes)

    pools.hook_executors(module)


def _hook_pools(module: ModuleType) -> None:
    from agentvcr.inside import pools  # noqa: PLC0415  (as above)

    pools.hook_pools(module)


HOOKS: dict[str, Callable[[ModuleType], None]] = {
    "asyncio.base_events": hook_asyncio,
    "threading": hook_threading,
    "concurrent.futures.thread": hook_executors,
    "concurrent.futures.process": _hook_process_executors,
    "multiprocessing.pool": _hook_pools,
}
"""What to hook when which module is imported."""
