"""The rules of matching that a project declares: what to leave out of identity, what to take in.

Owns their shape, which is that of the configuration and of what a cassette stores. Does not read a
file (`config`, `cassette`) and applies nothing (`matching`).
"""

from __future__ import annotations

import msgspec


class RulesAt(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """Rules for the requests to some hosts and paths. Each entry is as the user wrote it."""

    host: str = ""
    """A pattern with `*` and `?`; empty for every host."""
    path: str = ""
    """The same for the path."""
    ignore: tuple[str, ...] = ()
    """`body.a[*].b`, `query.name`, `header.name`."""
    count: tuple[str, ...] = ()
    """`header.name`: no header counts but these."""
    ids: tuple[str, ...] = ()
    """What ids begin with that are made up anew in each run."""


class Rules(RulesAt, frozen=True, kw_only=True):
    """All that was declared: rules for every request, then those for some."""

    at: tuple[RulesAt, ...] = ()


NONE_DECLARED = Rules()
KIND = "rules"
"""Of the part of a run's world that holds them, as JSON."""
