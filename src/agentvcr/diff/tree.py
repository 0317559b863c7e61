"""Where the entries of a diff stand in the tree of steps, and so in time.

Owns which entry comes first: what a step gave came after everything inside it, and a step that was
only broken off stands behind what broke it. Does not compare (`compare`) and does not pair
(`align`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentvcr.diff.compare import INPUT
from agentvcr.model.exchange import is_call

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agentvcr.model.results import DiffEntry
    from agentvcr.model.step import Step


_ASKED = ("request", "arguments", "order")
"""How the places of changes begin that say what a step was asked, and when."""
_NO_END = ("in flight", "in progress", "cancelled")


def outside_of_answered_calls(a: Sequence[Step], b: Sequence[Step]) -> list[list[Step]]:
    """Leave out what was done inside recorded functions, where a run was answered in their place.

    A replay does not run them, so nothing inside them can be the same. What a client had asked in
    there, and kept, it asks for itself in the replay.
    """
    answered = any(
        step.exchange is not None and is_call(step.exchange) and step.exchange.served_from
        for step in (*a, *b)
    )
    if not answered:
        return [list(a), list(b)]
    inner = {one.exchange.number for one in a if one.exchange is not None and one.exchange.internal}
    return [
        list(_outside_of_calls(a)),
        [
            one
            for one in _outside_of_calls(b)
            if one.exchange is None or one.exchange.served_from not in inner
        ],
    ]


def _outside_of_calls(steps: Sequence[Step]) -> Iterator[Step]:
    calls = {step.id for step in steps if step.exchange is not None and is_call(step.exchange)}
    parents = {step.id: step.parent for step in steps}
    for step in steps:
        if not any(one in calls for one in _around(step.parent, parents)):
            yield step


def _around(parent: str | None, parents: dict[str, str | None]) -> Iterator[str]:
    while parent is not None:
        yield parent
        parent = parents.get(parent)


class Tree:
    """The entries of a diff by their steps."""

    def __init__(self, entries: Sequence[DiffEntry]) -> None:
        """Look at who stands within whom."""
        self._entries = entries
        self._inside: dict[int, list[int]] = {}
        self._around: dict[int, list[int]] = {}
        index_of: dict[tuple[int, str], int] = {}
        for index, entry in enumerate(entries):
            for side, row in enumerate((entry.a, entry.b)):
                if row is not None:
                    index_of[side, row.id] = index
        for index, entry in enumerate(entries):
            self._around[index] = self._find_around(entry, index_of)
            for outer in self._around[index]:
                self._inside.setdefault(outer, []).append(index)

    def _find_around(self, entry: DiffEntry, index_of: dict[tuple[int, str], int]) -> list[int]:
        side, row = (0, entry.a) if entry.a is not None else (1, entry.b)
        found: list[int] = []
        while row is not None and row.parent is not None:
            index = index_of.get((side, row.parent))
            if index is None:
                break
            found.append(index)
            row = self._entries[index].a if side == 0 else self._entries[index].b
        return found

    def inside(self, index: int) -> Sequence[int]:
        """Give the entries inside one."""
        return self._inside.get(index, ())

    def is_around(self, index: int, other: int) -> bool:
        """Whether one entry's step holds the other's."""
        return index in self._around[other]

    def in_time(self, indexes: Sequence[int]) -> list[int]:
        """Put differing entries in the order in which they came to differ.

        What a stopped replay had not come to differs because of the stop, whenever it was recorded.
        And who was under way when another failed did nothing otherwise, so is never the first.
        """
        unreached = [at for at in indexes if self._entries[at].status == "not_reached"]
        reached = [at for at in indexes if self._entries[at].status != "not_reached"]
        found = sorted(reached, key=self._moment) + sorted(unreached, key=self._moment)
        broken = self._broken_off(reached)
        first = next((at for at in found[: len(reached)] if at not in broken), None)
        return found if first is None else [first, *(at for at in found if at != first)]

    def _broken_off(self, indexes: Sequence[int]) -> set[int]:
        """Find the steps that were only broken off, and what their callers did not come to then."""
        broken: set[int] = set()
        lanes: set[str] = set()
        for at in sorted(indexes):
            entry = self._entries[at]
            lane = entry.a.lane if entry.a is not None else ""
            if _is_broken_off(entry) or (entry.status == "removed" and lane in lanes):
                broken.add(at)
                lanes.add(lane)
        return broken

    def _moment(self, index: int) -> tuple[int, int]:
        if not differs_at_end(self._entries[index]):
            return index, 0
        inside = self.inside(index)
        depth = len(self._around[index])
        return max(inside, default=index), 1000 - depth

    def is_own(self, index: int) -> bool:
        """Whether a step gave something else although all inside it is the same."""
        entry = self._entries[index]
        inside = self.inside(index)
        return (
            bool(inside)
            and entry.status == "changed"
            and differs_at_end(entry)
            and all(self._entries[one].status == "same" for one in inside)
        )


def _is_broken_off(entry: DiffEntry) -> bool:
    """Whether a step asked the same, and came to no end in one of the two runs."""
    if entry.status != "changed":
        return False
    if any(change.where.startswith((*_ASKED, INPUT)) for change in entry.changes):
        return False
    return any(
        change.kind == "ending" and any(map(_is_no_end, (change.before, change.after)))
        for change in entry.changes
    )


def _is_no_end(told: str | None) -> bool:
    return told is not None and (told in _NO_END or ".CancelledError:" in told)


def differs_at_end(entry: DiffEntry) -> bool:
    """Whether an entry is a named step that began the same, and then gave something else."""
    named = all(row is None or row.ending in {None, "done", "failed"} for row in (entry.a, entry.b))
    if not named or entry.a is None or entry.b is None:
        return False
    return not any(change.where.startswith(INPUT) for change in entry.changes)
