"""Follow the program into its child processes: forks, and Pythons started with an environment.

Owns the variables that bring a child under the session, and what happens at a fork. Does not start
anything.
"""

from __future__ import annotations

import os

from agentvcr.inside import lanes
from agentvcr.inside.patching import dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Mapping

    from agentvcr.inside.entry import Entry

VARIABLES = (
    "AGENTVCR_CHANNEL",
    "AGENTVCR_TOKEN",
    "AGENTVCR_MODE",
    "AGENTVCR_ROOT",
    "AGENTVCR_STREAMS",
)
"""The variables of a session; `AGENTVCR_LANE` and `AGENTVCR_STEP` are set for each child,
`PYTHONPATH` is prepended."""

_ours: dict[str, str] = {}


def lane_for_child() -> str:
    """Name the lane of a process that the running code is about to start."""
    return lanes.current().child("proc").name


def remember(path_entry: str) -> None:
    """Keep this session's variables: a program may clear its environment."""
    _ours.update({name: os.environ[name] for name in VARIABLES if name in os.environ})
    _ours["PYTHONPATH"] = path_entry


def environment_for(env: Mapping[Any, Any] | None, lane: str) -> dict[Any, Any]:
    """Copy `env` (or the process's own) with the session's variables in it; never edits it."""
    out = dict(os.environ if env is None else env)
    as_bytes = any(isinstance(name, bytes) for name in out)
    where = {"AGENTVCR_LANE": lane, "AGENTVCR_STEP": lanes.origin_for_child()}
    wanted = {**_ours, **{name: lanes.as_variable(value) for name, value in where.items()}}
    path = wanted.pop("PYTHONPATH")
    for name, value in wanted.items():
        out[name.encode() if as_bytes else name] = os.fsencode(value) if as_bytes else value
    key: Any = b"PYTHONPATH" if as_bytes else "PYTHONPATH"
    entry: Any = os.fsencode(path) if as_bytes else path
    separator: Any = os.pathsep.encode() if as_bytes else os.pathsep
    given = out.get(key)
    if given:  # bytes, text or a path: each is allowed under a name of either kind
        given = os.fsencode(given) if as_bytes else os.fsdecode(given)
    if not given:
        out[key] = entry
    elif entry not in given.split(separator):
        out[key] = entry + separator + given
    return out


def passes_a_session_on() -> bool:
    """Whether children can come under the session: one of this process alone has no channel."""
    return bool(_ours)


def environment_without_session() -> dict[str, str]:
    """Copy the process's environment as it would be without us, for what is no part of the run."""
    names = (*VARIABLES, "AGENTVCR_LANE", "AGENTVCR_STEP")
    out = {name: value for name, value in os.environ.items() if name not in names}
    entries = out.pop("PYTHONPATH", "").split(os.pathsep)
    given = os.pathsep.join(one for one in entries if one != _ours.get("PYTHONPATH"))
    return {**out, "PYTHONPATH": given} if given else out


def is_closed_to_us(argv: Any) -> bool:  # noqa: ANN401  (whatever Popen takes)
    """Whether a command is a Python that will not let us in: `-I`, `-E` or `-S`."""
    if not isinstance(argv, (list, tuple)):
        return False
    words = [os.fsdecode(word) for word in argv]
    if not words or "python" not in os.path.basename(words[0]):
        return False
    for word in words[1:]:
        if not word.startswith("-") or word in ("-c", "-m", "-"):
            return False
        if not word.startswith(("--", "-X", "-W")) and set(word) & set("IES"):
            return True
    return False


def hook_subprocess(module: ModuleType, entry: Entry) -> None:
    """Make `subprocess.Popen`, and asyncio's with it, pass the session on."""
    popen: Any = module.Popen
    original = popen._execute_child
    position = original.__code__.co_varnames.index("env") - 1

    @dressed_as(original)
    def execute_child(self: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401  (Popen's own)
        if args and not isinstance(args[0], (str, bytes, os.PathLike, list, tuple)):
            args = (list(args[0]), *args[1:])  # an iterator: to be looked at, not used up
        covered = lanes.current().covered  # by the call of a function, which is answered itself
        if not covered and is_closed_to_us(args[0] if args else options.get("args")):
            words = args[0] if args else options["args"]
            text = " ".join(os.fsdecode(word) for word in words)
            entry.tell(b"N", {"kind": "unentered", "text": text})
        if "env" in options:
            options["env"] = environment_for(options["env"], lane_for_child())
        elif len(args) > position:
            env = environment_for(args[position], lane_for_child())
            args = (*args[:position], env, *args[position + 1 :])
        return original(self, *args, **options)

    popen._execute_child = execute_child


def hook_multiprocessing(module: ModuleType) -> None:
    """Name the lane of a process that `multiprocessing` spawns, which inherits our environment."""
    util: Any = module
    original = util.spawnv_passfds

    @dressed_as(original)
    def spawnv_passfds(*args: Any) -> Any:  # noqa: ANN401  (multiprocessing's own)
        names = ("AGENTVCR_LANE", "AGENTVCR_STEP")
        before = {name: os.environ.get(name, "") for name in names}
        told = (lane_for_child(), lanes.origin_for_child())
        os.environ.update(zip(names, map(lanes.as_variable, told)))
        try:
            return original(*args)
        finally:
            os.environ.update(before)

    util.spawnv_passfds = spawnv_passfds


def hook_os() -> None:
    """Make `os.execve` and `os.posix_spawn` with an environment pass the session on."""
    for name in ("execve", "posix_spawn", "posix_spawnp"):
        original = getattr(os, name, None)
        if original is not None:
            setattr(os, name, _with_env(original, keep_lane=name == "execve"))


def _with_env(original: Any, *, keep_lane: bool) -> Any:  # noqa: ANN401  (a function of os)
    @dressed_as(original)
    def call(path: Any, argv: Any, env: Any, **options: Any) -> Any:  # noqa: ANN401  (os's own)
        # exec replaces this process: the same caller goes on, under the same name.
        lane = lanes.current().name if keep_lane else lane_for_child()
        return original(path, argv, environment_for(env, lane), **options)

    return call


def follow_forks(entry: Entry) -> None:
    """Give a forked child a lane and connections of its own."""
    upcoming = []

    def before() -> None:
        upcoming.append(lane_for_child())

    def after_in_parent() -> None:
        upcoming.pop()

    def after_in_child() -> None:
        name, origin = upcoming.pop(), lanes.origin_for_child()
        upcoming.clear()
        entry.forked(name)
        lanes.start(name, origin)

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=before, after_in_parent=after_in_parent, after_in_child=after_in_child
        )
