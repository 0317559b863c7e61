"""Which requests a replay asked otherwise: by text, order or caller, or not at all.

Owns what of a diff counts as that. What it is blamed on is `dependence`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from agentvcr.detectors.spans import Span, differing, overlaps
from agentvcr.model.diagnosis import Control
from agentvcr.model.results import StepRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agentvcr.model.results import Change, DiffEntry
    from agentvcr.model.step import Step

_ANSWERS = ("response", "status", "error", "ending", "step.")
"""Where a diff puts what is no part of a request."""
ORDER = "order"
"""Where a diff puts that a step came in another order than before, among those of its lane."""
LANE = "lane"
"""Where a request differs that another caller made."""
_TAKE_WORK = ("thread", "proc", "worker", "service")
"""Kinds of lanes, of which one may take from a queue what another took before."""
_REQUESTS = ("llm", "tool")


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was another in a replay."""

    control: Control
    step: StepRow
    number: int
    """The recorded exchange; 0 where it has none."""
    where: str
    before: str | None
    after: str | None
    spans: list[Span]

    @property
    def is_moved(self) -> bool:
        """Whether the request is the same, and was made at another time or by another caller."""
        return self.where in (ORDER, LANE)


def differences(
    control: Control, entry: DiffEntry, steps: Mapping[str, Step]
) -> Iterator[Difference]:
    """Give what a replay asked otherwise in one step; `steps` are the recorded ones."""
    step = entry.a or entry.b
    if step is None or step.internal or entry.status == "not_reached":
        return
    number = number_of(steps.get(entry.a.id)) if entry.a else 0

    def found(where: str, before: str | None, after: str | None) -> Difference:
        old = before or ""
        spans = differing(old, after or "") or [(0, len(old))]
        return Difference(
            control=control,
            step=step,
            number=number,
            where=where,
            before=before,
            after=after,
            spans=spans,
        )

    if entry.status in ("added", "removed"):
        if step.kind in _REQUESTS:
            yield found(f"the step was {entry.status}", None, None)
        return
    for change in entry.changes:
        if _counts(change, step):
            yield found(change.where, change.before, change.after)
    if entry.a is None or entry.b is None or step.kind not in _REQUESTS or control == "race":
        return
    if _is_given_work(entry.a.lane, entry.b.lane):
        yield found(LANE, entry.a.lane, entry.b.lane)


def _counts(change: Change, step: StepRow) -> bool:
    if change.where == ORDER:
        return step.kind in _REQUESTS
    return not change.where.startswith(_ANSWERS)


def _is_given_work(lane: str, other: str) -> bool:
    """Whether two lanes are different ones, of those that are made for a piece of work.

    A task or an item of a pool is. Threads and processes may take theirs from a queue, and which of
    them comes first there is chance, whatever else is as it was.
    """
    for one, of_other in zip(lane.split("/"), other.split("/"), strict=False):
        if one != of_other:
            return not one.startswith(_TAKE_WORK) and not of_other.startswith(_TAKE_WORK)
    return False


def number_of(step: Step | None) -> int:
    """Give the number of a step's exchange; 0 where it has none."""
    return step.exchange.number if step is not None and step.exchange is not None else 0


def without(one: Difference, excused: Sequence[Span]) -> Difference | None:
    """Leave out what something else is to blame for."""
    left = [span for span in one.spans if not any(overlaps(span, other) for other in excused)]
    return msgspec.structs.replace(one, spans=left) if left else None
