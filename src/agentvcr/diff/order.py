"""Which steps of one caller came in another order than before.

Owns what counts as another order: only where one step had ended before the other began, in both
runs. What runs side by side has none. Does not pair steps (`align`).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from agentvcr.diff.align import increasing
from agentvcr.model.results import Change
from agentvcr.steps.flow import began_ns, ended_ns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agentvcr.diff.align import Pair
    from agentvcr.model.step import Step

_MOMENTS = ("handoff", "state")
_ORPHANS = "?"


def order_changes(pairs: Sequence[Pair]) -> dict[int, Change]:
    """Say of each step that came in another order what it came before; by the id() of A's step."""
    lanes: defaultdict[str, list[tuple[Step, Step]]] = defaultdict(list)
    for pair in pairs:
        if pair.a is not None and pair.b is not None and _counts(pair.a, pair.b):
            lanes[pair.a.lane].append((pair.a, pair.b))
    found: dict[int, Change] = {}
    for both in lanes.values():
        both.sort(key=lambda one: one[0].number)
        found.update(_moved(both))
    return found


def _counts(a: Step, b: Step) -> bool:
    """Whether a pair has a place in its caller's order: an exchange, a handoff or a state write."""
    if a.lane != b.lane or a.lane.startswith(_ORPHANS):
        return False
    if a.exchange is not None and b.exchange is not None:
        return not (a.exchange.internal or b.exchange.internal)
    return a.kind in _MOMENTS


def _moved(both: list[tuple[Step, Step]]) -> dict[int, Change]:
    before = [id(a) for a, _ in both]
    after = [id(a) for a, _ in sorted(both, key=lambda one: one[1].number)]
    if before == after:
        return {}
    kept = {left for left, _ in increasing(before, after)}
    found: dict[int, Change] = {}
    for index, (a, b) in enumerate(both):
        if index not in kept:
            crossed = (both[other] for other in sorted(kept))
            change = next(filter(None, (_change(a, b, *other) for other in crossed)), None)
            if change is not None:
                found[id(a)] = change
    return found


def _change(a: Step, b: Step, other_a: Step, other_b: Step) -> Change | None:
    """Say that a step and another changed places; None where they did not, or had no order."""
    if _is_before(a, other_a) and _is_before(other_b, b):
        words = ("before", "after")
    elif _is_before(other_a, a) and _is_before(b, other_b):
        words = ("after", "before")
    else:
        return None
    return Change(
        where="order",
        before=f"{words[0]} {other_a.id}",
        after=f"{words[1]} {other_b.id}",
        kind="order",
    )


def _is_before(one: Step, other: Step) -> bool:
    end = ended_ns(one)
    return end is not None and end <= began_ns(other) and one.number < other.number
