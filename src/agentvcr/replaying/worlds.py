"""What a recording holds of its processes besides their exchanges, for those that replay it.

Owns which recorded process a replayed one stands for. Knows no kind of part.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from agentvcr.model.run import Run


class Worlds:
    """Gives each replayed process the parts of its recorded one: by lane, in order of arrival."""

    def __init__(
        self, recorded: Run, lane_of: Callable[[int], str], *, without: tuple[str, ...] = ()
    ) -> None:
        """Index the parts; `lane_of` says the lane of a replayed process, `without` what is left.

        A block that was recorded in its own process has that one alone, and no lane for it.
        """
        self._lane_of = lane_of
        self._waiting: dict[str, deque[int]] = {}
        for process in recorded.processes:
            self._waiting.setdefault(process.lane, deque()).append(process.index)
        self._stands_for: dict[int, int | None] = {} if recorded.processes else {0: 0}
        self._of_lane: dict[tuple[str, str], list[tuple[str, bytes]]] = {}
        self._parts: dict[tuple[str, int], list[tuple[str, bytes]]] = {}
        for part in recorded.world:
            if part.kind in without:
                continue
            found = part.lane, part.data
            self._parts.setdefault((part.kind, part.process), []).append(found)
            self._of_lane.setdefault((part.kind, part.lane), []).append(found)

    def recorded(self, process: int) -> int | None:
        """Say which recorded process a replayed one stands for; None where there was none."""
        if process not in self._stands_for:
            waiting = self._waiting.get(self._lane_of(process))
            self._stands_for[process] = waiting.popleft() if waiting else None
        return self._stands_for[process]

    def parts(self, kind: str, process: int, lane: str = "") -> list[tuple[str, bytes]]:
        """Give what was recorded of the process that a replayed one stands for: lane and data.

        With a `lane`, what was recorded of that, in whichever process: pools share out their items.
        """
        if lane:
            return self._of_lane.get((kind, lane), [])
        recorded = self.recorded(process)
        return [] if recorded is None else self._parts.get((kind, recorded), [])
