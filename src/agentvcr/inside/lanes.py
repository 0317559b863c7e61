"""Name each logical caller by its lineage, the same in every run whatever the scheduler does.

Owns the lane of the running code and the hooks that give a new task, thread or executor work item a
lane of its own, numbered by its parent in creation order. Does not know requests.

A pool's worker threads have no lane: the work item has. What the client's own transport starts (a
connection attempt, a name look-up) runs in a shadow lane that takes no numbers, since a replay does
none of it and every later number would shift.
"""

from __future__ import annotations

from _contextvars import Context, ContextVar
from itertools import count

from agentvcr.inside.patching import dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from contextvars import Token
    from types import ModuleType
    from typing import Any, Callable, Iterator

_FINALIZERS = ("async_generator_athrow", "async_generator_asend")
ORPHAN = "?"
"""Lane of code whose origin nobody saw, such as a thread started from C: matched by content."""


class Lane:
    """A caller's name and its counters, one for each kind of child."""

    __slots__ = ("counters", "name", "shadow")

    def __init__(self, name: str, *, shadow: bool = False) -> None:
        """Name a lane; a `shadow` lane's children are shadows without numbers."""
        self.name = name
        self.shadow = shadow
        self.counters: dict[str, Iterator[int]] = {}

    def child(self, kind: str) -> Lane:
        """Make the lane of the next `kind` that this caller creates."""
        if self.shadow:
            return self
        # setdefault and next are each atomic, so two threads that share a lane never share a child.
        number = next(self.counters.setdefault(kind, count()))
        return Lane("%s/%s%d" % (self.name, kind, number))

    def under_cover(self) -> Lane:
        """Make the shadow of this lane, for the inner workings of a client."""
        return Lane(self.name, shadow=True)


_ORPHAN = Lane(ORPHAN, shadow=True)
_current: ContextVar[Lane] = ContextVar("agentvcr_lane")
_undo: list[tuple[Any, str, Any]] = []


def current() -> Lane:
    """Lane of the running code; the orphan lane where nobody named it."""
    return _current.get(_ORPHAN)


def is_shadow() -> bool:
    """Whether the running code is a client's inner working, below an interceptor."""
    lane = _current.get(_ORPHAN)
    return lane.shadow and lane is not _ORPHAN


enter = _current.set


def leave(token: Token[Lane]) -> None:
    """Go back to the lane before; a coroutine may be closed in another context than it ran in."""
    try:
        _current.reset(token)
    except ValueError:
        return


def start(name: str) -> Token[Lane]:
    """Name the running code's lane, at the start of a process or of a session."""
    return _current.set(Lane(name))


def _replace(owner: Any, name: str, wrapper: Any) -> None:  # noqa: ANN401  (any patched owner)
    _undo.append((owner, name, owner.__dict__[name]))
    setattr(owner, name, wrapper)


def uninstall() -> None:
    """Put back everything that the hooks replaced."""
    while _undo:
        owner, name, original = _undo.pop()
        setattr(owner, name, original)


def hook_asyncio(module: ModuleType) -> None:
    """Give each task of `asyncio.base_events.BaseEventLoop` its lane.

    All of create_task, gather, TaskGroup, wait_for and anyio pass through `create_task`. No task
    factory is used, so that the program's own stays in force.
    """
    original = module.BaseEventLoop.create_task

    @dressed_as(original)
    def create_task(self: Any, coro: Any, **options: Any) -> Any:  # noqa: ANN401  (asyncio's own)
        if type(coro).__name__ in _FINALIZERS:  # the collector chose the moment: it takes no number
            return original(self, coro, **options)
        lane = current().child("task")
        context = options.get("context")
        if context is not None and not _entered(context, lane):
            return original(self, coro, **options)
        token = _current.set(lane)
        try:
            return original(self, coro, **options)
        finally:
            _current.reset(token)

    _replace(module.BaseEventLoop, "create_task", create_task)


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
        if not _is_pool_worker(self) and not self._started.is_set():
            self._agentvcr_lane = current().child("thread")
        start_original(self)

    @dressed_as(inner_original)
    def bootstrap_inner(self: Any) -> None:  # noqa: ANN401  (a Thread)
        lane = self.__dict__.pop("_agentvcr_lane", None)
        if lane is not None:
            _current.set(lane)
            context = getattr(self, "_context", None)  # 3.14+: run() gets a context of its own
            if context is not None:
                context.run(_current.set, lane)
        inner_original(self)

    _replace(thread_class, "start", start_thread)
    _replace(thread_class, "_bootstrap_inner", bootstrap_inner)


def _is_pool_worker(thread: Any) -> bool:  # noqa: ANN401  (a Thread)
    target = getattr(thread, "_target", None)
    return (
        getattr(target, "__module__", "") == "concurrent.futures.thread"
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
        inner = _carried_context(self)
        if inner is not None:
            inner.run(_current.set, lane)
        token = _current.set(lane)
        try:
            run_original(self, *args)
        finally:
            _current.reset(token)

    _replace(item_class, "__init__", init)
    _replace(item_class, "run", run)


def _carried_context(item: Any) -> Any:  # noqa: ANN401  (a _WorkItem; a Context or None)
    """Find the context that `asyncio.to_thread` makes the work run in."""
    work = getattr(item, "fn", None)
    if work is None:
        work = getattr(item, "task", (None,))[0]  # 3.14: (fn, args, kwargs)
    work = getattr(work, "func", work)  # functools.partial(context.run, …)
    owner = getattr(work, "__self__", None)
    return owner if isinstance(owner, Context) else None


HOOKS: dict[str, Callable[[ModuleType], None]] = {
    "asyncio.base_events": hook_asyncio,
    "threading": hook_threading,
    "concurrent.futures.thread": hook_executors,
}
"""What to hook when which module is imported."""
