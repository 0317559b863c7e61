"""Which processes stand below another, as Linux tells it.

Owns the reading of that. Elsewhere nothing is known to stand below.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")


def children(pid: int, proc: Path = PROC) -> Iterator[int]:
    """Give a process's children; it may end meanwhile, also while its threads are listed."""
    tasks = proc / str(pid) / "task"
    try:
        names = os.listdir(tasks)  # noqa: PTH208  (its `iterdir` may fail in the middle)
    except OSError:
        return
    for name in names:
        try:
            words = (tasks / name / "children").read_text().split()
        except OSError:
            continue
        yield from map(int, words)


def descendants(pid: int) -> list[int]:
    """Give all processes below one."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = list(children(waiting.pop()))
        found += below
        waiting += below
    return found
