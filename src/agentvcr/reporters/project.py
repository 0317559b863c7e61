"""What `init` did in a project, a line a thing, and what is left to do.

Owns their wording.
"""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import indent
from typing import TYPE_CHECKING, Final, TextIO

from agentvcr.model.project import CHANGES
from agentvcr.reporters.base import printable

if TYPE_CHECKING:
    from agentvcr.model.project import ProjectItem, ProjectSetUp

_DONE: Final = {"write": "wrote", "add to": "added to", "keep": "kept", "leave out": "left out"}


def render(result: ProjectSetUp, out: TextIO) -> None:
    """Write the lines."""
    out.writelines(f"{printable(line)}\n" for line in _lines(result))


def _lines(result: ProjectSetUp) -> Iterator[str]:
    for item in result.items:
        yield _line(item, is_done=result.is_done)
        if item.to_add:
            yield indent(item.to_add.rstrip("\n"), "    ")
    changes = [item for item in result.items if item.action in CHANGES]
    if not changes:
        yield "nothing was changed"
    elif result.is_done:
        yield from _left_to_do(result)
    if result.has_git and not result.finds_program:
        yield "git will not find agentvcr: put it on PATH, as an activated environment does"


def _line(item: ProjectItem, *, is_done: bool) -> str:
    verb = _DONE.get(item.action, item.action)
    if item.action in CHANGES and not is_done:
        verb = f"would {item.action}"
    return f"{verb} {item.name}{f': {item.note}' if item.note else ''}"


def _left_to_do(result: ProjectSetUp) -> Iterator[str]:
    if result.lacks_files:
        yield "commit the files"
    if result.has_git:
        yield "git takes no settings over: agentvcr init is for each other clone too, once"
