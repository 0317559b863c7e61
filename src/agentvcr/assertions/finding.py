"""Find the steps that a test means: by path, number, name or agent.

Owns which of these goes first, and the words where none or several are meant.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Final

from agentvcr.assertions.failing import ExpectationFailed, failed
from agentvcr.assertions.tree import Part
from agentvcr.steps.path import ROOT_LANE, Place

_MOST_NEAR: Final = 3
_ALIKE: Final = 0.65


def find_one(part: Part, wanted: str | int) -> int:
    """Find the one step that is meant: by exact path or number first, else the only one so called.

    Gives its index in the tree.

    Args:
        part: The steps to look at.
        wanted: A path as `agentvcr show` names it or the end of one, a number, a name or an agent.

    Raises:
        ExpectationFailed: None is meant, or several are.
    """
    __tracebackhide__ = True
    name = str(wanted).strip()
    found = _exactly(part, name) or find_all(part, name)
    if len(found) == 1:
        return found[0]
    if not found:
        raise no_step(part, name)
    places = part.tree.places
    raise failed(
        f"expected one step {name}, found {len(found)}",
        where=part.name,
        title="each of them is meant by its path",
        lines=[titled(places[index]) for index in found],
    )


def find_all(part: Part, wanted: str) -> list[int]:
    """Find the steps of a name; else of an agent, of a path or number, or whose path ends so."""
    name = wanted.strip()
    return (
        _where(part, lambda one: one.named is not None and one.named.name == name)
        or _where(part, lambda one: one.named is not None and one.named.agent == name)
        or _exactly(part, name)
        or _where(part, lambda one: one.id.endswith(f"/{name}"))
    )


def _exactly(part: Part, wanted: str) -> list[int]:
    """Find a path or a number, also of what was done inside a recorded function."""
    name = wanted.removeprefix(f"{ROOT_LANE}/")
    root = "" if part.root is None else f"{part.root}/"
    inside = [(at, one) for at, one in enumerate(part.tree.places) if one.id.startswith(root)]
    below = [at for at, one in inside if one.id == f"{root}{name}"]
    return below or [at for at, one in inside if name in {one.id, str(one.number)}]


def _where(part: Part, is_meant: Callable[[Place], bool]) -> list[int]:
    places = part.tree.places
    return [index for index in part.indexes if is_meant(places[index])]


def no_step(part: Part, wanted: str) -> ExpectationFailed:
    """Say that there is no such step, and which are close to it, or which there are."""
    known: dict[str, Place] = {}
    for place in part.places:
        named = place.named
        for name in (place.id, *((named.name, named.agent) if named is not None else ())):
            known.setdefault(name or "", place)
    near = difflib.get_close_matches(wanted, known, n=_MOST_NEAR, cutoff=_ALIKE)
    close = {known[name].number: known[name] for name in near}
    shown: Sequence[Place] = [close[number] for number in sorted(close)] or part.places
    return failed(
        f"expected a step {wanted}, found none of that path, number, name or agent",
        where=part.name,
        title="close to it" if near else "the steps",
        lines=[titled(place) for place in shown],
    )


def titled(place: Place) -> str:
    """Name a step in a line."""
    agent = place.named.agent if place.named is not None else None
    return f"{place.number} {place.id}  {place.kind}" + (f" ({agent})" if agent else "")
