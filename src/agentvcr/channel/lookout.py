"""Look now and then which Pythons run below the command without having let us in.

Owns what /proc tells of them, on Linux. For what no command line tells: a script of a shell, a
build tool, a program in another language that starts a Python. One that is gone before the next
look is not seen.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from agentvcr.channel.descent import PROC, children
from agentvcr.inside.closed import is_isolated, is_python
from agentvcr.inside.interceptors.mcp_stdio import SHIM

_SHORTEST_S = 0.1
_LONGEST_S = 2.0
_SHIM_WITHIN = 5
"""Words of a command line among which it is said that it is a shim, behind Python's own options."""


class Lookout:
    """Looks at the processes below one, more and more seldom."""

    def __init__(self, pid: int, needed: dict[str, str], proc: Path = PROC) -> None:
        """Look below process `pid` for those that do not have the variables `needed`.

        Args:
            pid: The command's.
            needed: What a process has that lets us in: a variable may hold more than that.
            proc: Where the system tells about processes.
        """
        self._pid = pid
        self._needed = needed
        self._proc = proc
        self._seen: set[tuple[int, tuple[str, ...]]] = set()
        self._pause_s = _SHORTEST_S

    def next_s(self) -> float:
        """Say in how many seconds to look again: more and more seldom."""
        self._pause_s = min(2 * self._pause_s, _LONGEST_S)
        return self._pause_s

    def look(self) -> list[list[str]]:
        """Give the command lines of Pythons that did not let us in, each process once."""
        found = []
        for pid, argv in self._tree():
            # A program that writes its own title there has written over its variables too.
            if not argv or not is_python(argv[0]) or (pid, tuple(argv)) in self._seen:
                continue
            self._seen.add((pid, tuple(argv)))
            if is_isolated(argv[1:]) or self._lacks(pid):
                found.append(argv)
        return found

    def _tree(self) -> Iterator[tuple[int, list[str]]]:
        """Give the processes of the run; an MCP server behind a shim is none of them."""
        waiting = [self._pid]
        while waiting:
            pid = waiting.pop()
            argv = self._words(pid, "cmdline") or []
            if _is_shim(argv):
                continue
            yield pid, argv
            waiting.extend(children(pid, self._proc))

    def _words(self, pid: int, name: str) -> list[str] | None:
        try:
            data = (self._proc / str(pid) / name).read_bytes()
        except OSError:  # it has ended, or is another user's
            return None
        return [os.fsdecode(word) for word in data.removesuffix(b"\0").split(b"\0")]

    def _lacks(self, pid: int) -> bool:
        words = self._words(pid, "environ")
        if words is None:
            return False
        environment = dict(word.partition("=")[::2] for word in words)
        return any(value not in environment.get(name, "") for name, value in self._needed.items())


def _is_shim(argv: Sequence[str]) -> bool:
    """Whether this stands before an MCP server, which gets no session from it on purpose."""
    words = argv[:_SHIM_WITHIN]
    by_command = any(Path(one).name == "agentvcr" and two == "mcp" for one, two in pairwise(words))
    return SHIM in words or by_command
