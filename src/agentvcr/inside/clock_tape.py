"""Give the clock reads of a lane back in order, on replay.

Owns the decoding of a `clock` part, and the rule for a read that was not recorded. Reads no clock
and knows no lanes (`clock`); the encoding is in `clock_reads`.
"""

from __future__ import annotations

from agentvcr.inside.clock_reads import BYTE, MORE, Run

TYPE_CHECKING = False  # `typing` would cost each recorded program 10 ms
if TYPE_CHECKING:
    from typing import Callable

    from agentvcr.inside.clock_reads import Offsets

    Now = Callable[[], int]

TICK_NS = 1_000
"""How far the clock moves at a read that was not recorded."""
_FEW = 100
"""Reads of a segment beyond the recorded that stay before what was read next."""


def _take(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & BYTE) << shift
        if byte < MORE:
            return number, at
        shift += 7


def _take_signed(data: bytes, at: int) -> tuple[int, int]:
    number, at = _take(data, at)
    return (~(number >> 1) if number & 1 else number >> 1), at


def unpack(data: bytes) -> tuple[Offsets, list[Run]]:
    """Decode a part: its offsets and its runs; see `pack`.

    Raises:
        IndexError: It is cut off.
    """
    wall, at = _take_signed(data, 0)
    perf, at = _take_signed(data, at)
    runs = []
    before = 0
    while at < len(data):
        segment, at = _take(data, at)
        index, at = _take(data, at)
        length, at = _take(data, at)
        run = Run(segment, index)
        for _ in range(length):
            step, at = _take_signed(data, at)
            before += step
            run.append(before)
        runs.append(run)
    return (0, wall, perf), runs


class Tape:
    """What a lane read, to be read again in the same order, segment by segment."""

    __slots__ = ("_at", "_extras", "_floor", "_index", "_runs", "_segment", "last", "offsets")

    def __init__(self, parts: list[bytes], segment: int, offsets: Offsets = (0, 0, 0)) -> None:
        """Read the parts of a lane, whatever their order; one may be there twice.

        Args:
            parts: Those of the lane.
            segment: The one that the lane is in.
            offsets: Those to use where there is no part.
        """
        found: dict[tuple[int, int], Run] = {}
        self.offsets = offsets
        """What to add to a read."""
        for data in parts:
            self.offsets, runs = unpack(data)
            found.update(((run.segment, run.start), run) for run in runs if run)
        self._runs = [found[key] for key in sorted(found)]
        self._at = 0
        self._segment = segment
        self._index = 0
        self._extras = 0
        self._floor: int | None = None
        """What a read that was not recorded gave: those that follow do not go back behind it."""
        self.last = self._runs[0][0] - TICK_NS if self._runs else 0
        """The read that was given last."""

    def go(self, segment: int) -> None:
        """Go on in a segment: what is left of those before is not read any more."""
        self._segment = segment
        self._index = self._extras = 0

    def read(self, virtual: Now | None, passed: Now) -> int:
        """Give the next read; where none was recorded, one that lies between its neighbours.

        Args:
            virtual: Says what time it is in the replay, if anybody knows.
            passed: Says what time it would be if it had passed since the last read as it does.
        """
        index = self._index
        self._index = index + 1
        run = self._current(index)
        if run is None or run.segment != self._segment:
            return self._extra(run, virtual, passed)
        if index < run.start:  # not kept: as if they had come at equal distances
            value = self.last + (run[0] - self.last) // (run.start - index + 1)
        else:
            value = run[index - run.start]
        self.last = value if self._floor is None else max(value, self._floor)
        return self.last

    def _current(self, index: int) -> Run | None:
        """Find the run of a read of this segment, or the next that lies behind it."""
        while self._at < len(self._runs):
            run = self._runs[self._at]
            if run.segment > self._segment:
                return run
            if run.segment == self._segment and index < run.start + len(run):
                return run
            self._at += 1
        return None

    def _extra(self, following: Run | None, virtual: Now | None, passed: Now) -> int:
        self._extras += 1
        value = self.last + TICK_NS
        if following is not None and self._extras <= _FEW:
            value = min(value, max(following[0], self.last))
            if virtual is not None:
                value = max(value, virtual())
        else:  # who reads so often waits for time to pass: it must, or the program hangs
            value = max(value, (virtual or passed)())
        self._floor = self.last = value
        return value
