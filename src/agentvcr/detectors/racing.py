"""Which callers race: requests under way at the same time, of which any may be answered first.

Owns that choice, for a request that came out another when they were. Pure.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from agentvcr.steps.flow import began_ns, comes_from, ended_ns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agentvcr.model.results import StepRow
    from agentvcr.model.step import Step

_MOST = 4
_FEWEST = 2


def racers_of(steps: Mapping[str, Step], changed: StepRow) -> Sequence[Step]:
    """Give the steps of different lanes that a changed step had something of, or could have."""
    target = steps.get(changed.id)
    if target is None:
        return ()
    before = [
        one
        for one in steps.values()
        if one.exchange is not None and one.number < target.number and one.id != target.id
    ]
    used = {use.source for use in comes_from(target, reversed(before))}
    givers = [one for one in before if one.id in used]
    if len({one.lane for one in givers}) >= _FEWEST:
        return givers[:_MOST]
    racing = {
        one.id
        for pair in combinations(before[-50:], 2)
        if pair[0].lane != pair[1].lane and _at_once(*pair)
        for one in pair
    }
    return [one for one in before if one.id in racing][:_MOST]


def _at_once(one: Step, other: Step) -> bool:
    ends = ended_ns(one), ended_ns(other)
    if ends[0] is None or ends[1] is None:
        return True
    return began_ns(one) < ends[1] and began_ns(other) < ends[0]
