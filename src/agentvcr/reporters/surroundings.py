"""What a run was made of that another was not, in a line.

Owns its wording, and how much of it is told. Which things count is `diff.surroundings`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agentvcr.model.results import Surrounding

_MOST = 5
_MOST_VARIABLES = 8
"""Told beside the rest: a build sets many, and files that changed push none of them out."""
_MOST_TEXT = 60
"""Characters of a value: a command line may be long."""
_STATUS = {"added": " (new)", "removed": " (gone)", "changed": ""}


def tell_changed(changed: Sequence[Surrounding]) -> str:
    """Name what changed: files, then packages, then the rest; empty where nothing did."""
    variables = [one for one in changed if one.kind == "environment"]
    things = [one for one in changed if one.kind != "environment"]
    told = "; ".join(filter(None, _groups(things[:_MOST], variables[:_MOST_VARIABLES])))
    rest = sum(
        max(0, len(found) - most) for found, most in ((things, _MOST), (variables, _MOST_VARIABLES))
    )
    return f"{told}, and {rest:,} more" if rest else told


def _groups(things: Sequence[Surrounding], variables: Sequence[Surrounding]) -> Iterator[str]:
    files = [one for one in things if one.kind in ("source", "file")]
    others = [one for one in things if one not in files]
    yield ", ".join(f"{one.name}{_STATUS[one.status]}" for one in files)
    yield from (_valued(one) for one in others)
    if variables:
        yield "environment: " + ", ".join(_valued(one) for one in variables)


def _valued(one: Surrounding) -> str:
    if one.before is None and one.after is None:
        return f"{one.name}{_STATUS[one.status]}"
    return f"{one.name} {_short(one.before)} → {_short(one.after)}"


def _short(value: str | None) -> str:
    if value is None:
        return "(absent)"
    return value if len(value) <= _MOST_TEXT else f"{value[: _MOST_TEXT - 1]}…"
