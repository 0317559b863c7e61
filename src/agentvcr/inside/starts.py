"""Bring what `subprocess` starts under the session, and name what will not let us in.

Owns the wrapping of `Popen`. Which command lines keep us out is `closed`'s.
"""

from __future__ import annotations

import os

from agentvcr.inside import children
from agentvcr.inside.patching import dressed_as

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from agentvcr.inside.entry import Entry


def hook_subprocess(module: ModuleType, entry: Entry) -> None:
    """Make `subprocess.Popen`, and asyncio's with it, pass the session on."""
    popen: Any = module.Popen
    original = popen._execute_child
    taken = original.__code__.co_varnames[1 : original.__code__.co_argcount]

    @dressed_as(original)
    def execute_child(self: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401  (Popen's own)
        if args and not isinstance(args[0], (str, bytes, os.PathLike, list, tuple)):
            args = (list(args[0]), *args[1:])  # an iterator: to be looked at, not used up
        given = {**dict(zip(taken, args)), **options}
        lane = children.lane_for_child()
        env = children.environment_for(given["env"], lane)
        if "env" in options:
            options["env"] = env
        else:
            position = taken.index("env")
            args = (*args[:position], env, *args[position + 1 :])
        with children.Starting(lane):  # it may fork, and may start through `os.posix_spawn`
            done = original(self, *args, **options)
        _name(entry, given)
        return done

    popen._execute_child = execute_child


def _name(entry: Entry, given: dict[str, Any]) -> None:
    """Tell the engine of what was started, if it will not let us in."""
    command, executable = given["args"], given.get("executable")
    is_one = isinstance(command, (str, bytes, os.PathLike))
    if executable is not None and not is_one and not given.get("shell"):
        command = [executable, *command[1:]]
    folder = os.fsdecode(given.get("cwd") or "")
    is_shell = bool(given.get("shell")) and (is_one or len(command) > 0)
    children.name_if_closed(entry, command, is_text=is_shell, folder=folder)
