"""Name the processes that `multiprocessing` starts: by who starts them, whatever the method.

Owns the way of a name to a process that is forked, spawned or forked by the fork server. Does not
name the work that pools give to theirs (`pools`).

A fork has its name from the hooks of `os.fork`; a spawned process finds it in its environment; and
both a spawned one and one of the fork server find it again in what `multiprocessing` tells them
first. Workers of pools, whose number is chance, and the servers of `multiprocessing` itself take no
number from the program's own processes.
"""

from __future__ import annotations

import os
from _thread import _local

from agentvcr.inside import children, lanes
from agentvcr.inside.patching import dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from agentvcr.inside.entry import Entry

_TOLD = "agentvcr_lane"
_WORKERS = (("concurrent.futures.process", "_process_worker"), ("multiprocessing.pool", "worker"))
_SPAWNED = "--multiprocessing-fork"
_ENV = 5
"""Which argument of `fork_exec` is the environment, in all versions."""


def hook_process(module: ModuleType) -> None:
    """Name each process of `multiprocessing.process` when it is started, by who starts it."""
    process_class: Any = module.BaseProcess
    original = process_class.start

    @dressed_as(original)
    def start(self: Any) -> None:  # noqa: ANN401  (a Process)
        with children.Starting(_lane_of(self)):
            original(self)

    process_class.start = start


def _lane_of(process: Any) -> str:  # noqa: ANN401  (a Process)
    target = getattr(process, "_target", None)
    named = (getattr(target, "__module__", ""), getattr(target, "__name__", ""))
    if named in _WORKERS:
        return lanes.process().child("worker").name
    return lanes.current().child("proc").name


def hook_spawn(module: ModuleType, entry: Entry) -> None:
    """Let `multiprocessing.spawn` tell a process its lane, before anything of the program runs."""
    spawn: Any = module
    data_original, prepare_original = spawn.get_preparation_data, spawn.prepare

    @dressed_as(data_original)
    def get_preparation_data(*args: Any) -> Any:  # noqa: ANN401  (multiprocessing's own)
        data = data_original(*args)
        lane = children.being_started()
        return {**data, _TOLD: (lane, lanes.origin_for_child())} if lane else data

    @dressed_as(prepare_original)
    def prepare(data: Any) -> Any:  # noqa: ANN401  (multiprocessing's own)
        name, origin = data.pop(_TOLD, ("", ""))
        if name and name != lanes.process().name:
            entry.forked(name)
            lanes.start(name, origin)
        return prepare_original(data)

    spawn.get_preparation_data, spawn.prepare = get_preparation_data, prepare


class _Given(_local):
    """The environment of the process that this thread is about to spawn."""

    env: list[bytes] | None = None


def hook_util(module: ModuleType) -> None:
    """Give what `multiprocessing.util` spawns an environment, where it would inherit ours.

    Ours is one for all threads: whoever spawns at the same time would get the same name.
    """
    if os.name != "posix":  # spawned there in another way, and told its lane all the same
        return
    import _posixsubprocess  # noqa: PLC0415  (only where it exists, and `multiprocessing` needs it)

    util: Any = module
    spawn_original, given = util.spawnv_passfds, _Given()
    exec_original = _posixsubprocess.fork_exec

    @dressed_as(exec_original)
    def fork_exec(*args: Any) -> Any:  # noqa: ANN401  (subprocess's own)
        if given.env is not None:
            args = (*args[:_ENV], given.env, *args[_ENV + 1 :])
        return exec_original(*args)

    @dressed_as(spawn_original)
    def spawnv_passfds(path: Any, args: Any, passfds: Any) -> Any:  # noqa: ANN401  (as above)
        words = [os.fsdecode(word) for word in args]
        if _SPAWNED in words:
            env = children.environment_for(None, children.lane_for_child())
        else:  # a server of multiprocessing: for the whole program, and of no step
            env = children.environment_for(None, lanes.process().child("service").name, origin="")
        given.env = [
            b"%s=%s" % (os.fsencode(name), os.fsencode(value)) for name, value in env.items()
        ]
        try:
            return spawn_original(path, args, passfds)
        finally:
            given.env = None

    _posixsubprocess.fork_exec = fork_exec
    util.spawnv_passfds = spawnv_passfds
