"""Follow the program into its child processes: forks, and programs that take its place.

Owns the variables that bring a child under the session, the name of the child that is being
started, and what happens at a fork. Does not start anything.
"""

from __future__ import annotations

import os
import sys
from _thread import _local

from agentvcr.inside import clock, lanes, leaving
from agentvcr.inside.patching import dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Any, Mapping

    from agentvcr.inside.entry import Entry

VARIABLES = (
    "AGENTVCR_CHANNEL",
    "AGENTVCR_GATEWAY",
    "AGENTVCR_TOKEN",
    "AGENTVCR_MODE",
    "AGENTVCR_ROOT",
    "AGENTVCR_STREAMS",
    "AGENTVCR_LENT",
    "AGENTVCR_CLOCK",
    "AGENTVCR_SEED",
    "AGENTVCR_DEFAULTS",
    "AGENTVCR_HIDDEN",
    "AGENTVCR_OFF",
    "AGENTVCR_ORDER",
    "AGENTVCR_PROJECT",
    "AGENTVCR_WITNESS",
)
"""The variables of a session; `AGENTVCR_LANE` and `AGENTVCR_STEP` are set for each child,
`PYTHONPATH` is prepended."""

_ours: dict[str, str] = {}
_environ = os.environ
"""The mapping that stands for what a child inherits, also where the program put another there."""


class _Here(_local):
    """What this thread is starting."""

    lane = ""
    forking: tuple[str, str] = ("", "")


_here = _Here()


class Starting:
    """Around the start of one process, under whatever names it is started: it has one lane."""

    def __init__(self, lane: str) -> None:
        """Start a process with this lane."""
        self._lane = lane

    def __enter__(self) -> None:
        self._outer, _here.lane = _here.lane, self._lane

    def __exit__(self, *_: object) -> None:
        _here.lane = self._outer


def being_started() -> str:
    """Name the lane of the process that this thread is starting; empty where it starts none."""
    return _here.lane


def lane_for_child() -> str:
    """Name the lane of a process that the running code is about to start."""
    return _here.lane or lanes.current().child("proc").name


def remember(path_entry: str) -> None:
    """Keep this session's variables: a program may clear its environment."""
    _ours.update({name: os.environ[name] for name in VARIABLES if name in os.environ})
    _ours["PYTHONPATH"] = path_entry
    if "AGENTVCR_GATEWAY" in _ours:
        from agentvcr.inside import gateway  # noqa: PLC0415  (loaded in a recorded program alone)

        gateway.restore()


def environment_for(
    env: Mapping[Any, Any] | None, lane: str, origin: str | None = None
) -> dict[Any, Any]:
    """Copy `env` (or the process's own) with the session's variables in it; never edits it.

    Args:
        env: What the program gives to its child; None where that inherits.
        lane: The child's.
        origin: Which step it belongs to; that of the running code where none is given.
    """
    out = dict(_environ if env is None else env)
    as_bytes = any(isinstance(name, bytes) for name in out)
    if origin is None:
        origin = lanes.origin_for_child()
    where = {"AGENTVCR_LANE": lane, "AGENTVCR_STEP": origin}
    wanted = {**_ours, **{name: lanes.as_variable(value) for name, value in where.items()}}
    if "AGENTVCR_GATEWAY" in _ours:
        wanted.update(_gateway_variables(out, where, as_bytes=as_bytes))
    path = wanted.pop("PYTHONPATH")
    for name, value in _defaults():
        out.setdefault(
            name.encode() if as_bytes else name, os.fsencode(value) if as_bytes else value
        )
    for name, value in wanted.items():
        out[name.encode() if as_bytes else name] = os.fsencode(value) if as_bytes else value
    key: Any = b"PYTHONPATH" if as_bytes else "PYTHONPATH"
    entry: Any = os.fsencode(path) if as_bytes else path
    separator: Any = os.pathsep.encode() if as_bytes else os.pathsep
    given = out.get(key)
    if given:  # bytes, text or a path: each is allowed under a name of either kind
        given = os.fsencode(given) if as_bytes else os.fsdecode(given)
    others = [one for one in given.split(separator) if one != entry] if given else []
    out[key] = separator.join([entry, *others])  # first: another's `sitecustomize` would hide ours
    return out


def _defaults() -> list[tuple[str, str]]:
    """Give what each child has, unless the program gives it another: the hash seed, the zone."""
    lines = [line.partition("=") for line in _ours.get("AGENTVCR_DEFAULTS", "").split("\n") if line]
    return [(name, value) for name, _, value in lines]


def hide_variables() -> None:
    """Take variables that are ours from what the program sees; C code hands them on still.

    One that has another value than ours is the program's: it starts itself again until it has it.
    """
    data: Any = getattr(os.environ, "_data", None)
    encode: Any = getattr(os.environ, "encodekey", None)
    if isinstance(data, dict) and encode is not None:
        hidden = _ours.get("AGENTVCR_HIDDEN", "").split(",")
        for name, value in _defaults():
            if name in hidden and os.environ.get(name) == value:
                data.pop(encode(name), None)


def _gateway_variables(
    out: dict[Any, Any], where: dict[str, str], *, as_bytes: bool
) -> dict[str, str]:
    """Lead the child to the gateway, in case it is none that an interceptor is in."""
    from agentvcr.inside import gateway  # noqa: PLC0415  (only who starts a process)

    given = {name: out.get(name.encode() if as_bytes else name) for name in gateway.READ}
    texts = {name: os.fsdecode(value) for name, value in given.items() if value is not None}
    base = _ours["AGENTVCR_GATEWAY"]
    return gateway.variables(texts, base, where["AGENTVCR_LANE"], where["AGENTVCR_STEP"])


def passes_a_session_on() -> bool:
    """Whether children can come under the session: one of this process alone has no channel."""
    return bool(_ours)


def environment_without_session() -> dict[str, str]:
    """Copy the process's environment as it would be without us, for what is no part of the run."""
    names = (*VARIABLES, "AGENTVCR_LANE", "AGENTVCR_ORIGINALS", "AGENTVCR_STEP")
    out = {name: value for name, value in os.environ.items() if name not in names}
    entries = out.pop("PYTHONPATH", "").split(os.pathsep)
    given = os.pathsep.join(one for one in entries if one != _ours.get("PYTHONPATH"))
    return {**out, "PYTHONPATH": given} if given else out


def hook_os(entry: Entry) -> None:
    """Make what `os` starts pass the session on."""
    for name in ("execve", "posix_spawn", "posix_spawnp"):
        original = getattr(os, name, None)
        if original is not None:
            setattr(os, name, _with_env(original, entry, keep_lane=name == "execve"))
    if os.name == "posix":
        os.execv = _execv(os.execv, entry)
        os.system = _system(os.system, entry)


def name_if_closed(entry: Entry, command: Any, *, is_text: bool = False, folder: str = "") -> None:  # noqa: ANN401
    """Tell the engine of a command that starts a Python which will not let us in.

    Whatever a recorded call of a function starts is covered by it, and answered with it.
    """
    from agentvcr.inside import closed, fetches  # noqa: PLC0415  (only who starts a program)

    if lanes.current().covered:
        return
    try:
        words = closed.words_of(command)
        reads = closed.shell_keeps_out(words[0], folder) if is_text else False
        if reads or (not is_text and closed.keeps_out(words, folder)):
            entry.tell(b"N", {"kind": "unentered", "argv": words})
        base = _ours.get("AGENTVCR_GATEWAY", "")
        for host, port, what in fetches.past_the_gateway(words, base, is_text=is_text):
            entry.passed(host, port, what)
    except (TypeError, ValueError, LookupError):  # no command at all: whoever starts it says so
        return


def _with_env(original: Any, entry: Entry, *, keep_lane: bool) -> Any:  # noqa: ANN401  (a function of os)
    takes_none = not keep_lane and sys.version_info >= (3, 13)

    @dressed_as(original)
    def call(path: Any, argv: Any, env: Any, **options: Any) -> Any:  # noqa: ANN401  (os's own)
        # exec replaces this process: the same caller goes on, under the same name.
        if not hasattr(env, "keys") and not (env is None and takes_none):
            return original(path, argv, env, **options)  # which says what is wrong with it
        if keep_lane:
            if _is_there(path):
                _name_program(entry, path, argv)
                leaving.leave()
            return original(path, argv, environment_for(env, lanes.current().name), **options)
        started = original(path, argv, environment_for(env, lane_for_child()), **options)
        _name_program(entry, path, argv)
        return started

    return call


def _missing(lane: str) -> dict[str, str]:
    """Say which variables a child would not inherit, or not as it should."""
    env = environment_for(None, lane)
    return {name: value for name, value in env.items() if _environ.get(name) != value}


def _name_program(entry: Entry, path: Any, argv: Any) -> None:  # noqa: ANN401  (as os takes them)
    """Tell the engine of a program that will not let us in."""
    if isinstance(argv, (list, tuple)) and not being_started():  # else it is told of elsewhere
        name_if_closed(entry, [path, *argv[1:]])


def _is_there(path: Any) -> bool:  # noqa: ANN401  (as above)
    """Whether a program can be executed: each folder of PATH is tried."""
    return isinstance(path, (str, bytes, os.PathLike)) and os.access(path, os.X_OK)


def _execv(original: Any, entry: Entry) -> Any:  # noqa: ANN401  (a function of os)
    @dressed_as(original)
    def execv(path: Any, argv: Any, /) -> Any:  # noqa: ANN401  (os's own)
        if _is_there(path):
            _name_program(entry, path, argv)
            leaving.leave()
        # Not `execve`, which words its errors otherwise; nor `environ`, which the program sees.
        lent = _missing(lanes.current().name)
        for name, value in lent.items():
            os.putenv(name, value)
        try:
            return original(path, argv)
        finally:
            for name in lent:
                before = _environ.get(name)
                if before is None:
                    os.unsetenv(name)
                else:
                    os.putenv(name, before)

    return execv


def _system(original: Any, entry: Entry) -> Any:  # noqa: ANN401  (a function of os)
    @dressed_as(original)
    def system(command: Any) -> Any:  # noqa: ANN401  (os's own)
        name_if_closed(entry, command, is_text=True)
        # Told to the shell: what is told to this process, other threads would hand on too.
        lent = _missing(lane_for_child()).items()
        told = " ".join("%s='%s'" % (name, value.replace("'", "'\\''")) for name, value in lent)
        try:
            encoded = b"export %s; %s" % (os.fsencode(told), os.fsencode(command))
        except (TypeError, ValueError):  # no command: the original says so
            return original(command)
        return original(encoded)

    return system


def follow_forks(entry: Entry) -> None:
    """Give a forked child a lane and connections of its own."""

    def before() -> None:
        _here.forking = (lane_for_child(), lanes.origin_for_child())

    def after_in_child() -> None:
        name, origin = _here.forking
        _here.lane = ""
        entry.forked(name)
        clock.forked()
        lanes.start(name, origin)

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_child=after_in_child)
