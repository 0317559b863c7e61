"""What `init` did in a project, and what a merge of two cassettes came to.

Owns these shapes. Writes no file and asks no git (`session`), and does not draw (`reporters`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

Action = Literal["write", "add to", "set", "keep", "leave out"]
"""A new file; lines at the end of one; a setting of git; there already; not done, for a reason."""

CHANGES: tuple[Action, ...] = ("write", "add to", "set")
"""Actions after which something is otherwise than before."""


class ProjectItem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a project needs."""

    action: Action
    name: str
    """A file, as it is named in the project, or a setting of git."""
    is_shared: bool = True
    """Whether it is committed, and not this clone's own."""
    note: str = ""
    to_add: str = ""
    """Lines that the user is asked to add by hand."""


class ProjectSetUp(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="agentvcr.init/1"
):
    """What a project has, and what it was given."""

    is_done: bool
    """Whether it was done, and not only told."""
    has_git: bool
    finds_program: bool
    """Whether git can start `agentvcr` by its name."""
    items: tuple[ProjectItem, ...]

    @property
    def lacks_files(self) -> bool:
        """Whether a file of the project is not as it should be, or was not."""
        return any(item.is_shared and item.action in CHANGES for item in self.items)


class CassetteMerge(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="agentvcr.merge/1"
):
    """What a merge of two versions of a cassette came to."""

    path: str
    """The cassette, as seen from where git was called."""
    is_conflict: bool
    """Whether somebody has to choose. Ours is in place then, whole."""
    are_same: bool = False
    """Whether both are of one run, step for step."""
    difference: str = ""
    unreadable: tuple[str, ...] = ()
    """Why a side cannot be read."""
    command: tuple[str, ...] = ()
    """What records it anew; empty where that is not known."""
