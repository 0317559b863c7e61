"""Bring what `subprocess` starts under the session, and name what will not let us in.

Owns the wrapping of `Popen`. Which command lines keep us out is `closed`'s.
"""

from __future__ import annotations

import os

from agentvcr.inside import children, lanes
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
        lane = children.lane_for_child()
        if "env" in options:
            options["env"] = children.environment_for(options["env"], lane)
        elif len(args) > position:
            env = children.environment_for(args[position], lane)
            args = (*args[:position], env, *args[position + 1 :])
        with children.Starting(lane):  # it may fork, and may start through `os.posix_spawn`
            return original(self, *args, **options)

    popen._execute_child = execute_child


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
