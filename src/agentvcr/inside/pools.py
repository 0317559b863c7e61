"""Name the items that a pool's workers do: by who gave them, not by the worker that chance chose.

Owns how an item's lane travels with it to a worker of `concurrent.futures` and `multiprocessing`,
process or thread. Does not name the workers (`processes`).

What is sent stays what a Python without us can load: the lanes of an executor's item are one more
attribute of it, those of a pool's task follow the pickle, whose end every reader knows. A worker
takes the lane up as it receives the item and leaves it as it answers, so that no call of ours
stands between the pool and the user's function, in no traceback. Each item of a chunk has a lane of
its own: how a map is cut depends on the number of processors.
"""

from __future__ import annotations

import sys

from agentvcr.inside import clock, lanes
from agentvcr.inside.patching import dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Iterable, Iterator, Sequence

    from agentvcr.inside.lane import Lane

    Told = tuple[str, ...]
    """Which step the items belong to, and the name of each item's lane."""

_ATTRIBUTE = "_agentvcr_lanes"
_MARK = b"\0agentvcr"
"""Follows the lanes behind a pickle; a pickle itself ends with a full stop."""
_SIZE = 4


class Carried:
    """A function on its way to the queue of a pool, with the lanes of what it is called for."""

    __slots__ = ("function", "items", "origin")

    def __init__(self, function: Any, items: Sequence[Lane]) -> None:  # noqa: ANN401  (any callable)
        """Send `function` with the lane of each item; they belong to one step."""
        self.function = function
        self.items = items
        self.origin = lanes.origin_for_child(items[0])

    def __call__(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401  (as the function)
        """Call the function: for a pool whose queue is not the one we know."""
        return self.function(*args, **options)

    def __reduce__(self) -> Any:  # noqa: ANN401  (the pickle protocol)
        """Travel as the function alone, for the same reason."""
        import functools  # noqa: PLC0415  (hardly ever)

        return functools.partial, (self.function,)

    def told(self) -> Told:
        """Say the lanes in words that any process understands."""
        return (self.origin, *(lane.name for lane in self.items))


def _here_for(told: Told) -> Iterator[Lane]:
    return (lanes.told(name, told[0]) for name in told[1:])


def _is_one_of(functions: tuple[Any, ...], function: Any) -> bool:  # noqa: ANN401  (any callable)
    return any(function is one for one in functions)  # and not `==`, which may be the program's own


def _in_turn(chunk: Iterable[Any], items: Iterable[Lane], *, alone: bool) -> Iterator[Any]:
    """Yield the items of a chunk, each after taking up its lane."""
    for item, lane in zip(chunk, items):
        lanes.take_up(lane, alone=alone)
        yield item


# --- concurrent.futures ---------------------------------------------------------------------------


def hook_executors(module: ModuleType) -> None:
    """Give each work item of `concurrent.futures.process` its lane, named when it is submitted."""
    _hook_submitted(module)
    _hook_arriving(module)


def _is_chunk(module: ModuleType, function: Any) -> bool:  # noqa: ANN401  (any callable)
    return getattr(function, "func", None) is module._process_chunk


def _hook_submitted(module: ModuleType) -> None:
    """Name an item where it is submitted, and send the lanes along."""
    item_class: Any = module._WorkItem
    call_class: Any = module._CallItem
    item_init, call_init = item_class.__init__, call_class.__init__

    @dressed_as(item_init)
    def init_item(self: Any, *args: Any, **options: Any) -> None:  # noqa: ANN401  (a _WorkItem)
        item_init(self, *args, **options)
        size = len(self.args[0]) if _is_chunk(module, self.fn) else 1
        caller = lanes.current()
        self.fn = Carried(self.fn, [caller.child("work") for _ in range(size)])

    @dressed_as(call_init)
    def init_call(self: Any, work_id: Any, fn: Any, *args: Any, **options: Any) -> None:  # noqa: ANN401
        carried = isinstance(fn, Carried)
        call_init(self, work_id, fn.function if carried else fn, *args, **options)
        if carried:
            self.__dict__[_ATTRIBUTE] = fn.told()

    lanes.replace(item_class, "__init__", init_item)
    lanes.replace(call_class, "__init__", init_call)


def _hook_arriving(module: ModuleType) -> None:
    """Take up the lane of an item that arrives in a worker, until it has a result."""
    call_class: Any = module._CallItem
    result_class: Any = module._ResultItem
    result_init = result_class.__init__

    def set_state(self: Any, state: Any) -> None:  # noqa: ANN401  (a _CallItem)
        told = state.pop(_ATTRIBUTE, None)
        self.__dict__.update(state)
        if told is None:
            return
        if _is_chunk(module, self.fn):
            chunk, *rest = self.args
            self.args = (_in_turn(chunk, _here_for(told), alone=True), *rest)
        else:
            lanes.take_up(next(_here_for(told)), alone=True)

    @dressed_as(result_init)
    def init_result(self: Any, *args: Any, **options: Any) -> None:  # noqa: ANN401  (a _ResultItem)
        lanes.put_down(alone=True)
        clock.flush()  # as safe as the result
        result_init(self, *args, **options)

    lanes.replace(call_class, "__setstate__", set_state)
    lanes.replace(result_class, "__init__", init_result)


# --- multiprocessing ------------------------------------------------------------------------------


def hook_pools(module: ModuleType) -> None:
    """Give each task of `multiprocessing.pool` its lane, in pools of processes and of threads."""
    _hook_queues(module)
    _hook_tasks(module)
    _hook_worker(module)


def _hook_queues(module: ModuleType) -> None:
    """Let the queue of a pool take tasks with lanes."""
    for pool_class, put_class in ((module.Pool, _PutPickled), (module.ThreadPool, _PutTask)):
        original = pool_class.__dict__["_setup_queues"]

        @dressed_as(original)
        def setup_queues(self: Any, original: Any = original, put_class: Any = put_class) -> None:  # noqa: ANN401
            original(self)
            self._quick_put = put_class(self._inqueue, self._quick_put)

        lanes.replace(pool_class, "_setup_queues", setup_queues)


def _follows(pool: Any) -> bool:  # noqa: ANN401  (a Pool)
    return isinstance(getattr(pool, "_quick_put", None), _Put)


def _hook_tasks(module: ModuleType) -> None:
    """Name what is given to a pool: a call as `work0`, the items of a map as `work0/work0` ..."""
    pool_class: Any = module.Pool
    apply_original = pool_class.apply_async
    tasks_original = pool_class._guarded_task_generation
    chunked = (module.mapstar, module.starmapstar)
    raising = module._helper_reraises_exception

    @dressed_as(apply_original)
    def apply_async(self: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401  (a Pool's)
        if _follows(self) and (args or "func" in options):
            function = args[0] if args else options["func"]
            carried = Carried(function, [lanes.current().child("work")])
            if args:
                args = (carried, *args[1:])
            else:
                options["func"] = carried
        return apply_original(self, *args, **options)

    @dressed_as(tasks_original)
    def guarded_task_generation(self: Any, *args: Any) -> Any:  # noqa: ANN401  (a Pool's)
        tasks = tasks_original(self, *args)
        return named(tasks, lanes.current().child("work")) if _follows(self) else tasks

    def named(tasks: Iterable[Any], call: Lane) -> Iterator[Any]:
        for task in tasks:
            job, index, function, args, options = task
            if function is raising:  # the program's own iterator failed
                yield task
                continue
            size = len(args[0][1]) if _is_one_of(chunked, function) else 1
            items = [call.child("work") for _ in range(size)]
            yield job, index, Carried(function, items), args, options

    lanes.replace(pool_class, "apply_async", apply_async)
    lanes.replace(pool_class, "_guarded_task_generation", guarded_task_generation)


def _hook_worker(module: ModuleType) -> None:
    """Let a worker take up the lanes of its tasks as they arrive."""
    original = module.worker
    chunked = (module.mapstar, module.starmapstar)

    @dressed_as(original)
    def worker(inqueue: Any, outqueue: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        return original(_Arrivals(inqueue, chunked), _Departures(outqueue), *args, **options)

    lanes.replace(module, "worker", worker)


class _Departures:
    """A worker's view of the queue for results: with the last of them, its pool may kill it."""

    def __init__(self, queue: Any) -> None:  # noqa: ANN401  (a pool's)
        self._queue = queue

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (whatever the queue has)
        return getattr(self._queue, name)

    def put(self, result: Any) -> None:  # noqa: ANN401  (a tuple)
        clock.flush()
        self._queue.put(result)


class _Put:
    """The way into a pool's queue; a task comes with `Carried` in place of its function."""

    def __init__(self, queue: Any, original: Any) -> None:  # noqa: ANN401  (a pool's)
        self.queue = queue
        self.original = original


class _PutPickled(_Put):
    """Sends the lanes behind the pickle of the task."""

    def __call__(self, task: Any) -> None:  # noqa: ANN401  (a tuple, or None at the end)
        if task is None or not isinstance(task[2], Carried):
            self.original(task)
            return
        job, index, carried, args, options = task
        pickler = sys.modules["multiprocessing.connection"]._ForkingPickler
        data = pickler.dumps((job, index, carried.function, args, options))
        words = "\n".join(map(lanes.as_variable, carried.told())).encode()
        size = len(words).to_bytes(_SIZE, "little")
        self.queue._writer.send_bytes(b"".join([data, words, size, _MARK]))


class _PutTask(_Put):
    """Hands the task on as it is: its worker is a thread of this process."""

    def __call__(self, task: Any) -> None:  # noqa: ANN401  (as above)
        self.original(task)


def _split(data: bytes) -> Told | None:
    """Read the lanes behind a pickle; None where there are none."""
    if not data.endswith(_MARK):
        return None
    end = len(data) - len(_MARK) - _SIZE
    size = int.from_bytes(data[end : end + _SIZE], "little")
    words = data[end - size : end].decode("ascii")
    return tuple(map(lanes.from_variable, words.split("\n")))


class _Arrivals:
    """A worker's view of its queue: it takes up the lane of each task that it gets."""

    def __init__(self, queue: Any, chunked: tuple[Any, ...]) -> None:  # noqa: ANN401  (a pool's)
        self._queue = queue
        self._chunked = chunked
        self._alone = hasattr(queue, "_reader")  # else the worker is one thread among others

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (whatever the queue has)
        return getattr(self._queue, name)

    def get(self) -> Any:  # noqa: ANN401  (a task, or None at the end)
        lanes.put_down(alone=self._alone)
        if not self._alone:
            task = self._queue.get()
            if task is None or not isinstance(task[2], Carried):
                return task
            job, index, carried, args, options = task
            return self._taken_up((job, index, carried.function, args, options), carried.items)
        with self._queue._rlock:
            data = self._queue._reader.recv_bytes()
        task = sys.modules["multiprocessing.connection"]._ForkingPickler.loads(data)
        told = _split(data)
        return task if told is None else self._taken_up(task, _here_for(told))

    def _taken_up(self, task: Any, items: Iterable[Lane]) -> Any:  # noqa: ANN401  (as above)
        job, index, function, args, options = task
        if _is_one_of(self._chunked, function):
            mapped, chunk = args[0]
            args = ((mapped, _in_turn(chunk, items, alone=self._alone)),)
        else:
            lanes.take_up(next(iter(items)), alone=self._alone)
        return job, index, function, args, options
