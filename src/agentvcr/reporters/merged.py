"""What a merge of two cassettes came to, for whoever waits for git.

Owns the wording. The commands in it work as they stand, from where git was called.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from textwrap import indent
from typing import TYPE_CHECKING, TextIO

from agentvcr.reporters.base import printable

if TYPE_CHECKING:
    from agentvcr.model.project import CassetteMerge


def render(result: CassetteMerge, out: TextIO) -> None:
    """Write the lines; none where nobody need know."""
    out.writelines(f"{printable(line)}\n" for line in _lines(result))


def _lines(result: CassetteMerge) -> Iterator[str]:
    if result.are_same:
        yield f"agentvcr: {result.path}: both sides recorded the same run; ours is kept"
    if not result.is_conflict:
        return
    if result.unreadable:
        yield f"agentvcr: {result.path}: what was recorded cannot be compared; it is left as ours"
    else:
        yield f"agentvcr: {result.path}: the two sides recorded different runs; it is left as ours"
    yield from (f"  {line}" for line in result.unreadable)
    if result.difference:
        yield indent(result.difference, "  ")
    path = shlex.quote(result.path)
    yield "  keep one of them:"
    for side in ("ours", "theirs"):
        yield f"    git checkout --{side} -- {path} && git add -- {path}"
    command = f": agentvcr record --force -o {path} -- {shlex.join(result.command)}"
    yield f"  or record it anew, then git add it{command if result.command else ''}"
